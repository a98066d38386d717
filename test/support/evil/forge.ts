/** Chains as a forger makes them: consistent in themselves. Recomputed with node:crypto, sharing nothing with the product. */
import { createHash } from "node:crypto";

/** Lower-case hex hashes, as everywhere outside the databases. */
export interface Row {
  seq: number;
  id: string;
  prevHash: string;
  entryHash: string;
  payload: string;
}

export const hashOf = (prevHash: string, payload: string) =>
  createHash("sha256").update(Buffer.from(prevHash, "hex")).update(payload).digest("hex");

/** The rows with each hash recomputed from `fromSeq` on: a suffix that verifies by itself. */
export function rechained(rows: readonly Row[], fromSeq: number): Row[] {
  let prevHash = rows.find(({ seq }) => seq === fromSeq)?.prevHash ?? "";
  return rows.map((row) => {
    if (row.seq < fromSeq) return row;
    const forged = { ...row, prevHash, entryHash: hashOf(prevHash, row.payload) };
    prevHash = forged.entryHash;
    return forged;
  });
}

/** The rows with one payload replaced by another text and everything after it recomputed. */
export function rewritten(rows: readonly Row[], seq: number, change: (payload: string) => string): Row[] {
  const changed = rows.map((row) =>
    row.seq === seq ? { ...row, payload: differs(row.payload, change(row.payload)) } : row,
  );
  return rechained(changed, seq);
}

/** The rows with a forged one before `seq`; what follows moves up by one, in its columns and in its payload. */
export function withForged(rows: readonly Row[], seq: number): Row[] {
  const model = rows.find((row) => row.seq === seq) as Row;
  const id = `forged-${seq}`;
  const forged = { ...model, id, payload: relabelled(model.payload, seq, id) };
  const later = rows
    .filter((row) => row.seq >= seq)
    .map((row) => ({ ...row, seq: row.seq + 1, payload: relabelled(row.payload, row.seq + 1, row.id) }));
  return rechained([...rows.filter((row) => row.seq < seq), forged, ...later], seq);
}

function relabelled(payload: string, seq: number, id: string): string {
  return differs(payload, canonical({ ...(JSON.parse(payload) as object), seq, id }));
}

/** RFC 8785 for what stands in entries: members in order, no spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

/** An attack that changes nothing would prove nothing. */
export function differs(before: string, after: string): string {
  if (before === after) throw new Error("the forgery changed nothing");
  return after;
}

/** The bytes with one bit the other way. */
export function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
