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
import type { ProductEvent } from "../../core/actions/product.ts";
import { type DomainSettings, settingsOf } from "../../core/domain-settings.ts";
import { isAppError } from "../../core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { type Jurisdiction, platformDomainId } from "../../core/ids.ts";
import { ROOT_BYTES } from "../../crypto/tenant-keys.ts";
import { type ErasureGate, type ErasureJob, runErasureJob } from "../erasure/everywhere.ts";
import { type EventTypeJob, runEventTypeJob } from "../event-types/jobs.ts";
import { type KeyServiceJob, runKeyServiceJob } from "../keys/key-service-jobs.ts";
import type {
  ApiKeyRecord,
  ControlStore,
  DomainRecord,
  EventTypeStore,
  KeyServiceStore,
  RandomBytes,
  RetentionStore,
  RootStore,
  TenantChange,
  TenantKeyStore,
  TenantRecord,
} from "../ports.ts";
import type { RateDeskCalls } from "../rates/calls.ts";
import { type RetentionJob, runRetentionJob } from "../retention/change.ts";
import { clear } from "./clear-entry.ts";
import type { DomainSettingsJob } from "./domain-settings.ts";
import { type KeyJob, type RateLimitsJob, runKeyJob } from "./key-jobs.ts";

/** Who asked: a key's id or `operator`; a member; one of the operator's people. People stand in logs under their pseudonym. */
export type AskedBy =
  | { type: "service"; id: string; via?: { type: "api_key"; id: string } }
  | { type: "user" | "support"; id: string; via: { type: "session" | "access"; id: string } }
  | { type: "system"; id: typeof SYSTEM_ACTOR_ID };

export type Job =
  | { kind: "tenant"; by: AskedBy; tenant: TenantRecord; domain: DomainRecord; key: ApiKeyRecord }
  | { kind: "domain"; by: AskedBy; domain: DomainRecord; tenantDomainId: string }
  | KeyJob
  | RateLimitsJob
  | TenantChangeJob
  | EntryJob
  | EventTypeJob
  | DomainSettingsJob
  | RetentionJob
  | KeyServiceJob
  | ErasureJob;

/** A change of the tenant's row, to what it is afterwards, and the entry that tells of it. */
export interface TenantChangeJob {
  kind: "tenant_change";
  tenantId: string;
  tenantDomainId: string;
  change: TenantChange;
  event: ProductEvent;
  once: string;
}

/** Tells of a change that was written in the same transaction as this job. `once`: its idempotency key. */
export interface EntryJob {
  kind: "entry";
  domainId: string;
  event: ProductEvent;
  once: string;
  /** The access or the recovery whose reason joins the event when the entry is written: until then it stands sealed. */
  reasonOf?: string;
}

/** The logs of this cell. */
export interface LogGate extends ErasureGate {
  create(domain: DomainRecord): Promise<void>;
  /** Tells a log how its domain is set. Idempotent. */
  configure(domainId: string, settings: DomainSettings): Promise<void>;
  /** Appends once, however often it is called with the same key. */
  record(domainId: string, event: ProductEvent, idempotencyKey: string): Promise<void>;
}

export interface JobDeps {
  jurisdiction: Jurisdiction;
  control: ControlStore;
  eventTypes: EventTypeStore;
  retention: RetentionStore;
  roots: RootStore;
  keyServices: KeyServiceStore;
  tenantKeys: TenantKeyStore;
  logs: LogGate;
  random: RandomBytes;
  shard: string;
  /** The object that counts for a tenant. */
  rates: (tenantId: string) => Pick<RateDeskCalls, "setLimits">;
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
      await runJob({ kind: "key", by: job.by, key: job.key, tenantDomainId: job.domain.id }, deps);
      await record(
        deps,
        platformDomainId(deps.jurisdiction),
        tenantCreated(job.tenant, job.by),
        `tenant.created:${job.tenant.id}`,
      );
      return "done";
    case "tenant_change":
      await deps.control.changeTenant(job.tenantId, job.change);
      await record(deps, job.tenantDomainId, job.event, job.once);
      return "done";
    case "entry":
      await record(deps, job.domainId, job.event, job.once);
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
    case "revocation":
    case "key_rotation":
    case "service_account":
    case "service_account_words":
    case "service_account_removal":
      return runKeyJob(job, { ...deps, record: (domainId, event, key) => record(deps, domainId, event, key) });
    case "event_type_version":
    case "event_type_withdrawal":
      return runEventTypeJob(job, { ...deps, record: (domainId, event, key) => record(deps, domainId, event, key) });
    case "retention":
      return runRetentionJob(job, { ...deps, record: (domainId, event, key) => record(deps, domainId, event, key) });
    case "domain_settings":
      await deps.control.changeDomain(job.tenantId, job.domainId, job.settings);
      await deps.logs.configure(job.domainId, settingsOf({ settings: job.settings }));
      await record(deps, job.domainId, job.event, job.once);
      await record(deps, job.tenantDomainId, job.event, job.once);
      return "done";
    case "rate_limits":
      await deps.rates(job.tenantId).setLimits(job.version, job.settings);
      return "done";
    default:
      return runKeyServiceJob(job, { ...deps, record: (domainId, event, key) => record(deps, domainId, event, key) });
  }
}

/** Once for each key. Two callers may ask for the same change, a revocation; the entry names whoever was first. */
async function record(deps: JobDeps, domainId: string, event: ProductEvent, key: string): Promise<void> {
  try {
    await deps.logs.record(domainId, event, key);
  } catch (error) {
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}

function tenantCreated({ id, tier, jurisdiction }: TenantRecord, by: AskedBy): ProductEvent {
  return clear("tenant.created", by, { type: "tenant", id }, { jurisdiction, tier });
}

function domainAdded({ id, kind, segmentEntries }: DomainRecord, by: AskedBy): ProductEvent {
  return clear("tenant.domain_added", by, { type: "domain", id }, { kind, segment_entries: segmentEntries });
}
