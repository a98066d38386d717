/** Retention as the API tells it. */
import { toHex, utf8 } from "../core/bytes.ts";
import { formatDuration } from "../core/retention/duration.ts";
import { defaultOf, RESOURCE_NAMES, RESOURCES, type ResourceName } from "../core/retention/resources.ts";
import { sha256 } from "../crypto/sha256.ts";
import { longestOf } from "../services/retention/bounds.ts";
import { type RetentionView, versionOf } from "../services/retention/change.ts";
import type { Confirmation } from "../services/retention/confirm.ts";
import { effectivePolicy } from "../services/retention/policy.ts";
import { countsOf, type ResourceRun, type RetentionRun } from "../services/retention/record.ts";

/** Of what was decided: it does not change when something that was decided begins to hold. */
export function retentionEtag({ tenant, rows }: RetentionView): string {
  const around = JSON.stringify([tenant.tier, tenant.settings.retention_days ?? null]);
  return `"${versionOf(rows)}.${toHex(sha256(utf8(around)).subarray(0, 8))}"`;
}

export const retentionJson = (view: RetentionView) => ({
  tenant_id: view.tenant.id,
  tier: view.tenant.tier,
  policies: RESOURCE_NAMES.map((name) => policyJson(view, null, name)),
});

export const domainRetentionJson = (view: RetentionView, domainId: string, confirmation: Confirmation | null) => ({
  domain_id: domainId,
  policies: RESOURCE_NAMES.filter((name) => RESOURCES[name].scope === "domain").map((name) =>
    policyJson(view, domainId, name),
  ),
  confirmed: confirmation && confirmationJson(confirmation),
});

export const confirmationJson = ({
  duration,
  keptFor = duration,
  toSeq,
  dryRunAtMs,
  confirmedAtMs,
  by,
}: Confirmation) => ({
  duration,
  kept_for: keptFor,
  to_seq: toSeq,
  dry_run_at: iso(dryRunAtMs),
  confirmed_at: iso(confirmedAtMs),
  confirmed_by: by.id,
});

function policyJson({ tenant, rows, nowMs }: RetentionView, domainId: string | null, resource: ResourceName) {
  const { about, from, personal, basis, least, enforcer, fixed = false } = RESOURCES[resource];
  const { duration, source, effectiveFrom, scheduled } = effectivePolicy(tenant, rows, domainId, resource, nowMs);
  return {
    resource,
    about,
    counted_from: from,
    duration: formatDuration(duration),
    source,
    effective_from: effectiveFrom,
    scheduled: scheduled.map((each) => ({
      duration: each.duration === null ? null : formatDuration(each.duration),
      effective_from: each.effectiveFrom,
      source: each.source,
    })),
    default: formatDuration(defaultOf(resource, tenant.tier)),
    least,
    longest: formatDuration(longestOf(tenant, resource)),
    changeable: !fixed,
    enforced_by: enforcer,
    personal_data: personal,
    legal_basis: basis,
  };
}

export const runJson = (run: RetentionRun) => ({
  number: run.number,
  domain_id: run.domainId ?? null,
  first_seq: run.domainId === undefined ? null : (run.fromSeq ?? null),
  to_seq: run.domainId === undefined ? null : (run.toSeq ?? null),
  cause: run.cause,
  by: run.by?.id ?? null,
  status: run.status,
  fault: run.fault as "clock_ahead" | "clock_behind" | null,
  started_at: iso(run.startedAtMs),
  ended_at: run.endedAtMs === null ? null : iso(run.endedAtMs),
  late_seconds: Math.floor(run.lateMs / 1000),
  batches: run.batches,
  ...countsOf(run),
  resources: run.resources.map((one) => ({ ...plannedJson(one), done: one.done, state: one.state, fault: one.fault })),
});

export const plannedJson = ({ resource, duration, beforeMs, planned, held }: ResourceRun) => ({
  resource,
  duration,
  before: beforeMs === null ? null : iso(beforeMs),
  planned,
  held,
});

export const iso = (ms: number): string => new Date(ms).toISOString();
