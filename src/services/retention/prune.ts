/**
 * The oldest entries of a log leave the hot store; the archive has them, and every proof stays.
 *
 * Commit order, with the crash after each step:
 *  1. the run with its bounds, in the keeper's SQLite                 the alarm goes on from here
 *  2. segment after segment is read back: from where the log says its hot entries begin, each follows the one before
 *                                                                     nothing changed; the alarm goes on where it was
 *  3. `firstHot` and the entry `ledger.pruned`, one transaction of the domain's log, which looks anew whether a hold keeps one, whether
 *     all is archived, copied and under a mirrored checkpoint, and whether the archive led to the leaf of its own tree
 *                                                                     the rows are still there; readers have both places
 *  4. batch after batch, each after its segment was read back again and compared with the rows: base and release, what is indexed,
 *     what is sealed beside them, the rows: one transaction of the shard, refused by the database's guard where a hold is
 *                                                                     done, or not at all: what is there tells which is next
 * Step 4 goes by what is there: rows that come back (a database was set back) leave again, and whoever comes second finds nothing.
 * Of those before `firstKept` the archive has nothing to compare with any more: they go as they are, with the names beside them.
 */

import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { peopleOf } from "../../core/payload/people.ts";
import type { Duration } from "../../core/retention/duration.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { rangesWithin, type ShardRange } from "../../core/shards.ts";
import { rowsFromArchive } from "../log/archive.ts";
import { Divergence } from "../log/divergence.ts";
import { readEntry } from "../log/reveal/read-entry.ts";
import type { EntryRow, IndexShard, LedgerStore, PrunableShard, SegmentStore } from "../ports.ts";
import { indexed } from "../query/postings.ts";
import type { LogKeeping } from "./log-calls.ts";

/** Entries [fromSeq, toSeq) leave the hot store. */
export interface PrunePlan {
  fromSeq: number;
  toSeq: number;
  /** What ends the range; `archive`: what comes next is not archived, copied or under a mirrored checkpoint yet. */
  endsBecause: "policy" | "hold" | "newest" | "archive";
}

export interface PlanDeps {
  keeping: LogKeeping;
  /** The first entry that a hold keeps; null: none. */
  heldFrom: number | null;
  /** What was recorded before it has been kept long enough; null: nothing has. Unix milliseconds. */
  beforeMs: number | null;
  ledger: Pick<LedgerStore, "rows">;
}

/**
 * Entries are recorded in order, so the expired ones are the first. The newest one always stays. About 25 reads of one row.
 * Throws `storage.unavailable`.
 */
export async function planPrune({ keeping, heldFrom, beforeMs, ledger }: PlanDeps): Promise<PrunePlan> {
  const { firstHot: fromSeq, size, copiedSize, archivedSize, mirroredSize } = keeping;
  const newest = Math.max(fromSeq, Math.min(size - 1, copiedSize));
  const expired = beforeMs === null ? fromSeq : await firstSince(beforeMs, fromSeq, newest, ledger);
  const safe = Math.min(archivedSize, mirroredSize);
  const held = heldFrom ?? Number.MAX_SAFE_INTEGER;
  const toSeq = Math.max(fromSeq, Math.min(expired, safe, held));
  const endsBecause = held < expired ? "hold" : safe < expired ? "archive" : expired < newest ? "policy" : "newest";
  return { fromSeq, toSeq, endsBecause };
}

