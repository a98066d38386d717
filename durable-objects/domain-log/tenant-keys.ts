/** The keys of a tenant as its objects use them. */
import { TenantKeyring } from "../../src/services/keys/tenant-keyring.ts";
import { randomBytes } from "./random.ts";
import type { DomainStores } from "./stores.ts";

export function tenantKeyring(tenantId: string, { tenantKeys, clock }: DomainStores): TenantKeyring {
  return new TenantKeyring({
    tenantId,
    store: tenantKeys,
    random: randomBytes,
    clock,
    unwrap: () => Promise.reject(new Error("not yet")),
  });
}
