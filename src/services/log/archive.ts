/**
 * Puts entries into immutable archive segments (DESIGN §3, decision 11).
 *
 * Commit order of a step, with the crash after each:
 *  1. rows of one segment are read from the journal       nothing changed
 *  2. conditional put                                     the object is there, `archived` does not say so: the next step
 *                                                         finds it under its name, compares it and goes on
 *  3. the object is read back, decompressed, compared     as after 2
 *  4. the sealed rows of its entries are put beside it    as after 2: they are put again
 *  5. `archived` moves in the journal                     done
 * A segment that exists is never overwritten. It may be shorter than the one we would write now (it was flushed when
 * fewer entries waited); it counts when every line of it is ours.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { encodeSegment, type SegmentHead } from "../../core/segment.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { Clock, EntryRow, Journal, SegmentStore } from "../ports.ts";
import { demandChained } from "./chained.ts";
import { Divergence } from "./divergence.ts";
import { type SealedSource, withinSealedBytes } from "./sealing/source.ts";

export interface ArchiveDeps {
  journal: Journal;
  segments: SegmentStore;
  sealed: SealedSource;
  sha256: Sha256;
  clock: Clock;
  /** As the domain is set; absent: as it was made. */
  pace?: SegmentPace | undefined;
}

/** What ends an archive object. */
export interface SegmentPace {
  entries: number;
  flushMs: number;
}

/** When the open segment is due: null when nothing waits, now when one is full. Unix milliseconds. */
export function segmentDueAt(deps: Pick<ArchiveDeps, "journal" | "clock" | "pace">): number | null {
  const { journal, clock } = deps;
  const { entries, flushMs } = paceOf(deps);
  const waiting = journal.head().size - journal.archived().size;
  if (waiting === 0) return null;
  if (waiting >= entries) return clock();
  const since = journal.pendingSince(journal.archived().size) ?? clock();
  return since + flushMs;
}

/** Archives one segment, full or not. Throws `Divergence` when the archive holds something else under its name. */
export async function archiveStep(deps: ArchiveDeps): Promise<void> {
  const { journal, segments, sha256 } = deps;
  const archived = journal.archived();
  const waiting = journal.pending(archived.size, paceOf(deps).entries, LIMITS.segmentBytes);
  const rows = withinSealedBytes(waiting, deps.sealed.journal);
  const first = rows[0];
  if (!first) return;
  if (first.seq !== archived.size)
    throw new Divergence(`entry ${archived.size} left the object before it was archived`);
  demandChained(rows, archived.entryHash, sha256);
  await segments.put(segmentHeadOf(rows, sha256), payloadsOf(rows));
  const back = await segments.get(archived.size);
  // Cron wakes objects whose alarm runs, so another run may have moved `archived` meanwhile, or have stored a longer segment
  // than the one we built: what waits is read again, in one piece with what it decides.
  if (journal.archived().size !== archived.size) return;
  const lines = back?.payloads ?? [];
  const ours = journal.pending(archived.size, lines.length, Number.POSITIVE_INFINITY);
  if (lines.length === 0 || lines.length > ours.length || lines.some((line, i) => line !== ours[i]?.payload)) {
    throw new Divergence(`the archive segment of entry ${archived.size} does not hold what was appended`);
  }
  const last = ours.at(-1) as EntryRow;
  await deps.sealed.pages.put(archived.size, deps.sealed.journal.pendingSealed(archived.size, last.seq));
  if (journal.archived().size !== archived.size) return;
  journal.setArchived({ size: last.seq + 1, entryHash: last.entryHash });
}

/**
 * Rows from `fromSeq` out of the archive, recomputed and tied to the hashes that the segment's metadata names; null when
 * no segment holds them.
 */
export async function rowsFromArchive(
  fromSeq: number,
  maxRows: number,
  { segments, sha256 }: Pick<ArchiveDeps, "segments" | "sha256">,
): Promise<EntryRow[] | null> {
  const firstSeq = await segmentHolding(fromSeq, segments);
  const segment = firstSeq === null ? null : await segments.get(firstSeq);
  if (!segment?.head) return null;
  const rows = recomputeRows(segment.head, segment.payloads, sha256);
  const from = rows.findIndex((row) => row.seq === fromSeq);
  return from < 0 ? null : rows.slice(from, from + maxRows);
}

/** Segments have no fixed size, so the one that holds a seq is the last that begins at or before it. */
export async function segmentHolding(seq: number, segments: SegmentStore): Promise<number | null> {
  const reach = LIMITS.segmentEntriesMax;
  const starts = await segments.list(Math.max(0, seq - reach + 1), reach);
  return starts.filter((start) => start <= seq).at(-1) ?? null;
}

/** What a segment says, recomputed and tied to the hashes that its metadata names. Throws `Divergence` when it is damaged. */
export function recomputeRows(head: SegmentHead, payloads: readonly string[], sha256: Sha256): EntryRow[] {
  let prevHash = head.prevHash;
  const rows = payloads.map((payload, i): EntryRow => {
    const parsed = parsePayload(payload);
    const prev = fromHex(prevHash);
    if (!parsed.ok || !prev || parsed.payload.seq !== head.firstSeq + i) {
      throw new Divergence(`the archive segment of entry ${head.firstSeq} is damaged at entry ${head.firstSeq + i}`);
    }
    const row = {
      seq: parsed.payload.seq,
      id: parsed.payload.id,
      prevHash,
      entryHash: toHex(entryHash(sha256, prev, payload)),
      payload,
    };
    prevHash = row.entryHash;
    return row;
  });
  if (prevHash !== head.lastHash) throw new Divergence(`the archive segment of entry ${head.firstSeq} is damaged`);
  return rows;
}

function segmentHeadOf(rows: readonly EntryRow[], sha256: Sha256): SegmentHead {
  const first = rows[0] as EntryRow;
  const last = rows.at(-1) as EntryRow;
  return {
    firstSeq: first.seq,
    count: rows.length,
    prevHash: first.prevHash,
    lastHash: last.entryHash,
    sha256: toHex(sha256(encodeSegment(payloadsOf(rows)))),
  };
}

const payloadsOf = (rows: readonly EntryRow[]) => rows.map(({ payload }) => payload);
/** Of this domain. */
export function paceOf({ journal, pace }: Pick<ArchiveDeps, "journal" | "pace">): SegmentPace {
  const entries = journal.identity()?.segmentEntries ?? LIMITS.segmentEntriesDefault;
  return pace ?? { entries, flushMs: LIMITS.segmentFlushMs };
}