/** The first seq of [fromSeq, size) that was recorded at `beforeMs` or later; `size`: none. */
async function firstSince(
  beforeMs: number,
  fromSeq: number,
  size: number,
  ledger: Pick<LedgerStore, "rows">,
): Promise<number> {
  let [low, high] = [fromSeq, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await ledger.rows({ fromSeq: middle, toSeq: middle, limit: 1 });
    if (!row) throw new AppError("storage.unavailable", { internal: "retention: the copy has a gap" });
    if (recordedAtMs(row) < beforeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** When the object received it. Unix milliseconds. */
export const recordedAtMs = ({ payload }: Pick<EntryRow, "payload">): number =>
  Date.parse((JSON.parse(payload) as { recorded_at: string }).recorded_at);

/** Where a walk over the archive stands: entries before `seq` follow each other up to `prevHash`. */
export interface ArchiveWalk {
  seq: number;
  prevHash: string;
}

/** The rows of one segment from `walk` on, below `toSeq`, tied to what came before. Throws `Divergence` when they are lost or altered. */
export async function walkArchive(
  walk: ArchiveWalk,
  toSeq: number,
  deps: { segments: SegmentStore; sha256: Sha256 },
): Promise<ArchiveWalk> {
  const rows = await archivedRows(walk.seq, toSeq - walk.seq, deps);
  if (rows[0]?.prevHash !== walk.prevHash) throw new Divergence(`entry ${walk.seq} of the archive follows another one`);
  const last = rows.at(-1) as EntryRow;
  return { seq: last.seq + 1, prevHash: last.entryHash };
}

/** At least one. Throws `Divergence`. */
async function archivedRows(
  fromSeq: number,
  most: number,
  deps: { segments: SegmentStore; sha256: Sha256 },
): Promise<EntryRow[]> {
  const rows = await rowsFromArchive(fromSeq, most, deps);
  if (!rows || rows.length === 0) throw new Divergence(`the archive does not have entry ${fromSeq}`);
  return rows;
}

export interface SweepDeps {
  domainId: string;
  ranges: readonly ShardRange[];
  shard: (name: string) => PrunableShard;
  index: (name: string) => Pick<IndexShard, "state">;
  ledger(ranges: readonly ShardRange[]): Pick<LedgerStore, "rows">;
  segments: SegmentStore;
  sha256: Sha256;
  log: { keeping(): Promise<LogKeeping>; heldFrom(fromSeq: number): Promise<number | null> };
  clock: () => number;
}

/** `rows`: how many went. `held`: the first that a hold keeps back, null: none does. `done`: nothing that may go is left. */
export interface Swept {
  rows: number;
  held: number | null;
  done: boolean;
}

/** One batch of rows before `firstHot` goes. Throws `Divergence` when the archive is not what the rows are, and the stores' errors. */
export async function pruneStep(deps: SweepDeps): Promise<Swept> {
  const keeping = await deps.log.keeping();
  const parts = rangesWithin(deps.ranges, 0, keeping.firstHot - 1);
  for (const part of parts) {
    const shard = deps.shard(part.shard);
    const first = await shard.first();
    if (first === null || first > part.toSeq) continue;
    const held = await deps.log.heldFrom(first);
    if (held !== null && held <= first) return { rows: 0, held: first, done: true };
    const isExpired = first < keeping.firstKept;
    const most = isExpired ? keeping.firstKept : Number.MAX_SAFE_INTEGER;
    const end = Math.min(part.toSeq + 1, first + LIMITS.pruneRows, held ?? Number.MAX_SAFE_INTEGER, most);
    const rows = isExpired ? await cameBack(first, end, shard, deps) : await archivedRows(first, end - first, deps);
    if (!(await areSame(rows, shard))) {
      // Somebody else was faster, or the two differ.
      const now = await shard.first();
      if (now !== null && now <= first)
        throw new Divergence(`entries from ${first} on are others in the archive than in the ledger`);
      return { rows: 0, held: null, done: false };
    }
    return { rows: await removed(rows, part.toSeq, shard, keeping, deps), held: null, done: false };
  }
  return { rows: 0, held: null, done: true };
}

/** Rows whose payloads were gone for good. Whom they name is forgotten first: a crash after it does so again. */
async function cameBack(
  first: number,
  end: number,
  shard: PrunableShard,
  { ledger, ranges }: Pick<SweepDeps, "ledger" | "ranges">,
): Promise<EntryRow[]> {
  const rows = await ledger(ranges).rows({ fromSeq: first, toSeq: end - 1, limit: end - first });
  if (rows.length === 0) throw new AppError("storage.unavailable", { internal: "retention: the copy has a gap" });
  await shard.forget(rows.flatMap(sealedPlaces));
  return rows;
}

async function areSame(rows: readonly EntryRow[], shard: PrunableShard): Promise<boolean> {
  const [first, last] = [rows[0] as EntryRow, rows.at(-1) as EntryRow];
  const hashes = await shard.hashes(first.seq, last.seq);
  return hashes.length === rows.length && rows.every(({ entryHash }, i) => entryHash === hashes[i]);
}

async function removed(
  rows: readonly EntryRow[],
  lastOfShard: number,
  shard: PrunableShard,
  { firstHot, hotPrevHash }: LogKeeping,
  { index, ranges, sha256, clock }: SweepDeps,
): Promise<number> {
  const [first, last] = [rows[0] as EntryRow, rows.at(-1) as EntryRow];
  const name = rangesWithin(ranges, first.seq, first.seq)[0]?.shard ?? "";
  const state = await index(name).state();
  if (state === null || state.size <= last.seq) {
    throw new AppError("storage.unavailable", { internal: "retention: entries are not indexed yet" });
  }
  const { postings, sums } = indexed(rows, state.salt, sha256);
  return shard.remove({
    fromSeq: first.seq,
    toSeq: last.seq,
    release: { fromSeq: first.seq, toSeq: lastOfShard, at: new Date(clock()).toISOString() },
    next: lastOfShard === firstHot - 1 ? { seq: firstHot, prevHash: hotPrevHash } : null,
    salt: state.salt,
    postings,
    sums,
    places: rows.flatMap(sealedPlaces),
  });
}

/** Rows that are sealed beside an entry, or say that it names somebody. */
export function sealedPlaces(row: EntryRow): [seq: number, subject: string][] {
  const { people, places } = readEntry(row);
  return [...new Set([...people, ...places.map(({ subject }) => subject)])].map((subject) => [row.seq, subject]);
}
