/**
 * Whether what a run of a domain was begun with still holds: a run may take days, and holds and policies change meanwhile. Asked
 * before each step that takes something away; what was decided in the log's own entries is not decided anew.
 */
import { durationOf, expiredBefore, nominalDays } from "../../core/retention/duration.ts";
import type { DomainPolicy } from "./calls.ts";
import { mayPrune } from "./confirm.ts";
import type { LogRetentionCalls } from "./log-calls.ts";

/** What began before it has left the hot store, and every store; null: nothing has to. Unix milliseconds. */
export interface GoneBefore {
  hotBeforeMs: number | null;
  wholeBeforeMs: number | null;
}

export interface GoingRun extends GoneBefore {
  stage: string;
  startedAtMs: number;
  held: number;
}

export interface GoingDeps {
  log: Pick<LogRetentionCalls, "keeping">;
  policy(tenantId: string): Promise<DomainPolicy>;
}

/** By the policy, at a time; only what somebody has confirmed. */
export function goneBefore(policy: DomainPolicy, atMs: number): GoneBefore {
  const [hot, whole] = [durationOf(policy.hot), durationOf(policy.whole)];
  const may = mayPrune(policy.confirmation, hot) && !policy.allHeld;
  const longEnough = nominalDays(whole) >= nominalDays(durationOf(policy.confirmation?.keptFor ?? policy.whole));
  return {
    hotBeforeMs: may ? expiredBefore(atMs, hot) : null,
    wholeBeforeMs: may && longEnough ? expiredBefore(atMs, whole) : null,
  };
}

/** Stages that only read. */
const LOOKING = new Set(["walk", "look"]);

/**
 * False: the log was stopped, a hold over all entries was placed, or they are to be kept longer than when the run began; the next
 * run finds out what may go. Throws `storage.unavailable` while it is not known. Cost: one call of the log, one of the tenant.
 */
export async function stillGoes(run: GoingRun, { log, policy }: GoingDeps): Promise<boolean> {
  if (LOOKING.has(run.stage)) return true;
  const { tenantId, stopped } = await log.keeping();
  if (stopped) return false;
  const now = await policy(tenantId);
  if (now.allHeld) {
    if (run.hotBeforeMs !== null) run.held = Math.max(run.held, 1);
    return false;
  }
  const { hotBeforeMs, wholeBeforeMs } = goneBefore(now, run.startedAtMs);
  if (run.stage === "prune") return isNoLater(run.hotBeforeMs, hotBeforeMs);
  if (run.stage === "expire") return isNoLater(run.wholeBeforeMs, wholeBeforeMs);
  return true;
}

const isNoLater = (begun: number | null, now: number | null): boolean => begun !== null && now !== null && begun <= now;
