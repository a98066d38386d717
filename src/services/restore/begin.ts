/**
 * Where a restore begins: what the object of the log knows, what D1 holds already, and how far the archive reaches. Nothing of this
 * destroys anything, so it is done again whenever somebody asks again.
 */
import { equalBytes, fromHex } from "../../core/bytes.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { FIRST_SHARD } from "../../core/shards.ts";
import type { EntryRow } from "../ports.ts";
import type { ArchiveRows } from "./archive-rows.ts";
import type { RestoreWish } from "./calls.ts";
import { demandKnownTenant, identityOf } from "./identity.ts";
import type { KnownLog } from "./log-calls.ts";
import { type RestoreDeps, type RestoreRecord, RestoreRefused } from "./ports.ts";
import { bundledHashes, checkpointOf, mirroredLeaves } from "./tree.ts";

/** Throws the store's error; what refuses the restore is in the record. */
export async function beginRestore(
  wish: RestoreWish,
  deps: RestoreDeps,
  archive: ArchiveRows,
  before: RestoreRecord | null,
): Promise<RestoreRecord> {
  const known = await deps.log.known();
  const record: RestoreRecord = {
    wish,
    phase: "rows",
    log: known.state === "living" ? "living" : "lost",
    isDrill: wish.isDrill,
    startedAtMs: deps.clock(),
    endedAtMs: null,
    ...{
      fromSeq: 0,
      seq: 0,
      size: 0,
      entries: 0,
      archiveDueMs: null,
      prevHash: null,
      inserted: 0,
      compared: 0,
      workMs: 0,
    },
    ...{ compareSeq: 0, comparePrevHash: null, checkpointSize: null, checkpointOurs: false, lost: 0 },
    tenantMade: before?.tenantMade ?? false,
    refused: null,
  };
  try {
    const begun = await (known.state === "living" ? living(record, deps) : lost(record, known, deps, archive));
    return { ...begun, compareSeq: begun.fromSeq };
  } catch (error) {
    if (!(error instanceof RestoreRefused)) throw error;
    if (record.log === "living") await deps.log.holdCopier(0);
    return refusedBy(error, record, deps.clock());
  }
}

export function refusedBy({ code, seq }: RestoreRefused, record: RestoreRecord, atMs: number): RestoreRecord {
  return { ...record, phase: "refused", endedAtMs: atMs, refused: { code, seq } };
}

async function living(record: RestoreRecord, deps: RestoreDeps): Promise<RestoreRecord> {
  const { until } = record.wish;
  if (until.seq !== null || until.atMs !== null) throw new RestoreRefused("log_lives");
  await deps.log.holdCopier(LIMITS.restoreHoldMs);
  // First the object sees that D1 was set back: it erases again whom D1 brought back, before anything is added.
  await deps.log.compareAgain({ eraseAgain: false }).catch(contradicted);
  const { size, archiveDueMs, firstHot, hotPrevHash, archivedSize, shards } = await deps.log.known();
  const tip = await deps.ledger(shards).tip();
  const isBehind = tip === null || tip.size < firstHot;
  const place = isBehind
    ? { seq: firstHot, prevHash: firstHot === 0 ? null : hotPrevHash }
    : { seq: Math.min(tip.size, archivedSize), prevHash: null };
  return { ...record, ...place, fromSeq: firstHot, size: archivedSize, entries: size, archiveDueMs };
}

async function lost(
  record: RestoreRecord,
  known: KnownLog,
  deps: RestoreDeps,
  archive: ArchiveRows,
): Promise<RestoreRecord> {
  const starts = await deps.segments.list(0, Number.MAX_SAFE_INTEGER);
  const [firstKept, lastStart] = [starts[0], starts.at(-1)];
  if (firstKept === undefined || lastStart === undefined) throw new RestoreRefused("archive_missing", 0);
  const first = (await archive.from(firstKept, null))?.rows[0];
  const end = (await archive.from(lastStart, null))?.rows.at(-1);
  if (!first || !end) throw new RestoreRefused("archive_missing", firstKept);
  await demandLeaf(first, deps);
  const identity = await identityOf(first, deps);
  const tenantMade = (await demandKnownTenant(identity, deps)) || record.tenantMade;
  const ranges = await deps.control.shards(deps.domainId);
  const shards = ranges.length > 0 ? ranges : [{ fromSeq: 0, shard: FIRST_SHARD }];
  const ledger = deps.ledger(shards);
  // A D1 that was not lost may lack a pruned prefix; it stays pruned.
  const [hot = first] = await ledger.rows({ fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER, limit: 1 });
  const kept = { firstHot: hot.seq, hotPrevHash: hot.prevHash, firstKept };
  if (hot.seq < firstKept) throw new RestoreRefused("archive_missing", hot.seq);
  await deps.log.adopt({ identity, shards, kept });
  await extendOverExpired(known.size, firstKept, deps);
  const tip = await ledger.tip();
  const seq = Math.max(firstKept, Math.min(tip?.size ?? 0, known.size));
  const until = record.wish.until.seq;
  return {
    ...record,
    ...{ fromSeq: firstKept, seq, tenantMade },
    size: Math.min(end.seq + 1, until === null ? Number.MAX_SAFE_INTEGER : until + 1),
  };
}

/** What the log is made anew as cannot be taken back: the entry that says it is compared with its leaf before. */
async function demandLeaf({ seq, entryHash }: EntryRow, deps: RestoreDeps): Promise<void> {
  const tree = await checkpointOf(deps);
  const leaf = tree === null ? new Uint8Array() : await mirroredLeaves(tree, seq, 1);
  const isKnown = leaf.length > 0;
  if (isKnown && !equalBytes(leaf, leafHash(deps.sha256, fromHex(entryHash) as Uint8Array))) {
    throw new RestoreRefused("archive_damaged", seq);
  }
}

/** Of the entries whose payloads have expired the hashes remain, in the bundles of the tree's mirror. */
async function extendOverExpired(from: number, firstKept: number, deps: RestoreDeps): Promise<void> {
  const tree = from < firstKept ? await checkpointOf(deps) : null;
  for (let seq = from; seq < firstKept; ) {
    const hashes = tree && deps.isOurs(tree.note) ? await bundledHashes(seq, firstKept, tree, deps) : null;
    if (hashes === null) throw new RestoreRefused("archive_missing", seq);
    ({ size: seq } = await deps.log.extend({ fromSeq: seq, hashes, recordedAtMs: 0 }).catch(contradicted));
  }
}

/** An object that the copies contradict says so, and stops. */
export function contradicted(error: unknown): never {
  if (isAppError(error) && error.code === "domain.stopped") throw new RestoreRefused("log_contradicts");
  throw error instanceof Error ? error : new AppError("storage.unavailable", { cause: error });
}
