/**
 * Rows are recomputed before they leave for a copy: what was damaged while it waited goes nowhere. Rows that never left this
 * memory since their hashes were made are not hashed again.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow } from "../ports.ts";
import { Divergence } from "./divergence.ts";

const made = new WeakSet<EntryRow>();

/** `row` came out of the sequencer in this memory; nobody changes it from now on. */
export function rememberMade(row: EntryRow): void {
  made.add(row);
}

/** Throws `Divergence` unless the rows follow `prevHash`, and each other, and their hashes are those of their payloads. */
export function demandChained(rows: readonly EntryRow[], prevHash: string, sha256: Sha256): void {
  let expected = prevHash;
  for (const row of rows) {
    if (row.prevHash !== expected || !(made.has(row) || isHashedRight(row, sha256))) {
      throw new Divergence(`entry ${row.seq} is no longer the one that was appended`);
    }
    expected = row.entryHash;
  }
}

function isHashedRight({ prevHash, entryHash: claimed, payload }: EntryRow, sha256: Sha256): boolean {
  const prev = fromHex(prevHash);
  return prev !== null && toHex(entryHash(sha256, prev, payload)) === claimed;
}
