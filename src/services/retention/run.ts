/**
 * Retention of what a tenant has beside its logs: runs that are due by the clock, or asked for, in bounded batches.
 *
 * Commit order, with the crash after each step:
 *  1. the run with its bounds and its plan, in the object's SQLite   the alarm goes on from here, with the same bounds
 *  2. before each batch: what is held, asked anew                    nothing
 *  3a. rows of the object and the count of them, one transaction     neither, or both
 *  3b. rows of D1: the run says that a batch is under way; the rows; the count
 *      crash between them: the batch is asked again, and takes others; when nothing is left the count is what was planned
 *  4. the end of the run, when the next is due, and the entry's job, one transaction    the alarm tells the entry, once
 * The clock is believed only when a database agrees: a jump removes nothing.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { expiredBefore, formatDuration } from "../../core/retention/duration.ts";
import { RESOURCE_NAMES, RESOURCES, type ResourceName } from "../../core/retention/resources.ts";
import type { Alert, AlertOf } from "../alerts/alert.ts";
import { holdsAllOf } from "../holds/held.ts";
import type { Held, Retained, TenantRecord } from "../ports.ts";
import type { AskedBy, EntryJob } from "../tenancy/jobs.ts";
import { effectivePolicy } from "./policy.ts";
import type { PolicyRow } from "./ports.ts";
import { type ResourceRun, type RetentionRun, runEvent } from "./record.ts";

/** Runs in the object's own storage: synchronous. */
export interface RetentionBook {
  /** The one that is not over. */
  open(): RetentionRun | null;
  last(): RetentionRun | null;
  /** With its number. */
  begin(run: Omit<RetentionRun, "number">): RetentionRun;
  save(run: RetentionRun): void;
  dueMs(): number | null;
  setDue(atMs: number): void;
}

export interface RetentionRunDeps {
  tenantDomainId: string;
  tenantId: string;
  book: RetentionBook;
  retained: Partial<Record<ResourceName, Retained>>;
  policies(): Promise<{ tenant: TenantRecord; rows: PolicyRow[] }>;
  held(): Promise<Held>;
  heldKey(): string;
  /** What a store says the time is. Unix milliseconds. */
  referenceMs(): Promise<number>;
  clock(): number;
  /** Rows of one batch; from the end of a run to the next. */
  batch: number;
  intervalMs: number;
  commit(change: () => void, entries: () => EntryJob[]): Promise<void>;
  raise(alert: Alert): Promise<void>;
  resolve(of: AlertOf): Promise<void>;
}

/** The keeper of the tenant's own domain raises and resolves its own: what is well for one is not for both. */
const ALERT_OF = { job: "desk.retain" } as const;

/** What retention of a tenant goes over, in this order. */
export const DESK_RESOURCES = RESOURCE_NAMES.filter((name) => RESOURCES[name].enforcer === "desk");

/**
 * One bounded turn: begins what is due, or goes on. Resolves to when the next one is due, in milliseconds from now. Throws
 * `storage.unavailable` while it is not known what holds: then nothing goes.
 */
export async function retentionTurn(deps: RetentionRunDeps): Promise<number> {
  const { book } = deps;
  let run = book.open();
  if (!run) {
    const nowMs = deps.clock();
    const dueMs = book.dueMs();
    if (dueMs === null) book.setDue(nowMs + deps.intervalMs);
    if (dueMs === null || dueMs > nowMs) return (dueMs ?? nowMs + deps.intervalMs) - nowMs;
    run = await begin("clock", null, nowMs - dueMs, deps);
    if (run.status !== "running") return LIMITS.retentionRefusedMs;
  }
  return goOn(run, deps);
}

/** Begins a run now, unless one is under way: then that one. */
export async function askForRun(by: AskedBy, deps: RetentionRunDeps): Promise<RetentionRun> {
  const run = deps.book.open() ?? (await begin("asked", by, 0, deps));
  if (run.status === "running") await goOn(run, deps);
  return run;
}

async function begin(
  cause: RetentionRun["cause"],
  by: AskedBy | null,
  lateMs: number,
  deps: RetentionRunDeps,
): Promise<RetentionRun> {
  const startedAtMs = deps.clock();
  const aheadMs = startedAtMs - (await deps.referenceMs());
  if (!(Math.abs(aheadMs) <= LIMITS.clockJumpMs)) return refuse(aheadMs, { cause, by, startedAtMs }, deps);
  await deps.resolve({ ...ALERT_OF, kind: "clock.jumped", domainId: deps.tenantDomainId });
  if (cause === "clock") await tellLateness(lateMs, startedAtMs, deps);
  const resources = await planned(startedAtMs, deps);
  const plan = { cause, by, startedAtMs, endedAtMs: null, lateMs, status: "running" as const, fault: null, times: 1 };
  return deps.book.begin({ ...plan, batches: 0, resources });
}

/** What would go now. Costs one count a resource. */
export async function planned(nowMs: number, deps: Pick<RetentionRunDeps, "policies" | "held" | "retained">) {
  const [{ tenant, rows }, held] = [await deps.policies(), await deps.held()];
  const runs: ResourceRun[] = [];
  for (const resource of DESK_RESOURCES) {
    const { duration } = effectivePolicy(tenant, rows, null, resource, nowMs);
    const beforeMs = expiredBefore(nowMs, duration);
    const counted = beforeMs === null ? null : await deps.retained[resource]?.count(beforeMs, held);
    const mayGo = holdsAllOf(held, resource) ? 0 : (counted?.go ?? 0);
    const open = {
      state: mayGo > 0 ? "waiting" : "done",
      fault: null,
      tries: 0,
      inFlight: false,
      ambiguous: false,
    } as const;
    const counts = { planned: mayGo, done: 0, held: (counted?.held ?? 0) + (counted?.go ?? 0) - mayGo };
    runs.push({ resource, duration: formatDuration(duration), beforeMs, ...counts, ...open });
  }
  return runs;
}

