/**
 * A restore, step by step (S4-8): rows out of the archive into D1, then D1 compared with the archive, then the index.
 *
 * Commit order of a step that brings rows back, with the crash after each:
 *  1. objects of the archive are read, recomputed, compared with the leaves of the tree     nothing changed
 *  2. rows are inserted into D1, each batch all or nothing                                  D1's tip says how far it came
 *  3. the object of a lost log is told their hashes                                         it compares what it has already
 *  4. the record moves                                                                      done
 * Every step asks D1 how far it is, so a step that comes again, and a second restore, write nothing twice. While a log lives its own
 * copier waits (`holdCopier`): what it would write is what is written here.
 */
import { concatBytes, fromHex, toHex } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { sealedWithin } from "../../core/sealed-page.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import type { EntryRow, LedgerStore, LogPosition, SealedRows } from "../ports.ts";
import type { ArchiveRows } from "./archive-rows.ts";
import { contradicted, refusedBy } from "./begin.ts";
import { compareStep } from "./compare.ts";
import type { KnownLog } from "./log-calls.ts";
import { type RestoreDeps, type RestoreRecord, RestoreRefused } from "./ports.ts";
import { bundledHashes, checkpointOf, type MirroredTree, mirroredLeaves, proofFrom } from "./tree.ts";

/** The record after one bounded step. Throws the store's error: the step comes again. */
export async function restoreStep(
  record: RestoreRecord,
  deps: RestoreDeps,
  archive: ArchiveRows,
): Promise<RestoreRecord> {
  try {
    if (record.phase === "rows") return await rowsStep(record, deps, archive);
    if (record.phase === "compare") return await compareStep(record, deps, archive);
    if (record.phase !== "index") return record;
    await deps.rebuildIndex();
    return { ...record, phase: "done", endedAtMs: deps.clock() };
  } catch (error) {
    if (!(error instanceof RestoreRefused)) throw error;
    if (record.log === "living") await deps.log.holdCopier(0);
    return refusedBy(error, record, deps.clock());
  }
}

async function rowsStep(record: RestoreRecord, deps: RestoreDeps, archive: ArchiveRows): Promise<RestoreRecord> {
  if (record.seq >= record.size) return endOfRows(record, deps);
  const beganMs = deps.clock();
  if (record.log === "living") await deps.log.holdCopier(LIMITS.restoreHoldMs);
  const known = await deps.log.known();
  const ledger = deps.ledger(known.shards);
  const tip = await ledger.tip();
  const back = setBack(record, tip);
  if (back) return back;
  const batch = await nextBatch(record, archive);
  const rows = withinWish(batch.rows, record);
  // The time that was asked for is reached.
  if (rows.length === 0) return { ...record, size: record.seq };
  await demandLeaves(rows, record, deps);
  const inserted = await insert({ rows, sealed: batch.sealed }, tip, ledger);
  if (record.log === "lost") await extend(rows, known, deps);
  const last = rows.at(-1) as EntryRow;
  return {
    ...record,
    seq: last.seq + 1,
    prevHash: last.entryHash,
    size: rows.length < batch.rows.length ? last.seq + 1 : record.size,
    inserted: record.inserted + inserted,
    workMs: record.workMs + Math.max(0, deps.clock() - beganMs),
  };
}

/** D1 has lost rows since: the restore goes on from where D1 is now. */
function setBack(record: RestoreRecord, tip: LogPosition | null): RestoreRecord | null {
  const reached = Math.max(record.fromSeq, tip?.size ?? 0);
  return record.seq > reached ? { ...record, seq: reached, prevHash: null } : null;
}

interface Batch {
  rows: EntryRow[];
  sealed: SealedRows;
}

async function nextBatch(record: RestoreRecord, archive: ArchiveRows): Promise<Batch> {
  const batch: Batch = { rows: [], sealed: { privates: [], subjects: [] } };
  let chars = 0;
  let { seq, prevHash } = record;
  while (seq < record.size && batch.rows.length < LIMITS.restoreRows && chars < LIMITS.pageChars) {
    const part = await archive.from(seq, prevHash);
    if (part === null) throw new RestoreRefused("archive_set_back", seq);
    for (const row of part.rows) {
      batch.rows.push(row);
      chars += row.payload.length;
    }
    batch.sealed.privates.push(...part.sealed.privates);
    batch.sealed.subjects.push(...part.sealed.subjects);
    const last = part.rows.at(-1) as EntryRow;
    seq = last.seq + 1;
    prevHash = last.entryHash;
  }
  return batch;
}

/** Without what lies behind the end that was asked for. */
function withinWish(rows: readonly EntryRow[], { size, wish }: RestoreRecord): EntryRow[] {
  const { atMs } = wish.until;
  const end = rows.findIndex((row) => row.seq >= size || (atMs !== null && recordedAtMs(row) > atMs));
  return end < 0 ? [...rows] : rows.slice(0, end);
}

