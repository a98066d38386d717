/** The stores of one domain, wired to the cell's bindings. */
import { AppError } from "../../src/core/errors.ts";
import type { ShardGauge, ShardRange } from "../../src/core/shards.ts";
import type { CellEnv } from "../../src/env.ts";
import type { Clock, LedgerStore, RootStore, SegmentStore } from "../../src/services/ports.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { ShardedLedger } from "../../src/storage/sharded-ledger.ts";

export interface DomainStores {
  ledger: LedgerStore;
  segments: SegmentStore;
  roots: RootStore;
  clock: Clock;
  /** Size of a shard as it was after the last insert; null: nothing was inserted since the start. Bytes. */
  lastSize: (shard: string) => number | null;
  gauges: () => Promise<ShardGauge[]>;
  /** Tells the control database where the domain's rows are. Idempotent. */
  mirrorShards: (ranges: readonly ShardRange[]) => Promise<void>;
}

export function domainStores(env: CellEnv, domainId: string, ranges: () => readonly ShardRange[]): DomainStores {
  const open = shardOpener(env, domainId);
  return {
    ledger: new ShardedLedger(ranges, open),
    segments: new R2SegmentStore(env.LOG, domainId),
    roots: new R2RootStore(env.KEYS),
    clock: Date.now,
    lastSize: (shard) => open(shard).lastSize,
    gauges: () => shardGauges(env),
    mirrorShards: (ranges) => new D1ControlStore(env.CONTROL).putShards(domainId, ranges),
  };
}

/** A domain's store in each shard, made once. */
function shardOpener(env: CellEnv, domainId: string): (shard: string) => D1LedgerStore {
  const open = new Map<string, D1LedgerStore>();
  return (shard) => {
    const store = open.get(shard) ?? new D1LedgerStore(ledgerShard(env, shard), domainId);
    open.set(shard, store);
    return store;
  };
}

/** The ledger of a domain for whoever knows where its rows are. */
export function ledgerAt(env: CellEnv, domainId: string, ranges: readonly ShardRange[]): LedgerStore {
  return new ShardedLedger(() => ranges, shardOpener(env, domainId));
}

/** The present size of every shard of this cell. */
export function shardGauges(env: CellEnv): Promise<ShardGauge[]> {
  const shards = Object.keys(env).filter((name) => SHARD.test(name));
  return Promise.all(
    shards.sort().map(async (shard) => {
      const { meta } = await ledgerShard(env, shard).prepare("SELECT 1").run();
      return { shard, bytes: meta.size_after };
    }),
  );
}

const SHARD = /^LEDGER_\d\d$/;

/** The database of a shard by its binding's name. A shard without a binding is a deployment fault. */
export function ledgerShard(env: CellEnv, shard: string): D1Database {
  const database = (env as unknown as Record<string, unknown>)[shard];
  if (!SHARD.test(shard) || !database) {
    throw new AppError("internal", { internal: `no binding for the ledger shard ${shard}` });
  }
  return database as D1Database;
}
