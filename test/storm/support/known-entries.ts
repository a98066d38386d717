/** What a hammer has been told of a log so far: every later answer has to agree with it. Recomputes with node:crypto. */
import { createHash } from "node:crypto";
import type { Receipt } from "./story.ts";

/** A row as the API hands it out with `payload=text`. */
export interface ReadEntry {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  payload: string;
}

export class KnownEntries {
  readonly #hashes = new Map<number, string>();
  readonly #ids = new Map<number, string>();
  #acknowledgedSize = 0;
  #acknowledged = 0;

  /** Entries below this were acknowledged, as far as this hammer knows. */
  get acknowledgedSize(): number {
    return this.#acknowledgedSize;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  hash = (seq: number): string | undefined => this.#hashes.get(seq);

  acknowledge(receipts: readonly Receipt[]): void {
    for (const { seq, id, entry_hash, prev_hash } of receipts) {
      this.#agree(seq, id, entry_hash, "a receipt");
      if (seq > 0) this.#agreeHash(seq - 1, prev_hash, `the receipt of entry ${seq}`);
      this.#acknowledgedSize = Math.max(this.#acknowledgedSize, seq + 1);
      this.#acknowledged++;
    }
  }

  /** One page, in its direction: consecutive, each row recomputed, each the one that was acknowledged or read before. */
  read(entries: readonly ReadEntry[], order: "asc" | "desc"): void {
    const step = order === "asc" ? 1 : -1;
    entries.forEach((entry, i) => {
      const before = entries[i - 1];
      if (before && entry.seq !== before.seq + step) {
        throw new Error(`a page goes from entry ${before.seq} to entry ${entry.seq}`);
      }
      const recomputed = createHash("sha256").update(Buffer.from(entry.prev_hash, "hex")).update(entry.payload);
      if (recomputed.digest("hex") !== entry.entry_hash)
        throw new Error(`entry ${entry.seq} is not what its hash says`);
      this.#agree(entry.seq, entry.id, entry.entry_hash, "a page");
      if (entry.seq > 0) this.#agreeHash(entry.seq - 1, entry.prev_hash, `the row of entry ${entry.seq}`);
    });
  }

  #agree(seq: number, id: string, entryHash: string, where: string): void {
    const known = this.#ids.get(seq) ?? id;
    if (known !== id) throw new Error(`${where} gives entry ${seq} the id ${id}, it was ${known}`);
    this.#ids.set(seq, id);
    this.#agreeHash(seq, entryHash, where);
  }

  #agreeHash(seq: number, entryHash: string, where: string): void {
    const known = this.#hashes.get(seq) ?? entryHash;
    if (known !== entryHash)
      throw new Error(`${where} says that entry ${seq} has the hash ${entryHash}, it was ${known}`);
    this.#hashes.set(seq, entryHash);
  }
}