/** Each entry against its leaf: in the tree of the object that lives, or in the one that the bucket shows. */
async function demandLeaves(rows: readonly EntryRow[], record: RestoreRecord, deps: RestoreDeps): Promise<void> {
  const first = rows[0]?.seq ?? 0;
  const tree = record.log === "living" ? null : await checkpointOf(deps);
  const leaves =
    record.log === "living"
      ? await deps.log.leaves(first, rows.length)
      : tree === null
        ? new Uint8Array()
        : await mirroredLeaves(tree, first, rows.length);
  const known = toHex(leaves);
  for (const [i, { seq, entryHash }] of rows.entries()) {
    const leaf = known.slice(2 * i * HASH_BYTES, 2 * (i + 1) * HASH_BYTES);
    if (leaf !== "" && leaf !== toHex(leafHash(deps.sha256, fromHex(entryHash) as Uint8Array))) {
      throw new RestoreRefused("archive_damaged", seq);
    }
  }
}

/** What D1 lacks of these rows. How many. */
async function insert({ rows, sealed }: Batch, tip: LogPosition | null, ledger: LedgerStore): Promise<number> {
  demandSameTip(rows, tip);
  let left = rows.filter(({ seq }) => seq >= (tip?.size ?? 0));
  const count = left.length;
  let base = tip === null ? (left[0]?.prevHash ?? null) : null;
  while (left.length > 0) {
    const part = firstOf(left);
    const [first, last] = [part[0] as EntryRow, part.at(-1) as EntryRow];
    await ledger.insert(part, base, sealedWithin(sealed, first.seq, last.seq));
    base = null;
    left = left.slice(part.length);
  }
  return count;
}

/** D1 holds a true beginning of the archive, and nothing else. */
function demandSameTip(rows: readonly EntryRow[], tip: LogPosition | null): void {
  const next = rows.find(({ seq }) => seq === tip?.size);
  const same = rows.find(({ seq }) => seq + 1 === tip?.size);
  if (tip && ((next && next.prevHash !== tip.entryHash) || (same && same.entryHash !== tip.entryHash))) {
    throw new RestoreRefused("ledger_contradicts", tip.size - 1);
  }
}

/** As many as one batch of D1 takes. */
function firstOf(rows: readonly EntryRow[]): EntryRow[] {
  let chars = 0;
  const end = rows.findIndex(({ payload }, i) => {
    chars += payload.length;
    return i >= LIMITS.copyRows || (i > 0 && chars > LIMITS.copyBytes);
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}

async function extend(rows: readonly EntryRow[], known: KnownLog, { log }: RestoreDeps): Promise<void> {
  const [first, last] = [rows[0] as EntryRow, rows.at(-1) as EntryRow];
  if (last.seq < known.size) return;
  const hashes = concatBytes(...rows.map(({ entryHash }) => fromHex(entryHash) as Uint8Array));
  const page = { fromSeq: first.seq, hashes, recordedAtMs: recordedAtMs(last) };
  await log.extend(page).catch(contradicted);
}

/**
 * All rows are there. A log that lives compares itself with them and brings what was not archived yet; one that was lost is compared
 * with the newest checkpoint that was published over it.
 */
async function endOfRows(record: RestoreRecord, deps: RestoreDeps): Promise<RestoreRecord> {
  if (record.log === "living") {
    await deps.log.holdCopier(0);
    await deps.log.compareAgain({ eraseAgain: true }).catch(contradicted);
    await deps.flush();
    const { size: entries, archiveDueMs } = await deps.log.known();
    return { ...record, phase: "compare", entries, archiveDueMs };
  }
  const tree = await checkpointOf(deps);
  if (tree === null) return { ...record, phase: "compare" };
  const { size, treeSize } = await deps.log.known();
  const proof = await proofFrom(treeSize, tree);
  if (proof === null) return { ...record, phase: "compare" };
  if (!(await deps.log.conclude({ note: tree.note, proof }))) throw new RestoreRefused("checkpoint_contradicts", size);
  // Read from the bucket again, it may be another note than the one that was seen at the beginning.
  const checkpointOurs = deps.isOurs(tree.note);
  // The same step again: the next hashes, and in the end the checkpoint itself.
  if (checkpointOurs && (await addLost(treeSize, tree, deps))) return record;
  const { until } = record.wish;
  const isWhole = until.seq === null && until.atMs === null;
  const lost = isWhole ? Math.max(0, tree.size - size) : 0;
  return { ...record, phase: "compare", checkpointSize: tree.size, checkpointOurs, lost };
}

/**
 * Entries that the checkpoint covers and the archive lacks: their hashes stand in the bundles of the mirror, and with them everything
 * before is proved under that checkpoint. False: there are none, or no bundle has them; then nothing new can be proved.
 */
async function addLost(from: number, tree: MirroredTree, deps: RestoreDeps): Promise<boolean> {
  let seq = from;
  while (seq < tree.size && seq - from < LIMITS.restoreRows) {
    const hashes = await bundledHashes(seq, tree.size, tree, deps);
    if (hashes === null) break;
    await deps.log.addLost({ fromSeq: seq, hashes });
    seq += hashes.length / HASH_BYTES;
  }
  return seq > from;
}

function recordedAtMs({ payload, seq }: EntryRow): number {
  const parsed = parsePayload(payload);
  if (!parsed.ok) throw new RestoreRefused("archive_damaged", seq);
  return Date.parse(parsed.payload.recorded_at);
}
