/** A domain of which entries were pruned, or whose payloads are gone, by the product's own steps without waiting for years. */

import { indexShardAt, ledgerAt, ledgerShard } from "../../durable-objects/domain-log/stores.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { expireStep } from "../../src/services/retention/expire.ts";
import { pruneStep } from "../../src/services/retention/prune.ts";
import { R2ExpirableArchive } from "../../src/storage/expirable-archive.ts";
import { D1PrunableShard } from "../../src/storage/prunable-rows.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { alarmLater, copiedRows, env, logOf } from "./cell.ts";

const POLICY = { duration: "P1Y", beforeMs: Date.UTC(2026, 0, 1) };

/** Copied, archived, and under a checkpoint that the archive shows. */
export async function settled(domainId: string): Promise<void> {
  const { size } = await logOf(domainId).head();
  for (let turn = 0; turn < 50; turn++) {
    const { copiedSize, archivedSize, mirroredSize } = await logOf(domainId).head();
    if (Math.min(copiedSize, archivedSize, mirroredSize) >= size) return;
    await alarmLater(domainId);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`domain ${domainId} does not settle`);
}

const shardOf = (domainId: string) => new D1PrunableShard(ledgerShard(env, "LEDGER_00"), domainId);

/** Entries [0, toSeq) leave the queryable copy. */
export async function pruneTo(domainId: string, toSeq: number): Promise<void> {
  await settled(domainId);
  const rows = await copiedRows(domainId);
  const first = rows.find(({ seq }) => seq === toSeq);
  if (!first) throw new Error(`entry ${toSeq} is not there`);
  await logOf(domainId).prune({ ...POLICY, toSeq, prevHash: first.prevHash });
  const { shards: ranges } = await logOf(domainId).head();
  const deps = {
    domainId,
    ranges,
    shard: () => shardOf(domainId),
    index: (name: string) => indexShardAt(env, domainId, name),
    ledger: () => ledgerAt(env, domainId, ranges),
    segments: new R2SegmentStore(env.LOG, domainId),
    sha256,
    log: logOf(domainId),
    clock: Date.now,
  };
  while (!(await pruneStep(deps)).done);
}

/** Payloads of entries [0, toSeq) are deleted: `toSeq` is where a segment begins. */
export async function expireTo(domainId: string, toSeq: number): Promise<void> {
  await logOf(domainId).expire({ ...POLICY, toSeq });
  const deps = {
    shards: [shardOf(domainId)],
    segments: new R2SegmentStore(env.LOG, domainId),
    archive: new R2ExpirableArchive(env.LOG, domainId),
    sha256,
    log: logOf(domainId),
  };
  for (let step = { done: false, after: 0 }; !step.done; ) step = await expireStep(step.after, deps);
}
