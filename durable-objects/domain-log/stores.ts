/** The stores of one domain, wired to the cell's bindings. */
import { AppError } from "../../src/core/errors.ts";
import type { CellEnv } from "../../src/env.ts";
import type { Clock, LedgerStore, RootStore, SegmentStore } from "../../src/services/ports.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";

export interface DomainStores {
  ledger: LedgerStore;
  segments: SegmentStore;
  roots: RootStore;
  clock: Clock;
}

export const FIRST_SHARD = "LEDGER_00";

export function domainStores(env: CellEnv, domainId: string): DomainStores {
  return {
    ledger: new D1LedgerStore(ledgerShard(env, FIRST_SHARD), domainId),
    segments: new R2SegmentStore(env.LOG, domainId),
    roots: new R2RootStore(env.KEYS),
    clock: Date.now,
  };
}

/** The database of a shard by its binding's name. A shard without a binding is a deployment fault. */
export function ledgerShard(env: CellEnv, shard: string): D1Database {
  const database = (env as unknown as Record<string, unknown>)[shard];
  if (!/^LEDGER_\d\d$/.test(shard) || !database) {
    throw new AppError("internal", { internal: `no binding for the ledger shard ${shard}` });
  }
  return database as D1Database;
}
