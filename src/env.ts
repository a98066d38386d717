/** What a cell's Worker and objects are given, and what the gateway is given. */
import type { CellDesk } from "../durable-objects/cell-desk.ts";
import type { DomainKeeper } from "../durable-objects/domain-keeper.ts";
import type { DomainLog } from "../durable-objects/domain-log.ts";
import type { RateDesk } from "../durable-objects/rate-desk.ts";
import type { TenantDesk } from "../durable-objects/tenant-desk.ts";
import type { WitnessLog } from "../durable-objects/witness-log.ts";
import type { CellSettings } from "./services/cell-config.ts";

export interface CellEnv extends CellSettings {
  DOMAIN_LOG: DurableObjectNamespace<DomainLog>;
  DOMAIN_KEEPER: DurableObjectNamespace<DomainKeeper>;
  TENANT_DESK: DurableObjectNamespace<TenantDesk>;
  CELL_DESK: DurableObjectNamespace<CellDesk>;
  RATE_DESK: DurableObjectNamespace<RateDesk>;
  WITNESS_LOG: DurableObjectNamespace<WitnessLog>;
  /** Tenants, domains, keys. */
  CONTROL: D1Database;
  /** The first ledger shard; further ones are LEDGER_01… */
  LEDGER_00: D1Database;
  /** Cloudflare's e-mail service; absent where no mail is sent. */
  MAIL?: SendEmail;
  /** Archive segments. */
  LOG: R2Bucket;
  /** Tenant roots (and, later, tenant and subject keys): never copied, locked or backed up. */
  KEYS: R2Bucket;
}

/** The gateway's environment is exactly its two service bindings. */
export interface GatewayEnv {
  CELL_EU: Fetcher;
  CELL_US: Fetcher;
}
