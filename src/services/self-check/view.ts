/** A domain's health as `GET /v1/domains/{domainId}/health` shows it. */
import type { HeadResult } from "../log/calls.ts";
import { CHECK_NAMES, CHECKS, type CheckName, type Finding } from "./checks.ts";
import { type CheckRecord, type CheckState, NOTHING_WALKED, newRecord, WALKED, type Walked } from "./record.ts";
import { endOf, type Reach } from "./walk.ts";

export interface CheckView {
  name: CheckName;
  says: string;
  state: CheckState;
  since: string;
  lastRunAt: string | null;
  /** Since when nobody has looked; null: somebody has. */
  note: string | null;
  findings: Omit<Finding, "check" | "place">[];
  /** Of what is read entry by entry; null for the others. */
  verifiedTo: number | null;
  sampleSize: number | null;
  lag: number | null;
}

export interface DomainHealth {
  /** `unknown`: no run is over yet, or none was for two intervals. */
  state: CheckState;
  stoppedReason: string | null;
  checks: CheckView[];
  lastRun: { startedAt: string; endedAt: string; read: Record<Walked, { entries: number; tookMs: number }> } | null;
  nextRunAt: string | null;
  /** Entries that the platform's log has not taken: those that wait, those for which there was no room, and why (a code). */
  unrecorded: { waiting: number; dropped: number; code: string | null };
}

/** `record` null: the keeper has not looked yet. */
export function healthView(
  record: CheckRecord | null,
  head: HeadResult,
  { nowMs, intervalMs, nextMs }: { nowMs: number; intervalMs: number; nextMs: number | null },
): DomainHealth {
  const { checks, verified, last, waiting, dropped, refusal } = record ?? newRecord(nowMs, nowMs);
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const reach: Reach = { head, mirrored: head.mirroredSize };
  const isWalked = (name: CheckName): name is Walked => WALKED.some((each) => each === name);
  const sampled = last?.sampled ?? NOTHING_WALKED();
  const isLong = (ms: number) => nowMs - ms > 2 * intervalMs;
  const isStale = !last || isLong(last.endedMs);
  const isSkipped = (checkedMs: number) => isLong(checkedMs) && (isStale || checkedMs < last.startedMs);
  /** `ok` is said of what was looked at: what the runs have left out for long is not known any more. */
  const seen = (name: CheckName) => {
    const { state, sinceMs, checkedMs } = checks[name];
    const isKnown = state === "bad" || (state === "ok" && checkedMs !== null && !isSkipped(checkedMs));
    if (isKnown) return { state, sinceMs, note: null };
    const note = checkedMs === null ? "never looked at" : `not looked at since ${iso(checkedMs)}`;
    return { state: "unknown" as const, sinceMs: state === "ok" ? (checkedMs ?? sinceMs) : sinceMs, note };
  };
  const isBad = CHECK_NAMES.some((name) => checks[name].state === "bad");
  // What witnesses remember is unknown where there is none; everything else has to be known.
  const isUnknown = CHECK_NAMES.some((name) => name !== "witness" && seen(name).state === "unknown");
  return {
    state: isBad ? "bad" : isStale || isUnknown ? "unknown" : "ok",
    stoppedReason: head.stoppedReason,
    checks: CHECK_NAMES.map((name) => {
      const { checkedMs, findings } = checks[name];
      const { state, sinceMs, note } = seen(name);
      const walked = isWalked(name) ? name : null;
      return {
        name,
        says: CHECKS[name],
        state,
        since: new Date(sinceMs).toISOString(),
        lastRunAt: iso(checkedMs),
        note,
        findings: findings.map(({ store, fault, seq }) => ({ store, fault, seq })),
        verifiedTo: walked && verified[walked],
        sampleSize: walked && sampled[walked],
        lag: walked && Math.max(0, lagEnd(walked, head, reach) - verified[walked]),
      };
    }),
    lastRun: last && {
      startedAt: new Date(last.startedMs).toISOString(),
      endedAt: new Date(last.endedMs).toISOString(),
      read: Object.fromEntries(WALKED.map((of) => [of, { entries: last.read[of], tookMs: last.tookMs[of] }])) as Record<
        Walked,
        { entries: number; tookMs: number }
      >,
    },
    nextRunAt: iso(nextMs),
    unrecorded: { waiting: waiting.length, dropped, code: refusal?.code ?? null },
  };
}

/** Of the mirror and the archive that is what they hold; of the ledger, all that was appended. */
const lagEnd = (walked: Walked, head: HeadResult, reach: Reach): number =>
  walked === "ledger" ? head.size : endOf(reach)[walked];
