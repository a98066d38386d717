/** What a probe finds: one request to the public status, judged by the probe's own clock. */
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { LIMITS } from "../core/limits.ts";
import type { ProbeCode } from "../services/monitoring/probe.ts";

export type ProbeFetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface Finding {
  jurisdiction: Jurisdiction;
  /** Null: all was as it should be. */
  code: ProbeCode | null;
  ms: number;
}

interface Told {
  jurisdiction?: string;
  reachable?: boolean;
  at?: string;
  jobs?: { state?: string; due_by?: string }[];
}

const TIMEOUT_MS = 15_000;

/** One finding a cell. Never throws. */
export async function look(
  url: string,
  { fetch, clock }: { fetch: ProbeFetch; clock: () => number },
): Promise<Finding[]> {
  const startedMs = clock();
  const answer = await ask(new URL("/v1/status", url), fetch);
  const ms = Math.max(0, Math.round(clock() - startedMs));
  return JURISDICTIONS.map((jurisdiction) => {
    if (typeof answer === "string") return { jurisdiction, code: answer, ms };
    return {
      jurisdiction,
      code: judge(
        answer.find((cell) => cell.jurisdiction === jurisdiction),
        clock(),
      ),
      ms,
    };
  });
}

async function ask(url: URL, fetch: ProbeFetch): Promise<Told[] | ProbeCode> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "manual" });
    if (answer.status !== 200) return "not_200";
    const text = await answer.text();
    try {
      const { cells } = JSON.parse(text) as { cells?: Told[] };
      return Array.isArray(cells) ? cells : "malformed";
    } catch {
      return "malformed";
    }
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    if (name === "TimeoutError") return "timeout";
    return /CERT|TLS|SSL|SIGNATURE/.test(cause?.code ?? "") ? "tls" : "unreachable";
  }
}

function judge(cell: Told | undefined, nowMs: number): ProbeCode | null {
  if (!cell) return "malformed";
  if (cell.reachable === false) return "cell_away";
  const { at, jobs } = cell;
  const atMs = Date.parse(at ?? "");
  if (!Number.isFinite(atMs) || !Array.isArray(jobs) || jobs.length === 0) return "malformed";
  if (Math.abs(nowMs - atMs) > LIMITS.probeSkewMs) return "clock_off";
  // By the probe's own clock: a cell whose watch is dead still says until when each job had to succeed.
  const late = jobs.some(({ state, due_by }) => state === "late" || !(Date.parse(due_by ?? "") >= nowMs));
  return late ? "jobs_late" : null;
}
