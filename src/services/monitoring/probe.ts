/**
 * Reports of a probe: a machine elsewhere, of somebody else's, that asks the deployment as a stranger does and tells each cell what
 * it found (S2-45). A report is signed by the probe's own key (Standard Webhooks), names the cell, and counts once: it has to be
 * newer than the last one of its probe. It says what the probe saw; nothing of it is believed about the cell's inside.
 */
import type { Jurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { isSignedBy } from "../../crypto/webhook-signer.ts";

/** What a probe may have found; the first that applies. */
export const PROBE_CODES = [
  "unreachable",
  "timeout",
  "tls",
  "not_200",
  "malformed",
  "cell_away",
  "jobs_late",
  "clock_off",
] as const;
export type ProbeCode = (typeof PROBE_CODES)[number];

export interface ProbeReport {
  probe: string;
  atMs: number;
  /** Null: all was as it should be. */
  code: ProbeCode | null;
  /** How long the cell took to answer. Milliseconds. */
  ms: number;
}

export interface ProbeSeen {
  atMs: number;
  code: string | null;
  ms: number;
}

export interface ProbeDay {
  /** UTC. */
  day: string;
  reports: number;
  failed: number;
}

export interface ProbeView {
  probe: string;
  /** Null: it has never reported. */
  last: ProbeSeen | null;
  state: "ok" | "failing" | "silent";
  days: ProbeDay[];
}

export interface SignedReport {
  id: string;
  timestampS: number;
  signatures: string;
  /** The bytes as they came. */
  body: string;
}

/** The name of the probe that signed the report lately; null: nobody that this cell knows, or not lately. Costs a check a key. */
export function signerOfReport(
  report: SignedReport,
  probes: ReadonlyMap<string, Uint8Array>,
  nowMs: number,
): string | null {
  const { id, timestampS, signatures, body } = report;
  if (Math.abs(nowMs - timestampS * 1000) > LIMITS.probeSkewMs) return null;
  for (const [name, key] of probes) if (isSignedBy(key, { id, timestampS, body, signatures })) return name;
  return null;
}

/** How a probe stands. One that has never reported is silent once its window, from `sinceMs` on, is over. */
export function probeView(
  probe: string,
  last: ProbeSeen | null,
  days: ProbeDay[],
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): ProbeView {
  const silent = nowMs - (last?.atMs ?? sinceMs) > LIMITS.probeSilentMs;
  const state = silent ? "silent" : last !== null && last.code !== null ? "failing" : "ok";
  return { probe, last, state, days };
}

/** What a probe signs. One spelling: the keys in this order. */
export interface ReportBody {
  probe: string;
  jurisdiction: Jurisdiction;
  /** UTC, as `Date.toISOString` writes it. */
  at: string;
  code: ProbeCode | null;
  ms: number;
}
