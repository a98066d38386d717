/** Rows are recomputed before they leave for a copy: what was damaged while it waited goes nowhere. */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow } from "../ports.ts";
import { Divergence } from "./divergence.ts";

/** Throws `Divergence` unless the rows follow `prevHash`, and each other, and their hashes are those of their payloads. */
export function demandChained(rows: readonly EntryRow[], prevHash: string, sha256: Sha256): void {
  let expected = prevHash;
  for (const row of rows) {
    const prev = fromHex(row.prevHash);
    if (row.prevHash !== expected || !prev || toHex(entryHash(sha256, prev, row.payload)) !== row.entryHash) {
      throw new Divergence(`entry ${row.seq} is no longer the one that was appended`);
    }
    expected = row.entryHash;
  }
}
