/**
 * Access of one of the operator's people to one tenant (S3-35), as a state machine. Pure: times come in, a changed grant or
 * the reason against it comes out.
 *
 *   requested ─ approve → approved ─ use → approved (used) ─ end, withdraw → ended
 *      │                     └─ its time is over → expired
 *      ├─ deny → denied        break-glass begins as approved
 *      ├─ withdraw → withdrawn
 *      └─ nobody answers in time → timed_out
 *
 * What the clock ends has ended at its instant, whenever it is written down; a state that is written down never opens again,
 * so a clock that is set back lengthens nothing.
 */
import type { AskedBy } from "../../tenancy/jobs.ts";
import { NAMED_ONLY, type ReadableByStaff } from "./readable.ts";

export const ACCESS_STATES = ["requested", "approved", "denied", "withdrawn", "timed_out", "ended", "expired"] as const;
export type AccessState = (typeof ACCESS_STATES)[number];

/** What an access reaches. `domains` null: every domain of the tenant, and its settings. */
export interface AccessReach {
  permissions: readonly ReadableByStaff[];
  domains: readonly string[] | null;
}

export type AccessChangeKind = AccessState | "break_glass" | "used";

export interface AccessChange {
  kind: AccessChangeKind;
  atMs: number;
  /** The product itself for what the clock did. */
  by: AskedBy;
}

export interface AccessGrant {
  /** `acc_…` */
  id: string;
  kind: "request" | "break_glass";
  /** Whose it is: `stf_…`. Nobody else can use it. */
  staffId: string;
  state: AccessState;
  asked: AccessReach & { durationMs: number };
  /** Null: break-glass asks nobody. Unix milliseconds. */
  answerByMs: number | null;
  /** `untilMs` is the first instant at which it opens nothing any more. */
  granted: (AccessReach & { fromMs: number; untilMs: number }) | null;
  usedAtMs: number | null;
  /** Oldest first. */
  changes: readonly AccessChange[];
}

export type AccessStep =
  | {
      kind: "approve";
      by: AskedBy;
      permissions?: readonly ReadableByStaff[];
      domains?: readonly string[];
      durationMs?: number;
    }
  | { kind: "deny" | "withdraw" | "end" | "use"; by: AskedBy };

/** `why`: a sentence for the caller. `wider`: the approval names what was not asked for. */
export type AccessAnswer =
  | { ok: true; grant: AccessGrant; change: AccessChange | null }
  | { ok: false; why: "state"; state: AccessState }
  | { ok: false; why: "wider"; field: "permissions" | "domains" | "duration" };

const SYSTEM: AskedBy = { type: "system", id: "system:moonseal" };

export function newRequest(
  wish: Pick<AccessGrant, "id" | "staffId" | "asked"> & { by: AskedBy; answerWithinMs: number },
  nowMs: number,
): AccessGrant {
  const { id, staffId, asked, by, answerWithinMs } = wish;
  const changes: AccessChange[] = [{ kind: "requested", atMs: nowMs, by }];
  const open = { state: "requested" as const, answerByMs: nowMs + answerWithinMs, granted: null, usedAtMs: null };
  return { id, kind: "request", staffId, asked, ...open, changes };
}

/** Open at once, without anybody's approval. What is private about people it never opens. */
export function newBreakGlass(
  wish: Pick<AccessGrant, "id" | "staffId" | "asked"> & { by: AskedBy },
  nowMs: number,
): AccessGrant {
  const { id, staffId, asked, by } = wish;
  const permissions = asked.permissions.filter((permission) => permission !== NAMED_ONLY);
  return {
    ...{ id, kind: "break_glass" as const, staffId, asked, answerByMs: null, usedAtMs: null },
    state: "approved",
    granted: { permissions, domains: asked.domains, fromMs: nowMs, untilMs: nowMs + asked.durationMs },
    changes: [{ kind: "break_glass", atMs: nowMs, by }],
  };
}

