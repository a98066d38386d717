/** Records of the stores in the spelling of the API. */
import type { Jurisdiction } from "../core/ids.ts";
import type { KeyServiceDescription } from "../services/keys/description.ts";
import type { ApiKeyRecord, DomainRecord, EntryRow, ServiceAccountRecord, TenantRecord } from "../services/ports.ts";

export function tenantJson(tenant: TenantRecord) {
  const { id, name, jurisdiction, tier, settings, tenantDomainId, createdAt } = tenant;
  return { id, name, jurisdiction, tier, tenant_domain_id: tenantDomainId, created_at: createdAt, settings };
}

export function domainJson(domain: DomainRecord, jurisdiction: Jurisdiction) {
  const { id, name, kind } = domain;
  return {
    id,
    tenant_id: domain.tenantId,
    name,
    kind,
    jurisdiction,
    segment_entries: domain.segmentEntries,
    created_at: domain.createdAt,
  };
}

/** Field by field, so that the MAC never goes out. `usedAtMs`: null for never, undefined for not known. */
export function keyJson(key: ApiKeyRecord, usedAtMs?: number | null) {
  const { id, name, permissions } = key;
  return {
    id,
    tenant_id: key.tenantId,
    name,
    permissions,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    description: key.description,
    allowed_networks: key.allowedNetworks,
    service_account_id: key.serviceAccountId,
    replaces: key.replaces,
    ...(usedAtMs === undefined ? {} : { last_used_at: usedAtMs === null ? null : new Date(usedAtMs).toISOString() }),
  };
}

export function serviceAccountJson(account: ServiceAccountRecord) {
  const { id, name, description } = account;
  return {
    id,
    tenant_id: account.tenantId,
    name,
    description,
    created_at: account.createdAt,
    removed_at: account.removedAt,
  };
}

export function keyServiceJson({ active, keyVersions }: KeyServiceDescription) {
  return {
    active: active && {
      service: active.service,
      settings: active.settings,
      state: active.state,
      checked_at: active.checkedAt,
      created_at: active.createdAt,
    },
    key_versions: keyVersions.map(({ version, service, createdAt, retiredAt }) => ({
      version,
      service,
      created_at: createdAt,
      retired_at: retiredAt,
    })),
  };
}

/** `text`: the payload's exact canonical text, for who recomputes hashes. */
export function entryJson(row: EntryRow, form: "json" | "text") {
  const payload: string | Record<string, unknown> = form === "text" ? row.payload : JSON.parse(row.payload);
  return { seq: row.seq, id: row.id, prev_hash: row.prevHash, entry_hash: row.entryHash, payload };
}
