/**
 * Entries wherever they are: in the queryable copy, else in the archive, else still in the object that put them in order. Every
 * committed entry is in the object until copy and archive both hold it, so a copy that is away, or lost rows, hides none.
 * What is read is untrusted: whoever reads folds it up to a signed root.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow, LedgerStore, SegmentStore } from "../ports.ts";

export type ReadRow = Pick<EntryRow, "seq" | "prevHash" | "payload">;

/** [fromSeq, toSeq], at most `limit`. */
export interface RowRange {
  fromSeq: number;
  toSeq: number;
  limit: number;
}

export interface RowPlaces {
  ledger: Pick<LedgerStore, "rows">;
  segments: Pick<SegmentStore, "get" | "list">;
  /** What the object has not released yet, from `fromSeq` on or later; bounded by `LIMITS.pageChars`. */
  waiting(fromSeq: number, limit: number): Promise<ReadRow[]>;
  sha256: Sha256;
}

/**
 * The rows from `fromSeq` on without a gap, fewer than `limit` where a place ends or their payloads pass `LIMITS.pageChars`; none when
 * no place has the first. Throws `storage.unavailable` when none has it and one did not answer. One query while D1 has the
 * rows, else one listing and one object of R2, or one call of the domain's object.
 */
export async function readThrough(range: RowRange, places: RowPlaces): Promise<ReadRow[]> {
  let away: unknown;
  const { fromSeq, limit } = range;
  for (const read of [
    () => places.ledger.rows(range),
    () => archived(range, places),
    () => places.waiting(fromSeq, limit),
  ]) {
    try {
      const rows = withoutGap(await read(), range);
      if (rows.length > 0) return rows;
    } catch (error) {
      if (!isAppError(error) || error.code !== "storage.unavailable") throw error;
      away = error;
    }
  }
  if (away !== undefined) throw away;
  return [];
}

function withoutGap(rows: readonly ReadRow[], { fromSeq, toSeq }: RowRange): ReadRow[] {
  const end = rows.findIndex(({ seq }, i) => seq !== fromSeq + i || seq > toSeq);
  return end < 0 ? [...rows] : rows.slice(0, end);
}

/** From the segment that has the first: no segment is longer than `LIMITS.segmentEntriesMax`. */
async function archived({ fromSeq, limit }: RowRange, { segments, sha256 }: RowPlaces): Promise<ReadRow[]> {
  const earliest = Math.max(0, fromSeq - LIMITS.segmentEntriesMax + 1);
  const starts = await segments.list(earliest, LIMITS.segmentEntriesMax);
  const firstSeq = starts.findLast((start) => start <= fromSeq);
  const segment = firstSeq === undefined ? null : await segments.get(firstSeq);
  if (!segment?.head || firstSeq === undefined || segment.head.firstSeq !== firstSeq) return [];
  let prevHash = fromHex(segment.head.prevHash);
  if (!prevHash) throw new AppError("storage.unavailable", { internal: "a segment names no hash" });
  const rows: ReadRow[] = [];
  let chars = 0;
  for (const [i, payload] of segment.payloads.entries()) {
    const seq = firstSeq + i;
    if (seq >= fromSeq) {
      chars += payload.length;
      if (rows.length > 0 && (rows.length >= limit || chars > LIMITS.pageChars)) break;
      rows.push({ seq, prevHash: toHex(prevHash), payload });
    }
    prevHash = entryHash(sha256, prevHash, payload);
  }
  return rows;
}
