/** What a cell's Worker asks of a tenant's object. Plain values: they cross RPC. */
import type { Permission, Tier } from "../permissions.ts";
import type { ApiKeyRecord, DomainRecord, TenantRecord } from "../ports.ts";
import type { AskedBy } from "./jobs.ts";

export interface IssuedKey {
  record: ApiKeyRecord;
  /** The key itself: in this answer and never again. */
  key: string;
}

export interface CreateTenantWish {
  name: string;
  tier: Tier;
  by: AskedBy;
}

export interface CreateDomainWish {
  name: string;
  segmentEntries: number | null;
  by: AskedBy;
}

export interface CreateKeyWish {
  name: string;
  permissions: Permission[];
  expiresAt: string | null;
  by: AskedBy;
}

export interface TenantDeskCalls {
  createTenant(wanted: CreateTenantWish): Promise<{ tenant: TenantRecord; issued: IssuedKey }>;
  createDomain(wanted: CreateDomainWish): Promise<DomainRecord>;
  createKey(wanted: CreateKeyWish): Promise<IssuedKey>;
  revokeKey(keyId: string, by: AskedBy): Promise<ApiKeyRecord>;
}
