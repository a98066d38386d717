/** What every request of a cell carries: the services, and who asks. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ShardRange } from "../core/shards.ts";
import type { CellConfig } from "../services/cell-config.ts";
import type { DeletionRecord } from "../services/deletion/register.ts";
import type { SlotCalls } from "../services/keys/slots/calls.ts";
import type { DomainKeeperCalls, DomainLogCalls } from "../services/log/calls.ts";
import type { Permission } from "../services/permissions.ts";
import type { ApiKeyRecord, ControlStore, DomainRecord, LedgerStore } from "../services/ports.ts";
import type { ResidencyReport } from "../services/residency.ts";
import type { CellStatus } from "../services/status.ts";
import type { TenantDeskCalls } from "../services/tenancy/calls.ts";
import type { WitnessCalls } from "../services/witness/witness.ts";

/** Wired in src/cell.ts. */
export interface CellServices {
  config: CellConfig;
  clock: () => number;
  control: ControlStore;
  /** Answers from memory for at most `LIMITS.keyCacheMs`. */
  key: (keyId: string) => Promise<ApiKeyRecord | null>;
  /** Answers from memory: a domain never changes hands. */
  domain: (domainId: string) => Promise<DomainRecord | null>;
  /** Where a domain's rows lie; from memory for at most `LIMITS.shardCacheMs` unless `fresh`. */
  shards: (domainId: string, fresh?: boolean) => Promise<ShardRange[]>;
  ledger: (domainId: string, ranges: readonly ShardRange[]) => LedgerStore;
  log: (domainId: string) => DomainLogCalls;
  keeper: (domainId: string) => DomainKeeperCalls;
  desk: (tenantId: string) => TenantDeskCalls;
  /** A tenant's deletion, running or over. */
  deletion: (tenantId: string) => Promise<DeletionRecord | null>;
  residency: () => Promise<ResidencyReport>;
  status: () => Promise<CellStatus>;
  slots: SlotCalls;
  /** What this cell cosigns for others. */
  witness: WitnessCalls;
}

export interface Principal {
  kind: "api_key" | "operator";
  tenantId: string | null;
  keyId: string | null;
  permissions: readonly Permission[];
}

export interface HttpEnv {
  Variables: {
    services: CellServices;
    requestId: string;
    /** Set by the declaration of the route; public routes have none. */
    principal: Principal;
    /** The domain of the path, once the caller is known to be allowed to know it. */
    domain: DomainRecord;
  };
}

export type CellApp = OpenAPIHono<HttpEnv>;
