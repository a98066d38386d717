/**
 * The newest entries as this object made them, so that their copies need not be read from its storage and hashed again.
 * They are in the journal too: this is only what is still in memory. A run without gaps, bounded: the oldest stay, which are
 * copied first, and when they are gone a new run begins.
 */
import { LIMITS } from "../../src/core/limits.ts";
import { rememberMade } from "../../src/services/log/chained.ts";
import type { EntryRow } from "../../src/services/ports.ts";

export class RecentRows {
  #rows: { row: EntryRow; byteLength: number }[] = [];
  #bytes = 0;

  /** Takes an entry that was just made; returns the UTF-8 bytes of its payload. */
  add(row: EntryRow): number {
    const byteLength = Buffer.byteLength(row.payload);
    const last = this.#rows.at(-1);
    const follows = last === undefined || last.row.seq + 1 === row.seq;
    if (!follows || this.#bytes + byteLength > LIMITS.recentBytes) return byteLength;
    this.#rows.push({ row, byteLength });
    this.#bytes += byteLength;
    rememberMade(row);
    return byteLength;
  }

  /** Entries from `fromSeq`, bounded by both limits but at least one; null when they must be read from the journal. */
  from(fromSeq: number, maxRows: number, maxBytes: number): EntryRow[] | null {
    const first = this.#rows[0];
    const start = first ? fromSeq - first.row.seq : -1;
    if (start < 0 || start >= this.#rows.length) return null;
    let byteLength = 0;
    let end = start;
    for (; end < this.#rows.length && end - start < maxRows; end++) {
      byteLength += this.#rows[end]?.byteLength ?? 0;
      if (end > start && byteLength > maxBytes) break;
    }
    return this.#rows.slice(start, end).map(({ row }) => row);
  }

  /** Forgets the entries below `size`. */
  release(size: number): void {
    const first = this.#rows[0];
    const count = first ? size - first.row.seq : 0;
    if (count <= 0) return;
    for (const { byteLength } of this.#rows.splice(0, count)) this.#bytes -= byteLength;
  }

  clear(): void {
    this.#rows = [];
    this.#bytes = 0;
  }
}
