/** Receipts: what an append answers. For a replay they are read again from wherever the entry is now. */
import { AppError } from "../../core/errors.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow, Journal, LedgerStore, SegmentStore } from "../ports.ts";
import type { Appended, Receipt } from "./append.ts";
import { rowsFromArchive } from "./archive.ts";

export interface ReceiptDeps {
  journal: Journal;
  ledger: Pick<LedgerStore, "rows">;
  segments: SegmentStore;
  sha256: Sha256;
}

/** One receipt an event, in the order of the request. Throws `storage.unavailable` when an older entry cannot be read now. */
export async function receiptsFor(appended: Appended, deps: ReceiptDeps): Promise<Receipt[]> {
  const rows = new Map(appended.rows.map((row) => [row.seq, row]));
  const older = appended.seqs.filter((seq) => !rows.has(seq));
  for (const row of await readOlder(older, deps)) rows.set(row.seq, row);
  const seen = new Set<number>();
  // All new rows of a request are recorded at one time.
  const now = appended.rows[0] && recordedAt(appended.rows[0]);
  const added = new Set(appended.rows);
  return appended.seqs.map((seq): Receipt => {
    const row = rows.get(seq);
    if (!row) throw new AppError("storage.unavailable", { internal: `entry ${seq} could not be read again` });
    // The same id twice in one request: the second event is a replay of the first.
    const again = seen.has(seq) || (!appended.replayed && !added.has(row));
    seen.add(seq);
    const leftOut = again ? undefined : appended.leftOut.get(seq);
    return {
      seq,
      id: row.id,
      entry_hash: row.entryHash,
      prev_hash: row.prevHash,
      recorded_at: now !== undefined && added.has(row) ? now : recordedAt(row),
      ...(again ? { replayed: true as const } : {}),
      ...(leftOut?.suppressed ? { suppressed: true as const } : {}),
      ...(leftOut && leftOut.dropped.length > 0 ? { dropped: leftOut.dropped } : {}),
    };
  });
}

/** From the object while they wait there, else from D1, else from the archive. Runs of seqs are read together. */
async function readOlder(seqs: readonly number[], deps: ReceiptDeps): Promise<EntryRow[]> {
  const found: EntryRow[] = [];
  for (const { from, to } of runs(seqs)) {
    let next = from;
    while (next <= to) {
      const rows = await readRun(next, to - next + 1, deps);
      if (rows[0]?.seq !== next) break;
      found.push(...rows);
      next += rows.length;
    }
  }
  return found;
}

/** Some rows from `fromSeq` on, in order; empty when no store has that one. */
async function readRun(fromSeq: number, count: number, deps: ReceiptDeps): Promise<EntryRow[]> {
  const waiting = deps.journal.pending(fromSeq, count, Number.POSITIVE_INFINITY);
  if (waiting[0]?.seq === fromSeq) return waiting;
  const copied = await deps.ledger.rows({ fromSeq, toSeq: fromSeq + count - 1, limit: count });
  if (copied[0]?.seq === fromSeq) return copied;
  return (await rowsFromArchive(fromSeq, count, deps)) ?? [];
}

function runs(seqs: readonly number[]): { from: number; to: number }[] {
  const sorted = [...new Set(seqs)].sort((a, b) => a - b);
  const found: { from: number; to: number }[] = [];
  for (const seq of sorted) {
    const last = found.at(-1);
    if (last && last.to === seq - 1) last.to = seq;
    else found.push({ from: seq, to: seq });
  }
  return found;
}

function recordedAt(row: EntryRow): string {
  return (JSON.parse(row.payload) as { recorded_at: string }).recorded_at;
}
