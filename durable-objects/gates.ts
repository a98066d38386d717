/** The way to the objects of this cell: pinned stubs, with what they answer turned into values and errors again. */
import type { CellEnv } from "../src/env.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import type { CreateDomainCall, DomainKeeperCalls, DomainLogCalls } from "../src/services/log/calls.ts";
import { valueOf } from "../src/services/outcome.ts";
import type { TenantDeskCalls } from "../src/services/tenancy/calls.ts";
import type { LogGate } from "../src/services/tenancy/jobs.ts";
import { pinnedStub } from "./pinning.ts";

/** There is one desk a cell. */
const CELL_DESK_NAME = "cell";

/** What the product's own entries are bound to instead of a credential; no credential's id is spelled like it. */
export const PRODUCT_SCOPE = "system";

export interface DomainLogGate extends DomainLogCalls {
  create(call: CreateDomainCall): Promise<void>;
  wake(): Promise<void>;
}

export function domainLog(env: CellEnv, config: CellConfig, domainId: string): DomainLogGate {
  const stub = pinnedStub(env.DOMAIN_LOG, config, domainId);
  return {
    create: (call) => valueOf(stub.create(call)),
    append: (call) => valueOf(stub.append(call)),
    head: () => valueOf(stub.head()),
    flush: () => valueOf(stub.flush()),
    wake: () => valueOf(stub.wake()),
  };
}

export function domainKeeper(env: CellEnv, config: CellConfig, domainId: string): DomainKeeperCalls {
  const stub = pinnedStub(env.DOMAIN_KEEPER, config, domainId);
  return { verify: (call) => valueOf(stub.verify(call)) };
}

export function tenantDesk(env: CellEnv, config: CellConfig, tenantId: string): TenantDeskCalls {
  const stub = pinnedStub(env.TENANT_DESK, config, tenantId);
  return {
    createTenant: (wanted) => valueOf(stub.createTenant(wanted)),
    createDomain: (wanted) => valueOf(stub.createDomain(wanted)),
    createKey: (wanted) => valueOf(stub.createKey(wanted)),
    revokeKey: (keyId, by) => valueOf(stub.revokeKey(keyId, by)),
  };
}

export function cellDesk(env: CellEnv, config: CellConfig) {
  const stub = pinnedStub(env.CELL_DESK, config, CELL_DESK_NAME);
  return {
    ensurePlatform: () => valueOf(stub.ensurePlatform()),
    wakeDomains: () => valueOf(stub.wakeDomains()),
    status: () => valueOf(stub.status()),
    observedJurisdiction: () => stub.observedJurisdiction(),
  };
}

/** The logs of this cell, as the tenancy jobs need them. */
export function logGate(env: CellEnv, config: CellConfig): LogGate {
  return {
    async create({ id: domainId, tenantId, kind, segmentEntries }) {
      await domainLog(env, config, domainId).create({ domainId, tenantId, kind, segmentEntries });
    },
    async record(domainId, event, idempotencyKey) {
      const body = JSON.stringify(event);
      const call = { body, form: "json" as const, scope: PRODUCT_SCOPE, idempotencyKey, waitForCopy: false };
      await domainLog(env, config, domainId).append(call);
    },
  };
}
