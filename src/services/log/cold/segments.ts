/**
 * Entries out of the archive for whoever reads many of them: segments are decompressed and recomputed once and held for a while, so
 * that pages of one walk do not each read the same object. What is read is tied to the hashes that its object names, and whoever
 * shows it to somebody who verifies folds it up to a signed root like any other.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { Sha256 } from "../../../core/sha256.ts";
import type { EntryRow, SegmentStore } from "../../ports.ts";
import { recomputeRows, segmentHolding } from "../archive.ts";
import { Divergence } from "../divergence.ts";

export interface ColdSegment {
  firstSeq: number;
  rows: readonly EntryRow[];
  chars: number;
}

/** A run of entries, in the order that was asked for. */
export interface ColdRange {
  fromSeq: number;
  toSeq: number;
  descending: boolean;
}

interface Held {
  segment: ColdSegment;
  usedAt: number;
}

export class ColdSegments {
  readonly #store: Pick<SegmentStore, "get" | "list">;
  readonly #sha256: Sha256;
  readonly #cacheChars: number;
  readonly #held = new Map<number, Held>();
  readonly #onTheirWay = new Map<number, Promise<ColdSegment | null>>();
  #uses = 0;

  constructor(store: Pick<SegmentStore, "get" | "list">, sha256: Sha256, cacheChars: number = LIMITS.coldCacheChars) {
    this.#store = store;
    this.#sha256 = sha256;
    this.#cacheChars = cacheChars;
  }

  /** Characters of payloads that are held. */
  get heldChars(): number {
    return [...this.#held.values()].reduce((sum, { segment }) => sum + segment.chars, 0);
  }

  /**
   * The segment that holds an entry; null: the archive has none. A read of the bucket and a listing, none where it is held. Throws
   * `storage.unavailable` for an archive that is away or a segment that is damaged: what is not what was written is not shown.
   */
  async holding(seq: number): Promise<ColdSegment | null> {
    for (const held of this.#held.values()) {
      if (!holds(held.segment, seq)) continue;
      held.usedAt = ++this.#uses;
      return held.segment;
    }
    const firstSeq = await segmentHolding(seq, this.#store as SegmentStore);
    const segment = firstSeq === null ? null : await this.#load(firstSeq);
    return segment && holds(segment, seq) ? segment : null;
  }

  /**
   * Segment by segment through a range, each with its rows of that range in the order asked for; ends where the archive has the next
   * entry in no segment. The next segment is read while this one is looked at.
   */
  async *through({ fromSeq, toSeq, descending }: ColdRange): AsyncGenerator<EntryRow[], void> {
    let ahead: Promise<ColdSegment | null> | null = null;
    for (let seq = descending ? toSeq : fromSeq; seq >= fromSeq && seq <= toSeq; ) {
      const segment: ColdSegment | null = await (ahead ?? this.holding(seq));
      if (!segment || !holds(segment, seq)) return;
      const end = segment.firstSeq + segment.rows.length;
      const next: number = descending ? segment.firstSeq - 1 : end;
      ahead = next >= fromSeq && next <= toSeq ? this.#after(segment, next, descending) : null;
      // Of a reader who has enough nobody waits for it.
      void ahead?.catch(() => undefined);
      const own = segment.rows.filter((row) => row.seq >= fromSeq && row.seq <= toSeq);
      yield descending ? own.filter((row) => row.seq <= seq).reverse() : own.filter((row) => row.seq >= seq);
      seq = next;
    }
  }

  /** Forward a segment begins where the one before ends: no listing. */
  async #after(segment: ColdSegment, seq: number, descending: boolean): Promise<ColdSegment | null> {
    if (descending || this.#held.has(seq)) return this.holding(seq);
    return (await this.#load(seq)) ?? this.holding(segment.firstSeq + segment.rows.length);
  }

  #load(firstSeq: number): Promise<ColdSegment | null> {
    const under = this.#onTheirWay.get(firstSeq);
    if (under) return under;
    const read = this.#read(firstSeq).finally(() => this.#onTheirWay.delete(firstSeq));
    this.#onTheirWay.set(firstSeq, read);
    return read;
  }

  async #read(firstSeq: number): Promise<ColdSegment | null> {
    const found = await this.#store.get(firstSeq);
    if (!found) return null;
    if (!found.head || found.head.firstSeq !== firstSeq || found.head.count !== found.payloads.length) {
      throw damaged(firstSeq);
    }
    try {
      const rows = recomputeRows(found.head, found.payloads, this.#sha256);
      const segment = { firstSeq, rows, chars: rows.reduce((sum, { payload }) => sum + payload.length, 0) };
      this.#hold(segment);
      return segment;
    } catch (error) {
      throw error instanceof Divergence ? damaged(firstSeq) : error;
    }
  }

  #hold(segment: ColdSegment): void {
    this.#held.set(segment.firstSeq, { segment, usedAt: ++this.#uses });
    const oldest = [...this.#held].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    let chars = this.heldChars;
    for (const [firstSeq, held] of oldest.slice(0, -1)) {
      if (chars <= this.#cacheChars) break;
      this.#held.delete(firstSeq);
      chars -= held.segment.chars;
    }
  }
}

const holds = ({ firstSeq, rows }: ColdSegment, seq: number): boolean =>
  seq >= firstSeq && seq < firstSeq + rows.length;

const damaged = (firstSeq: number) =>
  new AppError("storage.unavailable", { internal: `archive: the segment of entry ${firstSeq} is damaged` });
