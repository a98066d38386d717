/**
 * One domain's archive in R2. A key is written once: a write that would change one fails the run, as do segments that
 * overlap or leave a gap. What an evil hand altered or took away is noted and no longer held against the product.
 */
import type { SegmentHead } from "../../../src/core/segment.ts";
import { deepFreeze, type Referee } from "./referee.ts";

export interface StoredSegment {
  head: SegmentHead | null;
  payloads: string[];
}

export class SegmentDouble {
  readonly #referee: Referee;
  readonly #segments = new Map<number, StoredSegment>();
  readonly tampered = new Set<number>();
  /** Entries [0, ever) were archived at some time. */
  ever = 0;

  constructor(referee: Referee) {
    this.#referee = referee;
  }

  starts(): number[] {
    return [...this.#segments.keys()].sort((a, b) => a - b);
  }

  put(head: SegmentHead, payloads: readonly string[]): boolean {
    if (this.#segments.has(head.firstSeq)) return false;
    const lost = this.tampered.size > 0;
    this.#referee.demand(payloads.length > 0 && payloads.length === head.count, () => "a segment with a wrong count");
    this.#referee.demand(
      lost || head.firstSeq === this.ever,
      () => `the segment of entry ${head.firstSeq} follows on ${this.ever} archived entries`,
    );
    this.#segments.set(head.firstSeq, deepFreeze({ head: { ...head }, payloads: [...payloads] }));
    this.ever = Math.max(this.ever, head.firstSeq + payloads.length);
    return true;
  }

  /** What a store without conditions does. No product code may reach it with other bytes. */
  overwrite(head: SegmentHead, payloads: readonly string[]): void {
    const before = this.#segments.get(head.firstSeq);
    const same = !before || before.payloads.join("\n") === payloads.join("\n");
    this.#referee.demand(same, () => `the immutable segment of entry ${head.firstSeq} would change`);
    if (!before) this.put(head, payloads);
  }

  get(firstSeq: number): StoredSegment | null {
    return this.#segments.get(firstSeq) ?? null;
  }

  list(fromSeq: number, limit: number): number[] {
    return this.starts()
      .filter((start) => start >= fromSeq)
      .slice(0, limit);
  }

  lose(firstSeq: number): void {
    this.#segments.delete(firstSeq);
    this.tampered.add(firstSeq);
  }

  /** Changes one line, cuts the last one off, or takes the metadata away. */
  alter(firstSeq: number, how: "line" | "cut" | "metadata"): void {
    const segment = this.#segments.get(firstSeq);
    if (!segment) return;
    const payloads = [...segment.payloads];
    if (how === "line") payloads[0] = (payloads[0] ?? "").replace(/.$/, "!}");
    if (how === "cut") payloads.pop();
    this.#segments.set(firstSeq, deepFreeze({ head: how === "metadata" ? null : segment.head, payloads }));
    this.tampered.add(firstSeq);
  }
}
