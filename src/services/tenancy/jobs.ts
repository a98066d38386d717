/**
 * Changes of a tenant that touch several stores and must show in its log. Each is a job: written down in the tenant's
 * object first, run, and forgotten when all of it is done. Every step is idempotent, so after a crash or an ambiguous
 * answer the whole job runs again: nothing is missing and nothing is doubled.
 *
 * Commit order:
 *  0. the job is in the object's SQLite                  crash: the alarm runs it
 *  1. root, rows, object (create-once each)              crash: the alarm runs it again, they are there
 *  2. entries, under idempotency keys made of ids        crash: the same receipts
 *  3. the job is deleted                                 done
 */
import { isAppError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { type Jurisdiction, platformDomainId } from "../../core/ids.ts";
import { ROOT_BYTES } from "../../crypto/tenant-keys.ts";
import { type ErasureGate, type ErasureJob, runErasureJob } from "../erasure/everywhere.ts";
import { type KeyServiceJob, runKeyServiceJob } from "../keys/key-service-jobs.ts";
import type {
  ApiKeyRecord,
  ControlStore,
  DomainRecord,
  KeyServiceStore,
  RandomBytes,
  RootStore,
  TenantKeyStore,
  TenantRecord,
} from "../ports.ts";

/** Who asked: the id of a key, or `operator`. */
export type AskedBy = { type: "service"; id: string } | { type: "system"; id: typeof SYSTEM_ACTOR_ID };

export type Job =
  | { kind: "tenant"; by: AskedBy; tenant: TenantRecord; domain: DomainRecord; key: ApiKeyRecord }
  | { kind: "domain"; by: AskedBy; domain: DomainRecord; tenantDomainId: string }
  | { kind: "key"; by: AskedBy; key: ApiKeyRecord; tenantDomainId: string }
  | { kind: "revocation"; by: AskedBy; tenantId: string; keyId: string; revokedAt: string; tenantDomainId: string }
  | KeyServiceJob
  | ErasureJob;

/** The logs of this cell. */
export interface LogGate extends ErasureGate {
  create(domain: DomainRecord): Promise<void>;
  /** Appends once, however often it is called with the same key. */
  record(domainId: string, event: AuditEvent, idempotencyKey: string): Promise<void>;
}

export interface JobDeps {
  jurisdiction: Jurisdiction;
  control: ControlStore;
  roots: RootStore;
  keyServices: KeyServiceStore;
  tenantKeys: TenantKeyStore;
  logs: LogGate;
  random: RandomBytes;
  shard: string;
}

/** Other than `done`: nothing was changed. */
export type JobOutcome = "done" | "name_taken" | "superseded";

export async function runJob(job: Job, deps: JobDeps): Promise<JobOutcome> {
  switch (job.kind) {
    case "tenant":
      await deps.roots.create(job.tenant.id, deps.random(ROOT_BYTES));
      await deps.control.addTenant(job.tenant, job.domain, deps.shard);
      await deps.logs.create(job.domain);
      await record(deps, job.domain.id, tenantCreated(job.tenant, job.by), `tenant.created:${job.tenant.id}`);
      await addKey(job.key, job.domain.id, job.by, deps);
      await record(
        deps,
        platformDomainId(deps.jurisdiction),
        tenantCreated(job.tenant, job.by),
        `tenant.created:${job.tenant.id}`,
      );
      return "done";
    case "erasure":
      await runErasureJob(job, deps.logs);
      return "done";
    case "domain":
      if (!(await deps.control.addDomain(job.domain, deps.shard))) return "name_taken";
      await deps.logs.create(job.domain);
      await record(deps, job.tenantDomainId, domainAdded(job.domain, job.by), `domain_added:${job.domain.id}`);
      return "done";
    case "key":
      await addKey(job.key, job.tenantDomainId, job.by, deps);
      return "done";
    case "revocation":
      await deps.control.revokeKey(job.tenantId, job.keyId, job.revokedAt);
      await record(deps, job.tenantDomainId, keyRevoked(job.keyId, job.by), `api_key.revoked:${job.keyId}`);
      return "done";
    default:
      return runKeyServiceJob(job, { ...deps, record: (domainId, event, key) => record(deps, domainId, event, key) });
  }
}

async function addKey(key: ApiKeyRecord, tenantDomainId: string, by: AskedBy, deps: JobDeps): Promise<void> {
  await deps.control.addKey(key);
  await record(deps, tenantDomainId, keyCreated(key, by), `api_key.created:${key.id}`);
}

/** Once for each key. Two callers may ask for the same change, a revocation; the entry names whoever was first. */
async function record(deps: JobDeps, domainId: string, event: AuditEvent, key: string): Promise<void> {
  try {
    await deps.logs.record(domainId, event, key);
  } catch (error) {
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}

function tenantCreated({ id, tier, jurisdiction }: TenantRecord, by: AskedBy): AuditEvent {
  return clear("tenant.created", by, { type: "tenant", id }, { jurisdiction, tier });
}

function domainAdded({ id, kind, segmentEntries }: DomainRecord, by: AskedBy): AuditEvent {
  return clear("tenant.domain_added", by, { type: "domain", id }, { kind, segment_entries: segmentEntries });
}

function keyCreated({ id, permissions, expiresAt }: ApiKeyRecord, by: AskedBy): AuditEvent {
  return clear("api_key.created", by, { type: "api_key", id }, { permissions, expires_at: expiresAt });
}

function keyRevoked(keyId: string, by: AskedBy): AuditEvent {
  return clear("api_key.revoked", by, { type: "api_key", id: keyId }, {});
}

/** An entry of the product's own: ids and settings only, so all of it stands in clear. */
function clear(
  action: string,
  actor: AskedBy,
  target: { type: string; id: string },
  metadata: NonNullable<AuditEvent["metadata"]>,
): AuditEvent {
  return { action, actor, targets: [target], metadata, clear_metadata: Object.keys(metadata) };
}
