/**
 * Gives planned entries their place: seq, time, salt, previous hash, entry hash. A pure function of the head and the
 * inputs, so that the simulation and the object run the same code.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { entryIdFor } from "../../core/entry-id.ts";
import { encodePayload } from "../../core/payload/payload.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow, Head } from "../ports.ts";
import type { PlannedEntry } from "./plan.ts";

const SALT_BYTES = 16;

export interface Sequenced {
  rows: EntryRow[];
  head: Head;
}

/** Commitments to the private values of an entry, once its id is known: JSON Pointer → lower-case hex. */
export type CommitTo = (entry: PlannedEntry, place: { seq: number; id: string }) => Record<string, string> | undefined;

/**
 * `nowMs` may run backwards: `recorded_at` never does. `salts` holds 16 fresh random bytes for each entry. `commitTo` is
 * called once for each entry, in order.
 */
export function sequenceEntries(
  sha256: Sha256,
  domainId: string,
  head: Head,
  entries: readonly PlannedEntry[],
  nowMs: number,
  salts: Uint8Array,
  commitTo: CommitTo = () => undefined,
): Sequenced {
  const recordedAtMs = Math.max(nowMs, head.recordedAtMs);
  const recorded_at = new Date(recordedAtMs).toISOString();
  let prevHash = head.entryHash;
  let prevBytes = hashBytes(prevHash);
  const rows = entries.map((entry, i): EntryRow => {
    const seq = head.size + i;
    const id = entry.id ?? entryIdFor(recordedAtMs, seq);
    const salt = toHex(salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES));
    const commitments = commitTo(entry, { seq, id });
    const fields = commitments ? { ...entry.fields, private: commitments } : entry.fields;
    const payload = encodePayload(fields, { domain: domainId, seq, id, recorded_at, salt });
    prevBytes = entryHash(sha256, prevBytes, payload);
    const row = { seq, id, prevHash, entryHash: toHex(prevBytes), payload };
    prevHash = row.entryHash;
    return row;
  });
  return { rows, head: { size: head.size + rows.length, entryHash: prevHash, recordedAtMs } };
}

export const saltBytesFor = (entries: number): number => entries * SALT_BYTES;

function hashBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a stored hash is not hex");
  return bytes;
}
