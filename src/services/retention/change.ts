/**
 * Changes of how long things are kept. A change of a domain stands in its own log, where its readers see it, and in the
 * tenant's; a change of the tenant in the tenant's.
 *
 * Commit order, as a job (tenancy/jobs.ts):
 *  1. the rows, and the outlived ones go, one batch   crash: the job runs again, they are there
 *  2. the entry in the domain's log, of a domain      crash: the same receipt
 *  3. the entry in the tenant's log                   crash: the same receipts
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Duration, formatDuration } from "../../core/retention/duration.ts";
import { RESOURCES, type ResourceName } from "../../core/retention/resources.ts";
import type { ControlStore, TenantRecord } from "../ports.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import { demandAllowed } from "./bounds.ts";
import { effectivePolicy, outlived, scheduledCount } from "./policy.ts";
import type { PolicyRow, RetentionStore } from "./ports.ts";

export interface PolicyChange {
  resource: ResourceName;
  /** Null: as if nobody had decided. */
  duration: Duration | null;
}

export interface RetentionWish {
  /** Null: of the tenant. */
  domainId: string | null;
  changes: readonly PolicyChange[];
  /** Unix milliseconds; null: now. */
  effectiveFromMs: number | null;
  /** The version that is to be changed. */
  of: number;
  by: AskedBy;
}

export interface RetentionJob {
  kind: "retention";
  tenantId: string;
  tenantDomainId: string;
  domainId: string | null;
  rows: PolicyRow[];
  gone: number[];
  event: ProductEvent;
  once: string;
}

/** What a tenant's policies are, as its object sees them. */
export interface RetentionView {
  tenant: TenantRecord;
  rows: PolicyRow[];
  nowMs: number;
}

export interface RetentionChangeDeps {
  store: RetentionStore;
  control: Pick<ControlStore, "domain">;
  tenant(): Promise<TenantRecord>;
  clock(): number;
  /** So that nothing older comes after what is written now. */
  finishOlder(): Promise<void>;
  run(job: RetentionJob): Promise<unknown>;
}

export const versionOf = (rows: readonly PolicyRow[]): number => Math.max(0, ...rows.map(({ version }) => version));

/**
 * One after the other (the caller's turn). Throws `precondition.failed`, `limit.reached`, `request.invalid`,
 * `resource.not_found`, `auth.forbidden` for a reserved domain.
 */
export async function changeRetention(wish: RetentionWish, deps: RetentionChangeDeps): Promise<RetentionView> {
  await deps.finishOlder();
  const tenant = await deps.tenant();
  const { domainId, changes, by } = wish;
  if (domainId !== null) await demandOwn(domainId, tenant.id, deps.control);
  const rows = await deps.store.policies(tenant.id);
  if (versionOf(rows) !== wish.of) throw new AppError("precondition.failed");
  const nowMs = deps.clock();
  const fromMs = wish.effectiveFromMs ?? nowMs;
  demandTime(fromMs, wish.effectiveFromMs === null ? fromMs : nowMs);
  const [setAt, effectiveFrom] = [new Date(nowMs).toISOString(), new Date(fromMs).toISOString()];
  const before = changes.map(({ resource }) => effectivePolicy(tenant, rows, domainId, resource, fromMs));
  const added = changes.map(({ resource, duration }, i): PolicyRow => {
    const pointer = domainId === null ? "/duration" : `/policies/${resource}`;
    demandScope(resource, domainId, pointer);
    if (duration !== null) demandAllowed(tenant, resource, duration, pointer);
    if (fromMs > nowMs && scheduledCount(rows, domainId, resource, nowMs) >= LIMITS.retentionScheduled) {
      throw new AppError("limit.reached", {
        detail: `at most ${LIMITS.retentionScheduled} policies of one resource wait`,
      });
    }
    const version = wish.of + 1 + i;
    const spelled = duration === null ? null : formatDuration(duration);
    return { tenantId: tenant.id, version, domainId, resource, duration: spelled, effectiveFrom, setAt };
  });
  if (added.length === 0) return { tenant, rows, nowMs };
  const after = [...rows, ...added];
  const gone = outlived(after, nowMs);
  const told = changes.map(({ resource }, i) => ({
    resource,
    from: formatDuration(before[i]?.duration ?? "forever"),
    to: formatDuration(effectivePolicy(tenant, after, domainId, resource, fromMs).duration),
  }));
  const action = domainId === null ? "tenant.retention_changed" : "domain.retention_changed";
  const target = domainId === null ? { type: "tenant", id: tenant.id } : { type: "domain", id: domainId };
  const event = clear(action, by, target, { changes: told, effective_from: effectiveFrom, version: versionOf(after) });
  const { id: tenantId, tenantDomainId } = tenant;
  const once = `${action}:${versionOf(after)}`;
  await deps.run({ kind: "retention", tenantId, tenantDomainId, domainId, rows: added, gone, event, once });
  return { tenant, rows: after.filter(({ version }) => !gone.includes(version)), nowMs };
}

async function demandOwn(domainId: string, tenantId: string, control: Pick<ControlStore, "domain">): Promise<void> {
  const domain = await control.domain(domainId);
  if (domain?.tenantId !== tenantId) throw new AppError("resource.not_found");
  if (domain.kind !== "client") {
    throw new AppError("auth.forbidden", { detail: "this domain is reserved: it is kept as the tenant's policy says" });
  }
}

function demandScope(resource: ResourceName, domainId: string | null, pointer: string): void {
  if (domainId === null || RESOURCES[resource].scope === "domain") return;
  throw new AppError("request.invalid", { errors: [{ pointer, detail: `${resource} belong to the tenant` }] });
}

function demandTime(fromMs: number, nowMs: number): void {
  if (fromMs >= nowMs && fromMs <= nowMs + LIMITS.retentionAheadMs) return;
  const detail = "must not be past, and at most a year ahead";
  throw new AppError("request.invalid", { errors: [{ pointer: "/effective_from", detail }] });
}

interface JobDeps {
  retention: Pick<RetentionStore, "add">;
  record: (domainId: string, event: ProductEvent, once: string) => Promise<void>;
}

export async function runRetentionJob(job: RetentionJob, { retention, record }: JobDeps): Promise<"done"> {
  await retention.add(job.tenantId, job.rows, job.gone);
  if (job.domainId !== null) await record(job.domainId, job.event, job.once);
  await record(job.tenantDomainId, job.event, job.once);
  return "done";
}