/** What the clock has ended; null when it has ended nothing. */
export function settled(grant: AccessGrant, nowMs: number): AccessGrant | null {
  const endMs = nextMs(grant);
  if (endMs === null || nowMs < endMs) return null;
  return changed(grant, grant.state === "requested" ? "timed_out" : "expired", endMs, SYSTEM);
}

/** When the clock ends it; null when it is over already. */
export function nextMs({ state, answerByMs, granted }: AccessGrant): number | null {
  if (state === "requested") return answerByMs;
  return state === "approved" && granted ? granted.untilMs : null;
}

/** One step of somebody. A second end, withdrawal or use changes nothing and is no failure (`change` null). */
export function stepped(before: AccessGrant, step: AccessStep, nowMs: number): AccessAnswer {
  const grant = settled(before, nowMs) ?? before;
  const { state } = grant;
  const did = (kind: AccessState, more: Partial<AccessGrant> = {}): AccessAnswer => {
    const after = { ...changed(grant, kind, nowMs, step.by), ...more };
    return { ok: true, grant: after, change: after.changes.at(-1) ?? null };
  };
  const refused: AccessAnswer = { ok: false, why: "state", state };
  const same: AccessAnswer = { ok: true, grant, change: null };
  switch (step.kind) {
    case "approve": {
      if (state !== "requested") return refused;
      const granted = narrowed(grant, step, nowMs);
      return typeof granted === "string" ? { ok: false, why: "wider", field: granted } : did("approved", { granted });
    }
    case "deny":
      return state === "requested" ? did("denied") : refused;
    case "withdraw":
      if (state === "withdrawn" || state === "ended") return same;
      return state === "requested" ? did("withdrawn") : state === "approved" ? did("ended") : refused;
    case "end":
      if (state === "ended") return same;
      return state === "approved" ? did("ended") : refused;
    case "use": {
      if (state !== "approved") return refused;
      if (grant.usedAtMs !== null) return same;
      const used: AccessChange = { kind: "used", atMs: nowMs, by: step.by };
      return { ok: true, grant: { ...grant, usedAtMs: nowMs, changes: [...grant.changes, used] }, change: used };
    }
  }
}

/** Whether it opens this now. `domainId` null: something of the tenant that stands in no domain. */
export function opens(grant: AccessGrant, permission: string, domainId: string | null, nowMs: number): boolean {
  const { state, granted } = grant;
  if (state !== "approved" || granted === null || nowMs < granted.fromMs || nowMs >= granted.untilMs) return false;
  if (!granted.permissions.some((held) => held === permission)) return false;
  return granted.domains === null || (domainId !== null && granted.domains.includes(domainId));
}

/** What is granted: at most what was asked for, or the name of the field that wants more. */
function narrowed(
  { asked }: AccessGrant,
  step: Extract<AccessStep, { kind: "approve" }>,
  nowMs: number,
): NonNullable<AccessGrant["granted"]> | "permissions" | "domains" | "duration" {
  const permissions = step.permissions ?? asked.permissions.filter((permission) => permission !== NAMED_ONLY);
  if (permissions.length === 0 || permissions.some((wanted) => !asked.permissions.includes(wanted)))
    return "permissions";
  const domains = step.domains ?? asked.domains;
  const within = asked.domains === null || domains?.every((wanted) => asked.domains?.includes(wanted));
  if (!within || domains?.length === 0) return "domains";
  const durationMs = step.durationMs ?? asked.durationMs;
  if (!(durationMs > 0) || durationMs > asked.durationMs) return "duration";
  return { permissions, domains, fromMs: nowMs, untilMs: nowMs + durationMs };
}

function changed(grant: AccessGrant, state: AccessState, atMs: number, by: AskedBy): AccessGrant {
  return { ...grant, state, changes: [...grant.changes, { kind: state, atMs, by }] };
}
