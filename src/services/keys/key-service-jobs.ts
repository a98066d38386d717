/**
 * Changes of a tenant's key service, as jobs of the tenant's desk (`tenancy/jobs.ts`). A job holds no key and no credential in
 * clear: a key that is not wrapped is made while the job runs.
 *
 * Commit order of a change of the service:
 *  0. the job is in the object's SQLite                          crash: the alarm runs it
 *  1. the service's row, wrapping nothing yet                    crash: again; the row stands as given
 *  2. the next key version (create-once)                         crash: again; the version is known by its time
 *  3. the row again, active; the others are not                  crash: again. Rotation may have removed it since 1, because
 *                                                                no key needed it then
 *  4. older key versions are retired                             crash: again; they keep their time
 *  5. the entry, under an idempotency key made of the job's id   crash: the same receipt
 *  6. the job is deleted                                         done
 * A version that somebody else made meanwhile under the same number ends the job after 1: nothing was changed, and the
 * caller plans anew.
 */
import type { ProductAction, ProductEvent } from "../../core/actions/product.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { KeyServiceFault } from "../../core/key-service.ts";
import type { KeyServiceRecord, KeyServiceStore, RandomBytes, TenantKeyRecord, TenantKeyStore } from "../ports.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import { TENANT_KEY_BYTES } from "./key-service.ts";

interface Common {
  /** A UUID: what the job's entry is known by. */
  id: string;
  by: AskedBy;
  at: string;
  tenantId: string;
  tenantDomainId: string;
}

/** What these jobs write into the tenant's log. */
export const KEY_SERVICE_ACTIONS = [
  "tenant.key_service_changed",
  "tenant.key_service_removed",
  "tenant.key_service_failed",
  "tenant.key_service_restored",
] as const satisfies readonly ProductAction[];

export type KeyServiceJob = Common &
  (
    | { kind: "key_service_set"; service: KeyServiceRecord; key: { version: number; wrapped: string } }
    | { kind: "key_service_credentials"; service: KeyServiceRecord }
    | { kind: "key_service_removed"; key: { version: number } }
    | { kind: "key_service_failed"; service: KeyServiceRecord; fault: KeyServiceFault }
    | { kind: "key_service_restored"; service: KeyServiceRecord }
  );

export interface KeyServiceJobDeps {
  keyServices: KeyServiceStore;
  tenantKeys: TenantKeyStore;
  random: RandomBytes;
  /** Once for each key. */
  record: (domainId: string, event: ProductEvent, idempotencyKey: string) => Promise<void>;
}

export async function runKeyServiceJob(job: KeyServiceJob, deps: KeyServiceJobDeps): Promise<"done" | "superseded"> {
  const { keyServices } = deps;
  switch (job.kind) {
    case "key_service_set":
      await keyServices.put(job.service);
      if (!(await ensureVersion(job, { kind: "wrapped", wrapped: job.key.wrapped }, job.key.version, deps))) {
        return "superseded";
      }
      await keyServices.activate(job.service, job.at);
      await retireOlder(job, job.key.version, deps);
      await tell(job, "tenant.key_service_changed", { ...nameOf(job.service), key_version: job.key.version }, deps);
      return "done";
    case "key_service_credentials":
      await keyServices.put(job.service);
      await tell(job, "tenant.key_service_changed", { ...nameOf(job.service), credentials: "replaced" }, deps);
      return "done";
    case "key_service_removed": {
      const raw = { kind: "raw" as const, key: deps.random(TENANT_KEY_BYTES) };
      if (!(await ensureVersion(job, raw, job.key.version, deps))) return "superseded";
      await keyServices.deactivate(job.tenantId, job.at);
      await retireOlder(job, job.key.version, deps);
      await tell(job, "tenant.key_service_removed", { key_version: job.key.version }, deps);
      return "done";
    }
    case "key_service_failed":
      await keyServices.setState(job.tenantId, job.service.service, job.fault, job.at);
      await tell(job, "tenant.key_service_failed", { ...nameOf(job.service), fault: job.fault }, deps);
      return "done";
    case "key_service_restored":
      await keyServices.setState(job.tenantId, job.service.service, "working", job.at);
      await tell(job, "tenant.key_service_restored", nameOf(job.service), deps);
      return "done";
  }
}

/** Whether the version of this job is there afterwards; false: the number belongs to somebody else's. */
async function ensureVersion(
  { tenantId, at }: Common,
  material: TenantKeyRecord["material"],
  version: number,
  { tenantKeys }: KeyServiceJobDeps,
): Promise<boolean> {
  if (await tenantKeys.create(tenantId, { version, createdAt: at, retiredAt: null, material })) return true;
  const there = (await tenantKeys.list(tenantId)).find((record) => record.version === version);
  return there?.createdAt === at && there.material.kind === material.kind;
}

async function retireOlder(
  { tenantId, at }: Common,
  version: number,
  { tenantKeys }: KeyServiceJobDeps,
): Promise<void> {
  for (const record of await tenantKeys.list(tenantId)) {
    if (record.version < version && record.retiredAt === null) await tenantKeys.retire(tenantId, record.version, at);
  }
}

function tell(
  { id, by, tenantId, tenantDomainId }: Common,
  action: (typeof KEY_SERVICE_ACTIONS)[number],
  metadata: NonNullable<AuditEvent["metadata"]>,
  deps: KeyServiceJobDeps,
): Promise<void> {
  const event: ProductEvent = {
    action,
    actor: by,
    targets: [{ type: "tenant", id: tenantId }],
    metadata,
    clear_metadata: Object.keys(metadata),
    ...(action === "tenant.key_service_failed" ? { outcome: "failure" as const } : {}),
  };
  return deps.record(tenantDomainId, event, `key_service:${id}`);
}

/** Which service: its number, and what an auditor looks for at the tenant. Forms that the log takes in clear. */
function nameOf({ service, settings }: KeyServiceRecord): { [name: string]: string | number } {
  return settings.kind === "aws_kms"
    ? { service, kind: settings.kind, key_arn: settings.key_arn }
    : { service, kind: settings.kind, host: new URL(settings.url).hostname };
}
