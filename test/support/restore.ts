/** Logs that are lost and brought back, for tests. Runs in workerd. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import type { RestoringDeps } from "../../durable-objects/domain-keeper/restoring.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import type { RestoreUntil, RestoreView } from "../../src/services/restore/calls.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { alarmLater, append, bareDomain, env, event, inLog, keeperOf, ledgerOf, logOf, stubOf } from "./cell.ts";
import { withoutGuards } from "./tamper.ts";

export const BY = { type: "service" as const, id: "operator" };
export const WHOLE: RestoreUntil = { seq: null, atMs: null };

const keeperStub = (domainId: string) => env.DOMAIN_KEEPER.getByName(domainId);

/** A log of `entries` and its entry 0, archived as a whole and covered by a mirrored checkpoint. */
export async function archivedDomain(entries: number, segmentEntries = 4): Promise<string> {
  const domainId = await bareDomain(segmentEntries);
  if (entries > 0)
    await append(
      domainId,
      Array.from({ length: entries }, (_, i) => event({ id: `${domainId}-${i}` })),
    );
  await archiveAll(domainId);
  return domainId;
}

export async function archiveAll(domainId: string): Promise<void> {
  await alarmLater(domainId, 2 * 3_600_000);
  await logOf(domainId).checkpoint();
  for (let run = 0; run < 3; run++) await alarmLater(domainId, (3 + run) * 3_600_000);
  await inLog(domainId, (log) => log.tree.mirror());
  const { archivedSize, size } = await logOf(domainId).head();
  if (archivedSize !== size) throw new Error(`archived ${archivedSize} of ${size}`);
}

export const rowsIn = (domainId: string): Promise<EntryRow[]> =>
  ledgerOf(domainId).rows({ fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER, limit: 100_000 });

const SEQ_COLUMNS = [
  ["audit_log", "seq"],
  ["audit_private_value", "seq"],
  ["audit_subject_pii", "first_seq"],
] as const;

/** As D1 is when it was made anew: nothing of the log is in it. Whose rows go no gate lets go. */
export async function wipeLedger(domainId: string, fromSeq = 0): Promise<void> {
  await withoutGuards(async (ledger) => {
    for (const [table, column] of SEQ_COLUMNS) {
      await ledger
        .prepare(`DELETE FROM ${table} WHERE domain_id = ?1 AND ${column} >= ?2`)
        .bind(domainId, fromSeq)
        .run();
    }
    if (fromSeq === 0) await ledger.prepare("DELETE FROM ledger_base WHERE domain_id = ?1").bind(domainId).run();
  });
}

/** As on a machine that has only the buckets: the object knows of no log. */
export async function loseObject(domainId: string): Promise<void> {
  await inLog(domainId, async (_, { storage }) => {
    await storage.deleteAlarm();
    await storage.deleteAll();
  });
  await evictDurableObject(stubOf(domainId));
}

/** Replaces parts of what restores of this domain work with, until the keeper is evicted. */
export function breakRestore(domainId: string, change: (deps: RestoringDeps) => Partial<RestoringDeps>): Promise<void> {
  return runInDurableObject(keeperStub(domainId), (keeper: DomainKeeper) => {
    const { deps } = keeper.restoring;
    const made = deps();
    const changed = { ...made, ...change(made) };
    keeper.restoring.deps = () => changed;
  });
}

/** A keeper that has gone by itself is as good as evicted. */
export const evictKeeper = (domainId: string) => evictDurableObject(keeperStub(domainId)).catch(() => undefined);

/** One turn of the keeper's alarm. */
export const turn = (domainId: string): Promise<number | null> =>
  runInDurableObject(keeperStub(domainId), (keeper: DomainKeeper) => keeper.restoring.run());

/** Begins, and goes on until it ends. */
export async function restore(domainId: string, until: RestoreUntil = WHOLE, isDrill = false): Promise<RestoreView> {
  let view: RestoreView | null = await keeperOf(domainId).restoring.begin({ by: BY, until, isDrill });
  while (view !== null && view.endedAtMs === null) {
    await turn(domainId);
    view = await keeperOf(domainId).restoring.view();
  }
  if (view === null) throw new Error("a restore that was begun has a record");
  return view;
}

/** Rewrites the archive from a segment on, as somebody would who can write the bucket and knows the format. */
export async function forgeFrom(domainId: string, firstSeq: number): Promise<void> {
  const segments = new R2SegmentStore(env.LOG, domainId);
  let prevHash: string | null = null;
  for (const start of await segments.list(firstSeq, 1000)) {
    const segment = await segments.get(start);
    if (!segment?.head) throw new Error("a segment has a head");
    const { head, payloads } = segment;
    prevHash ??= head.prevHash;
    const lines = payloads.map((line, i) =>
      start === firstSeq && i === 0 ? line.replace("invoice.exported", "invoice.imported") : line,
    );
    const last = lines.reduce((hash, line) => entryHash(sha256, hash, line), fromHex(prevHash) as Uint8Array);
    await env.LOG.delete(segmentKey(domainId, start));
    await segments.put({ ...head, prevHash, lastHash: toHex(last) }, lines);
    prevHash = toHex(last);
  }
}
