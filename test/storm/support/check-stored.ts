/**
 * Whether what a dead cell left on disk is one whole log that holds everything that was acknowledged. Recomputes with
 * node:crypto and plain JSON; nothing of the product's own chain, payload or segment code.
 */
import { createHash } from "node:crypto";
import type { StoredLog } from "./stored-log.ts";

export interface Acknowledged {
  seq: number;
  id: string;
  entry_hash: string;
}

export interface StoredFacts {
  size: number;
  inObject: number;
  inD1: number;
  inArchive: number;
}

/** Throws an `Error` that says what is wrong with which entry. */
export function checkStored(log: StoredLog, acknowledged: Iterable<Acknowledged>): StoredFacts {
  const payloads = payloadsBySeq(log);
  const size = payloads.size;
  if (size !== log.head.size) throw new Error(`the head counts ${log.head.size} entries, the stores hold ${size}`);
  const hashes: string[] = [];
  const seqOfId = new Map<string, number>();
  let prev = genesisOf(payloads.get(0));
  for (let seq = 0; seq < size; seq++) {
    const payload = payloads.get(seq);
    if (payload === undefined) throw new Error(`entry ${seq} is in no store`);
    const entry = JSON.parse(payload) as { seq: number; id: string };
    if (entry.seq !== seq) throw new Error(`entry ${seq} says that it is ${entry.seq}`);
    if (seqOfId.has(entry.id)) throw new Error(`the id of entry ${seq} is also that of ${seqOfId.get(entry.id)}`);
    seqOfId.set(entry.id, seq);
    prev = sha256(Buffer.from(prev, "hex"), payload);
    hashes.push(prev);
  }
  if (hashes.at(-1) !== log.head.entry_hash) throw new Error("the head does not name the last entry");
  checkColumns(log, hashes);
  for (const { seq, id, entry_hash } of acknowledged) {
    if (hashes[seq] !== entry_hash) throw new Error(`acknowledged entry ${seq} is not the one that is stored`);
    if (seqOfId.get(id) !== seq) throw new Error(`acknowledged entry ${seq} has another id in the log`);
  }
  return { size, inObject: log.object.length, inD1: log.d1.length, inArchive: log.archive.length };
}

/** Stores that hold the same entry must hold the same bytes, and each store holds it once. */
function payloadsBySeq(log: StoredLog): Map<number, string> {
  const payloads = new Map<number, string>();
  for (const [store, rows] of Object.entries({ object: log.object, D1: log.d1, archive: log.archive })) {
    const seen = new Set<number>();
    for (const { seq, payload } of rows) {
      if (seen.has(seq)) throw new Error(`entry ${seq} is twice in ${store}`);
      seen.add(seq);
      if ((payloads.get(seq) ?? payload) !== payload) throw new Error(`entry ${seq} differs in ${store}`);
      payloads.set(seq, payload);
    }
    const sorted = [...seen].sort((a, b) => a - b);
    if (sorted.some((seq, i) => i > 0 && seq !== (sorted[i - 1] as number) + 1)) throw new Error(`${store} has a gap`);
  }
  return payloads;
}

function checkColumns({ object, d1 }: StoredLog, hashes: string[]): void {
  for (const row of [...object, ...d1]) {
    const { seq, id } = JSON.parse(row.payload) as { seq: number; id: string };
    const follows = row.seq === 0 ? genesisOf(row.payload) : hashes[row.seq - 1];
    if (row.seq !== seq || row.id !== id || row.entry_hash !== hashes[row.seq] || row.prev_hash !== follows) {
      throw new Error(`a column of entry ${row.seq} is not what its payload says`);
    }
  }
}

function genesisOf(payload: string | undefined): string {
  if (payload === undefined) throw new Error("entry 0 is in no store");
  return (JSON.parse(payload) as { metadata: { genesis: string } }).metadata.genesis;
}

const sha256 = (prev: Buffer, payload: string) => createHash("sha256").update(prev).update(payload).digest("hex");