/** Told once, however often it is tried. */
async function refuse(
  aheadMs: number,
  of: Pick<RetentionRun, "cause" | "by" | "startedAtMs">,
  { book, commit, raise, tenantId, tenantDomainId }: RetentionRunDeps,
): Promise<RetentionRun> {
  const fault = aheadMs > 0 ? "clock_ahead" : "clock_behind";
  await raise({ ...ALERT_OF, kind: "clock.jumped", domainId: tenantDomainId, codes: [fault], atMs: of.startedAtMs });
  const last = book.last();
  if (last?.status === "refused" && last.fault === fault) {
    const again = { ...last, times: last.times + 1, endedAtMs: of.startedAtMs };
    book.save(again);
    return again;
  }
  const refused = { ...of, endedAtMs: of.startedAtMs, lateMs: 0, status: "refused" as const, fault, times: 1 };
  const written: { run?: RetentionRun } = {};
  await commit(
    () => {
      written.run = book.begin({ ...refused, batches: 0, resources: [] });
    },
    () => (written.run ? [entryOf(written.run, tenantId, tenantDomainId)] : []),
  );
  return written.run ?? { ...refused, number: 0, batches: 0, resources: [] };
}

const entryOf = (run: RetentionRun, tenantId: string, domainId: string): EntryJob => ({
  kind: "entry",
  domainId,
  event: runEvent(run, tenantId),
  once: `retention:${run.number}`,
});

async function tellLateness(lateMs: number, atMs: number, deps: RetentionRunDeps): Promise<void> {
  // The same as whoever looks into the desk's schedule raises (durable-objects/cell-desk/monitoring.ts): one alert.
  const of = { ...ALERT_OF, kind: "task.late", domainId: deps.tenantId } as const;
  if (lateMs > LIMITS.retentionLateMs) await deps.raise({ ...of, codes: ["overdue"], atMs });
  else await deps.resolve(of);
}

/** Milliseconds until the next turn. Changes `run` as it goes. */
async function goOn(run: RetentionRun, deps: RetentionRunDeps): Promise<number> {
  let waitMs = 0;
  const most = Math.max(1, Math.min(LIMITS.retentionTurnBatches, Math.floor(LIMITS.retentionTurnRows / deps.batch)));
  for (let batches = 0; batches < most; batches++) {
    // One that fails does not keep the others waiting.
    const [next] = run.resources.filter(({ state }) => state === "waiting").sort((a, b) => a.tries - b.tries);
    if (!next) return end(run, deps);
    if (waitMs > 0 && next.tries > 0) return waitMs;
    waitMs = Math.max(waitMs, await batchOf(next, run, deps));
  }
  return waitMs;
}

async function batchOf(one: ResourceRun, run: RetentionRun, deps: RetentionRunDeps): Promise<number> {
  const { book, batch } = deps;
  const retained = deps.retained[one.resource];
  try {
    if (!retained || one.beforeMs === null)
      throw new AppError("internal", { internal: "retention: nothing enforces it" });
    let held = await deps.held();
    while (held.key !== deps.heldKey()) held = await deps.held();
    if (holdsAllOf(held, one.resource)) {
      // Placed since the run began.
      one.held += one.planned - one.done;
      one.state = "done";
      book.save(run);
      return 0;
    }
    if (!retained.own) {
      one.ambiguous ||= one.inFlight;
      one.inFlight = true;
      book.save(run);
    }
    // No await before rows of the object's own are gone: what was held is still what is held.
    await retained.drop(one.beforeMs, held, batch, (rows) => {
      one.inFlight = false;
      one.done += rows;
      one.tries = 0;
      if (rows > 0) run.batches++;
      if (rows < batch) one.state = "done";
      if (one.state === "done" && one.ambiguous) one.done = Math.max(one.done, one.planned);
      book.save(run);
    });
    return 0;
  } catch (error) {
    // As it is stored: what was counted in a transaction that did not come about does not count.
    Object.assign(run, book.open());
    const stored = run.resources.find(({ resource }) => resource === one.resource) ?? one;
    stored.tries++;
    stored.fault = isAppError(error) ? error.code : "internal";
    if (stored.tries >= LIMITS.retentionTries) stored.state = "failed";
    book.save(run);
    return Math.min(LIMITS.retentionRetryMs * 2 ** (stored.tries - 1), LIMITS.retentionRetryMaxMs);
  }
}

async function end(run: RetentionRun, deps: RetentionRunDeps): Promise<number> {
  const { book, tenantDomainId: domainId } = deps;
  const failed = run.resources.filter(({ state }) => state === "failed");
  run.status = failed.length > 0 ? "failed" : "done";
  run.endedAtMs = deps.clock();
  await deps.commit(
    () => {
      book.save(run);
      book.setDue((run.endedAtMs as number) + deps.intervalMs);
    },
    () => [entryOf(run, deps.tenantId, domainId)],
  );
  const of = { ...ALERT_OF, kind: "retention.failed", domainId } as const;
  if (failed.length > 0)
    await deps.raise({ ...of, codes: failed.map(({ fault }) => fault ?? "unknown"), atMs: run.endedAtMs });
  else await deps.resolve(of);
  return deps.intervalMs;
}
