/** Retention of a domain's entries, wired to its keeper. */
import { sha256 } from "../src/crypto/sha256.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import { R2ExpirableArchive } from "../src/storage/expirable-archive.ts";
import { D1PrunableShard } from "../src/storage/prunable-rows.ts";
import { R2SegmentStore } from "../src/storage/segment-store.ts";
import { Retaining, SqliteLogRunBook } from "./domain-keeper/retaining.ts";
import { indexShardAt, ledgerAt, ledgerShard } from "./domain-log/stores.ts";
import { cellDesk, domainLog, tenantDesk } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

export function retaining(ctx: DurableObjectState, env: CellEnv, plan: (atMs: number) => void): Retaining {
  const domainId = ctx.id.name ?? "";
  const deps = () => {
    const config = cellConfig(env);
    demandPinned(ctx, config);
    const desk = (tenantId: string) => tenantDesk(env, config, tenantId).retention;
    const alerts = cellDesk(env, config).monitoring;
    return {
      domainId,
      sha256,
      log: domainLog(env, config, domainId),
      shard: (name: string) => new D1PrunableShard(ledgerShard(env, name), domainId),
      index: (name: string) => indexShardAt(env, domainId, name),
      ledger: (ranges: Parameters<typeof ledgerAt>[2]) => ledgerAt(env, domainId, ranges),
      segments: new R2SegmentStore(env.LOG, domainId),
      archive: new R2ExpirableArchive(env.LOG, domainId),
      policy: (tenantId: string) => desk(tenantId).domainPolicy(domainId),
      ran: (tenantId: string, run: Parameters<ReturnType<typeof desk>["domainRan"]>[0]) =>
        desk(tenantId).domainRan(run),
      raise: (alert: Parameters<typeof alerts.raise>[0]) => told(() => alerts.raise(alert)),
      resolve: (of: Parameters<typeof alerts.resolve>[0]) => told(() => alerts.resolve(of, Date.now())),
      intervalMs: config.retentionIntervalMs,
    };
  };
  return new Retaining({ book: new SqliteLogRunBook(ctx.storage), deps, clock: Date.now, plan });
}

/** What happened stands in the run: an alert that does not get through stops nothing. */
async function told(tell: () => Promise<boolean>): Promise<void> {
  try {
    await tell();
  } catch {
    console.warn(JSON.stringify({ at: "retention", fault: "an alert did not get through" }));
  }
}
