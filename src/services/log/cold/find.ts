/**
 * Entries of the archive that a filter asks for. The index knows nothing of what has left the queryable copy, so they are read, in
 * the order of their seqs, a bounded number of objects a call, and judged one by one.
 */
import { categoryOf } from "../../../core/actions/index.ts";
import { LIMITS } from "../../../core/limits.ts";
import { parsePayload } from "../../../core/payload/payload.ts";
import type { EntryFilter } from "../../../core/query/filter.ts";
import { matches } from "../../../core/query/match.ts";
import type { EntryRow } from "../../ports.ts";
import { lostFromArchive } from "./floors.ts";
import type { ColdRange, ColdSegments } from "./segments.ts";

export interface ColdFound {
  rows: EntryRow[];
  /** The next seq to look at, in the direction of the range; null: the range was looked through. */
  next: number | null;
  /** Entries that were judged. */
  looked: number;
}

/**
 * At most `limit` rows. Ends early, with `next`, past `LIMITS.coldFindSegments` objects or `LIMITS.coldFindChars`, or when the rows
 * found pass `LIMITS.pageChars`. Throws `storage.unavailable` when the archive is away or lacks an entry of the range.
 */
export async function findCold(
  filter: EntryFilter,
  range: ColdRange,
  limit: number,
  segments: ColdSegments,
): Promise<ColdFound> {
  const rows: EntryRow[] = [];
  const step = range.descending ? -1 : 1;
  const isEarly = earliestAt(filter);
  let next = range.descending ? range.toSeq : range.fromSeq;
  let [looked, objects, read, chars] = [0, 0, 0, 0];
  for await (const piece of segments.through(range)) {
    objects++;
    for (const row of piece) {
      if (rows.length >= limit || chars >= LIMITS.pageChars) return { rows, next: row.seq, looked };
      looked++;
      read += row.payload.length;
      next = row.seq + step;
      const parsed = parsePayload(row.payload);
      if (!parsed.ok) continue;
      // Before this one everything was recorded earlier still.
      if (range.descending && isEarly(parsed.payload.recorded_at)) return { rows, next: null, looked };
      if (!matches(filter, parsed.payload, categoryOf(parsed.payload.action))) continue;
      rows.push(row);
      chars += row.payload.length;
    }
    if (objects >= LIMITS.coldFindSegments || read >= LIMITS.coldFindChars) break;
  }
  const isOver = range.descending ? next < range.fromSeq : next > range.toSeq;
  if (!isOver && looked === 0) throw lostFromArchive(next);
  return { rows, next: isOver ? null : next, looked };
}

/** Whether an entry that was recorded then, and all before it, happened before the filter's time: no entry is from further ahead. */
function earliestAt({ afterMs }: EntryFilter): (recordedAt: string) => boolean {
  if (afterMs === null) return () => false;
  return (recordedAt) => Date.parse(recordedAt) + LIMITS.clockSkewMs < afterMs;
}
