/** The keys of a tenant as its objects use them, wired to this cell: raw ones, and those that the tenant's own service unwraps. */
import type { CellEnv } from "../src/env.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import { TenantKeyring } from "../src/services/keys/tenant-keyring.ts";
import { type KeyServiceObservation, unwrapper } from "../src/services/keys/unwrap.ts";
import type { Clock, TenantKeyStore } from "../src/services/ports.ts";
import { D1KeyServiceStore } from "../src/storage/key-service-store.ts";
import { connectKeyService } from "../src/storage/key-services/connect.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { R2TenantKeyStore } from "../src/storage/tenant-key-store.ts";
import { randomBytes } from "./domain-log/random.ts";
import { tenantDesk } from "./gates.ts";

interface KeyringParts {
  tenantKeys?: TenantKeyStore;
  clock?: Clock;
  /** Replaced by the tenant's desk, which tells itself. */
  report?: (observation: KeyServiceObservation) => Promise<void>;
}

/** One for each object and tenant, kept as long as the object lives: it remembers keys, and that a service has failed. */
export function tenantKeyringFor(
  env: CellEnv,
  config: CellConfig,
  tenantId: string,
  {
    tenantKeys = new R2TenantKeyStore(env.KEYS),
    clock = Date.now,
    report = (observation) => tenantDesk(env, config, tenantId).keyServiceObserved(observation),
  }: KeyringParts = {},
): TenantKeyring {
  const unwrap = unwrapper({
    tenantId,
    sealer: config.sealer,
    roots: new R2RootStore(env.KEYS),
    services: new D1KeyServiceStore(env.CONTROL),
    connect: (settings, credentials) => connectKeyService(settings, credentials, { local: config.pinnedTo === null }),
    report,
    clock,
  });
  return new TenantKeyring({ tenantId, store: tenantKeys, random: randomBytes, clock, unwrap });
}
