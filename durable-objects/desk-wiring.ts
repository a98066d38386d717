/** Stores and other objects as the jobs of a tenant's object need them. */
import { FIRST_SHARD } from "../src/core/shards.ts";
import type { CellEnv } from "../src/env.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import type { JobDeps } from "../src/services/tenancy/jobs.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { D1EventTypeStore } from "../src/storage/event-type-store.ts";
import { D1KeyServiceStore } from "../src/storage/key-service-store.ts";
import { D1RetentionStore } from "../src/storage/retention-store.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { R2TenantKeyStore } from "../src/storage/tenant-key-store.ts";
import { randomBytes } from "./domain-log/random.ts";
import { logGate, rateDesk } from "./gates.ts";

export function jobDeps(env: CellEnv, config: CellConfig): JobDeps {
  return {
    jurisdiction: config.jurisdiction,
    control: new D1ControlStore(env.CONTROL),
    eventTypes: new D1EventTypeStore(env.CONTROL),
    retention: new D1RetentionStore(env.CONTROL),
    roots: new R2RootStore(env.KEYS),
    keyServices: new D1KeyServiceStore(env.CONTROL),
    tenantKeys: new R2TenantKeyStore(env.KEYS),
    logs: logGate(env, config),
    random: randomBytes,
    shard: FIRST_SHARD,
    rates: (tenantId) => rateDesk(env, config, tenantId),
  };
}
