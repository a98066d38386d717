/**
 * Bringing back a tenant that nobody can get into: the operator names an address, and after a time in which the tenant can stop
 * it, whoever reads mail there is invited as owner. It hands the operator no key. Pure.
 *
 *   waiting ─ its time is over → done (invited)      or failed, when the address cannot be invited
 *      ├─ stop → stopped, by the tenant
 *      └─ withdraw → withdrawn, by the operator
 */
import type { ProductEvent } from "../../../core/actions/product.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { AskedBy, EntryJob } from "../../tenancy/jobs.ts";

export const RECOVERY_STATES = ["waiting", "done", "failed", "stopped", "withdrawn"] as const;
export type RecoveryState = (typeof RECOVERY_STATES)[number];

export interface Recovery {
  id: string;
  state: RecoveryState;
  by: AskedBy;
  askedAtMs: number;
  /** From here on the address is invited. Unix milliseconds. */
  worksAtMs: number;
  closedAtMs: number | null;
  closedBy: AskedBy | null;
  invitationId: string | null;
}

export function newRecovery(id: string, by: AskedBy, nowMs: number): Recovery {
  const worksAtMs = nowMs + LIMITS.recoveryWaitMs;
  return {
    id,
    state: "waiting",
    by,
    askedAtMs: nowMs,
    worksAtMs,
    closedAtMs: null,
    closedBy: null,
    invitationId: null,
  };
}

export const isDue = ({ state, worksAtMs }: Recovery, nowMs: number): boolean =>
  state === "waiting" && nowMs >= worksAtMs;

/** Null: it is over already. */
export function closed(
  recovery: Recovery,
  state: Exclude<RecoveryState, "waiting">,
  by: AskedBy,
  nowMs: number,
  invitationId: string | null = null,
): Recovery | null {
  return recovery.state === "waiting" ? { ...recovery, state, closedAtMs: nowMs, closedBy: by, invitationId } : null;
}

/** The entry of the tenant's own log about what it is now, once. The reason joins that of the request when it is written. */
export function recoveryEntry(tenantDomainId: string, recovery: Recovery): EntryJob {
  const { id, state, by, worksAtMs, closedAtMs, closedBy, askedAtMs, invitationId } = recovery;
  const isNew = state === "waiting";
  const action = `tenant.recovery_${isNew ? "requested" : state}` as const;
  const metadata = isNew ? { works_at: new Date(worksAtMs).toISOString() } : {};
  const event: ProductEvent = {
    action,
    occurred_at: new Date(closedAtMs ?? askedAtMs).toISOString(),
    actor: closedBy ?? by,
    targets: [{ type: "recovery", id }, ...(invitationId === null ? [] : [{ type: "invitation", id: invitationId }])],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
  const job: EntryJob = { kind: "entry", domainId: tenantDomainId, event, once: `${action}:${id}` };
  return isNew ? { ...job, reasonOf: id } : job;
}
