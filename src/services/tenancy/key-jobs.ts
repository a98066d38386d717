/**
 * Changes of API keys and of the service accounts that have them, as jobs (see jobs.ts): rows first, then the entries that
 * tell of them, under idempotency keys made of ids.
 *
 * Commit order of a rotation, with the crash after each:
 *  1. the new key's row                  crash: the job runs again; both keys work
 *  2. the old one's end                  crash: again; it ends at the same moment
 *  3. `api_key.created`, `.rotated`      crash: the same receipts
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import type { ApiKeyRecord, ServiceAccountRecord } from "../ports.ts";
import type { Quota, RateSettings } from "../rates/limits.ts";
import { clear } from "./clear-entry.ts";
import type { AskedBy, JobDeps } from "./jobs.ts";

export type KeyJob =
  | { kind: "key"; by: AskedBy; key: ApiKeyRecord; tenantDomainId: string }
  | {
      kind: "revocation";
      by: AskedBy;
      tenantId: string;
      keyId: string;
      revokedAt: string;
      tenantDomainId: string;
      /** It was found where it does not belong; the host that this was said of. */
      leak?: { host: string | null };
    }
  | { kind: "key_rotation"; by: AskedBy; key: ApiKeyRecord; replaces: string; endsAt: string; tenantDomainId: string }
  | { kind: "service_account"; by: AskedBy; account: ServiceAccountRecord; tenantDomainId: string }
  | {
      kind: "service_account_words";
      by: AskedBy;
      account: ServiceAccountRecord;
      changed: string[];
      once: string;
      tenantDomainId: string;
    }
  | {
      kind: "service_account_removal";
      by: AskedBy;
      account: ServiceAccountRecord;
      removedAt: string;
      tenantDomainId: string;
    };

export interface RateLimitsJob {
  kind: "rate_limits";
  tenantId: string;
  version: number;
  settings: RateSettings;
}

type Deps = Pick<JobDeps, "control"> & {
  record: (domainId: string, event: ProductEvent, once: string) => Promise<void>;
};

export async function runKeyJob(job: KeyJob, { control, record }: Deps): Promise<"done"> {
  const { by, tenantDomainId } = job;
  const tell = (event: ProductEvent, of: string) => record(tenantDomainId, event, `${event.action}:${of}`);
  switch (job.kind) {
    case "key":
      await control.addKey(job.key);
      await tell(keyCreated(job.key, by), job.key.id);
      return "done";
    case "revocation": {
      await control.revokeKey(job.tenantId, job.keyId, job.revokedAt);
      if (job.leak) await tell(keyLeaked(job.keyId, job.leak.host, by), job.keyId);
      await tell(keyRevoked(job.keyId, by), job.keyId);
      return "done";
    }
    case "key_rotation":
      await control.addKey(job.key);
      await control.expireKey(job.key.tenantId, job.replaces, job.endsAt);
      await tell(keyCreated(job.key, by), job.key.id);
      await tell(keyRotated(job.replaces, job.key.id, job.endsAt, by), job.key.id);
      return "done";
    case "service_account":
      await control.addServiceAccount(job.account);
      await tell(clear("tenant.service_account_created", by, accountTarget(job.account), {}), job.account.id);
      return "done";
    case "service_account_words": {
      const { id, tenantId, name, description } = job.account;
      await control.describeServiceAccount(tenantId, id, { name, description });
      const event = clear("tenant.service_account_updated", by, accountTarget(job.account), { changed: job.changed });
      await tell(event, job.once);
      return "done";
    }
    case "service_account_removal": {
      const { id, tenantId } = job.account;
      await control.removeServiceAccount(tenantId, id, job.removedAt);
      const keys = (await control.keysOf(tenantId)).filter((key) => key.serviceAccountId === id);
      const ended = keys.filter(({ revokedAt }) => revokedAt === job.removedAt);
      for (const key of ended) await tell(keyRevoked(key.id, by), key.id);
      const metadata = { keys_revoked: ended.length };
      await tell(clear("tenant.service_account_removed", by, accountTarget(job.account), metadata), id);
      return "done";
    }
  }
}

const keyTarget = (id: string) => ({ type: "api_key", id });
const accountTarget = ({ id }: { id: string }) => ({ type: "service_account", id });

function keyCreated(key: ApiKeyRecord, by: AskedBy): ProductEvent {
  const { id, permissions, expiresAt, serviceAccountId, replaces } = key;
  return clear("api_key.created", by, keyTarget(id), {
    permissions,
    expires_at: expiresAt,
    // Where somebody's machines stand is nobody's to read in a log that stays for ever.
    limited_to_networks: key.allowedNetworks !== null && key.allowedNetworks !== undefined,
    ...(serviceAccountId ? { service_account: serviceAccountId } : {}),
    ...(replaces ? { replaces } : {}),
  });
}

function keyRevoked(keyId: string, by: AskedBy): ProductEvent {
  return clear("api_key.revoked", by, keyTarget(keyId), {});
}

function keyRotated(keyId: string, replacedBy: string, endsAt: string, by: AskedBy): ProductEvent {
  return clear("api_key.rotated", by, keyTarget(keyId), { replaced_by: replacedBy, ends_at: endsAt });
}

/** Where it was found is sealed: a host may be somebody's own. */
function keyLeaked(keyId: string, host: string | null, by: AskedBy): ProductEvent {
  const event = clear("api_key.leaked", by, keyTarget(keyId), {});
  return host === null ? event : { ...event, metadata: { host }, clear_metadata: [] };
}

/** Which limits a tenant has set. Clients are targets, so that people among them stand under their pseudonym. */
export function rateLimitsChanged(
  tenantId: string,
  version: number,
  settings: RateSettings,
  by: AskedBy,
): ProductEvent {
  const { clients = [], ...shares } = settings;
  const quota = (its: Quota) => ({ per_minute: its.perMinute, burst: its.burst });
  const quotas = ({ requests, events }: { requests?: Quota | undefined; events?: Quota | undefined }) => ({
    ...(requests ? { requests: quota(requests) } : {}),
    ...(events ? { events: quota(events) } : {}),
  });
  const event = clear(
    "tenant.rate_limits_changed",
    by,
    { type: "tenant", id: tenantId },
    {
      version,
      ...(shares.keys ? { keys: quotas(shares.keys) } : {}),
      ...(shares.members ? { members: quotas(shares.members) } : {}),
      ...(shares.tenant ? { tenant: quotas(shares.tenant) } : {}),
      ...(clients.length > 0 ? { targets: clients.map(quotas) } : {}),
    },
  );
  const targets = clients.map(({ id }) => (id.startsWith("key_") ? keyTarget(id) : { type: "user", id }));
  return { ...event, targets: [...(event.targets ?? []), ...targets] };
}
