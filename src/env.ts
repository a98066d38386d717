/** What a cell's Worker and objects are given, and what the gateway is given. */
import type { CellDesk } from "../durable-objects/cell-desk.ts";
import type { DomainKeeper } from "../durable-objects/domain-keeper.ts";
import type { DomainLog } from "../durable-objects/domain-log.ts";
import type { TenantDesk } from "../durable-objects/tenant-desk.ts";

export interface CellEnv {
  DOMAIN_LOG: DurableObjectNamespace<DomainLog>;
  DOMAIN_KEEPER: DurableObjectNamespace<DomainKeeper>;
  TENANT_DESK: DurableObjectNamespace<TenantDesk>;
  CELL_DESK: DurableObjectNamespace<CellDesk>;
  /** Tenants, domains, keys. */
  CONTROL: D1Database;
  /** The first ledger shard; further ones are LEDGER_01… */
  LEDGER_00: D1Database;
  /** Archive segments. */
  LOG: R2Bucket;
  /** Tenant roots (and, later, tenant and subject keys): never copied, locked or backed up. */
  KEYS: R2Bucket;
  JURISDICTION: string;
  /** Equal to JURISDICTION; empty only together with UNPINNED_LOCAL. */
  DO_JURISDICTION: string;
  /** "true" on a machine without jurisdictions. Refused by the deploy gate. */
  UNPINNED_LOCAL?: string;
  /** Host name in the names of signing keys and in the origins of logs. */
  LOG_HOST: string;
  /** Operator's override of `LIMITS.backlogBytes`. Bytes. */
  BACKLOG_BYTES?: string;
  /** Operator's override of `LIMITS.shardBytes`. Bytes. */
  SHARD_LIMIT_BYTES?: string;
  OPERATOR_SECRET: string;
  API_KEY_PEPPER: string;
  PSEUDONYM_PEPPER: string;
  LOG_SIGNING_KEY: string;
}

/** The gateway's environment is exactly its two service bindings. */
export interface GatewayEnv {
  CELL_EU: Fetcher;
  CELL_US: Fetcher;
}
