/** What a retention run did: its record, and the entry that tells of it. Counts, times and codes only. */
import type { ProductEvent } from "../../core/actions/product.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import type { ResourceName } from "../../core/retention/resources.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { DomainRun } from "./calls.ts";

/** One resource of a run. */
export interface ResourceRun {
  resource: ResourceName;
  /** The policy that it went by, as `formatDuration` spells it. */
  duration: string;
  /** What began before it may go; Unix milliseconds. Null: nothing, it is kept for ever. */
  beforeMs: number | null;
  /** Rows that were there to go when the run began, rows that are gone, and rows that a legal hold keeps. */
  planned: number;
  done: number;
  held: number;
  state: "waiting" | "done" | "failed";
  /** Of the last try that failed: a problem's code. */
  fault: string | null;
  tries: number;
  /** A batch is under way in a store that is not the object's own. */
  inFlight: boolean;
  /** The answer to one was lost, so `done` is what was planned when nothing is left. */
  ambiguous: boolean;
}

export interface RetentionRun {
  /** 1, 2, …; one tenant's. */
  number: number;
  cause: "clock" | "asked";
  /** Null: the clock. */
  by: AskedBy | null;
  startedAtMs: number;
  endedAtMs: number | null;
  /** How much later than it was due it began. */
  lateMs: number;
  /** `failed`: something that was to go is still there. `refused`: nothing was touched. */
  status: "running" | "done" | "failed" | "refused";
  /** Of a refusal: `clock_ahead`, `clock_behind`. */
  fault: string | null;
  /** Of a refusal: how often in a row. */
  times: number;
  batches: number;
  resources: ResourceRun[];
  /** Of a domain's keeper, with the first entry that was to leave the hot store and the one behind the last. Absent: the tenant's own. */
  domainId?: string;
  fromSeq?: number;
  toSeq?: number;
}

/** A keeper's run as a record: rows that left the hot store, and entries whose payloads are gone. */
export function recordOf(run: DomainRun): Omit<RetentionRun, "number"> {
  const { domainId, startedAtMs, endedAtMs, lateMs, fromSeq, toSeq, status, fault } = run;
  const state = status === "failed" ? "failed" : "done";
  const rest = { beforeMs: null, state, fault, tries: 0, inFlight: false, ambiguous: false } as const;
  const [hot, gone] = [Math.max(run.planned, run.done), run.expired];
  return {
    ...{ cause: "clock", by: null, startedAtMs, endedAtMs, lateMs, status, fault: null, times: 1, batches: run.steps },
    ...{ domainId, fromSeq, toSeq },
    resources: [
      { resource: "hot_entries", duration: run.hot, planned: hot, done: run.done, held: run.held, ...rest },
      { resource: "audit_entries", duration: run.whole, planned: gone, done: gone, held: 0, ...rest },
    ],
  };
}

export const countsOf = ({ resources }: RetentionRun) => ({
  planned: total(resources, ({ planned }) => planned),
  done: total(resources, ({ done }) => done),
  held: total(resources, ({ held }) => held),
  failed: total(resources, ({ state, planned, done }) => (state === "failed" ? planned - done : 0)),
});

const total = (runs: readonly ResourceRun[], of: (run: ResourceRun) => number) =>
  runs.reduce((sum, run) => sum + of(run), 0);

/** Of a run that is over. */
export function runEvent(run: RetentionRun, tenantId: string): ProductEvent {
  const by: AskedBy = run.by ?? { type: "system", id: SYSTEM_ACTOR_ID };
  const target = { type: "tenant", id: tenantId };
  if (run.status === "refused") {
    return clear("tenant.retention_refused", by, target, { run: run.number, fault: run.fault ?? "unknown" });
  }
  return clear("tenant.retention_applied", by, target, {
    run: run.number,
    status: run.status,
    ...countsOf(run),
    batches: run.batches,
    duration_ms: (run.endedAtMs ?? run.startedAtMs) - run.startedAtMs,
    late_ms: run.lateMs,
    resources: run.resources.map(({ resource, duration, planned, done, held }) => ({
      resource,
      duration,
      planned,
      done,
      held,
    })),
  });
}
