/**
 * Retention of one domain's entries, by its keeper's alarm: bounded steps of prune.ts and expire.ts. What a step decided stands in
 * the domain's log, what it has still to do shows in the stores, so a run that is lost with its object leaves nothing behind but the
 * count of it: the next one goes on.
 */
import { isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { durationOf, formatDuration } from "../../core/retention/duration.ts";
import type { Alert, AlertOf } from "../alerts/alert.ts";
import { Divergence } from "../log/divergence.ts";
import type { LedgerStore } from "../ports.ts";
import type { DomainPolicy, DomainRun } from "./calls.ts";
import { type ExpireDeps, expiredThrough, expireStep } from "./expire.ts";
import { type GoneBefore, goneBefore, stillGoes } from "./going.ts";
import type { LogRetentionCalls } from "./log-calls.ts";
import { type ArchiveWalk, planPrune, pruneStep, type SweepDeps, walkArchive } from "./prune.ts";

/** A run that is under way; in the keeper's own storage. */
export interface LogRun extends DomainRun, GoneBefore {
  /** What is next: reading the archive back, moving `firstHot`, rows, looking for whole segments, `firstKept`, objects. */
  stage: "walk" | "prune" | "sweep" | "look" | "expire" | "clear" | "end";
  walk: ArchiveWalk;
  /** Payloads before it may go. */
  expireTo: number;
  /** The next segment to look at. */
  clearFrom: number;
}

/** Synchronous. */
export interface LogRunBook {
  open(): LogRun | null;
  save(run: LogRun | null): void;
  dueMs(): number | null;
  setDue(atMs: number): void;
}

export interface LogRunDeps
  extends Omit<SweepDeps, "log" | "ranges">,
    Omit<ExpireDeps, "log" | "shards" | "segments" | "sha256"> {
  book: LogRunBook;
  log: LogRetentionCalls & { head(): Promise<Pick<{ shards: SweepDeps["ranges"] }, "shards">> };
  /** What the tenant says; null: nobody keeps policies for this domain. */
  policy(tenantId: string): Promise<DomainPolicy>;
  /** Idempotent. */
  ran(tenantId: string, run: DomainRun): Promise<void>;
  raise(alert: Alert): Promise<void>;
  resolve(of: AlertOf): Promise<void>;
  intervalMs: number;
}

/** The self-check of the domain, and the tenant's desk, raise and resolve their own: what is well for one is not for all. */
const ALERT_OF = { job: "keeper.retain" } as const;

/** One turn. Resolves to when the next one is due (Unix milliseconds); null: never. Throws the stores' errors: it comes again. */
export async function logRetentionTurn(deps: LogRunDeps): Promise<number | null> {
  const { book, clock } = deps;
  let run = book.open();
  if (!run) {
    const dueMs = book.dueMs();
    if (dueMs === null || dueMs > clock()) return dueMs;
    const begins = await begun(clock() - dueMs, deps);
    if (typeof begins === "number") return begins;
    run = begins;
  }
  const untilMs = clock() + LIMITS.pruneTurnMs;
  for (let steps = 0; run.stage !== "end" && steps < LIMITS.pruneTurnSteps && clock() <= untilMs; steps++) {
    try {
      if (await stillGoes(run, deps)) await step(run, deps);
      else run.stage = "end";
    } catch (error) {
      if (!refused(error, run)) throw error;
    }
    book.save(run);
  }
  return run.stage === "end" ? ended(run, deps) : clock();
}

/** A number: nothing is to be done before (Unix milliseconds, by the object's clock). */
async function begun(lateMs: number, deps: LogRunDeps): Promise<LogRun | number> {
  const { log, book, clock, domainId, intervalMs } = deps;
  const keeping = await log.keeping();
  const nowMs = clock();
  const later = () => {
    book.setDue(nowMs + intervalMs);
    return nowMs + intervalMs;
  };
  if (keeping.kind === "platform") return later();
  const policy = await deps.policy(keeping.tenantId);
  const aheadMs = nowMs - policy.referenceMs;
  if (!(Math.abs(aheadMs) <= LIMITS.clockJumpMs)) {
    const fault = aheadMs > 0 ? "clock_ahead" : "clock_behind";
    await deps.raise({ ...ALERT_OF, kind: "clock.jumped", domainId, codes: [fault], atMs: nowMs });
    // When it is due stays as a clock that was right had it.
    return nowMs + LIMITS.retentionRefusedMs;
  }
  await deps.resolve({ ...ALERT_OF, kind: "clock.jumped", domainId });
  if (keeping.stopped) return later();
  const [hot, whole] = [durationOf(policy.hot), durationOf(policy.whole)];
  const { hotBeforeMs, wholeBeforeMs } = goneBefore(policy, nowMs);
  const ledger = deps.ledger((await log.head()).shards);
  const plan = await planPrune({
    keeping,
    heldFrom: await log.heldFrom(keeping.firstHot),
    beforeMs: hotBeforeMs,
    ledger,
  });
  const toSeq = (await saysSomething(plan.fromSeq, plan.toSeq, ledger)) ? plan.toSeq : plan.fromSeq;
  const run: LogRun = {
    domainId,
    startedAtMs: nowMs,
    endedAtMs: null,
    lateMs,
    hot: formatDuration(hot),
    whole: formatDuration(whole),
    fromSeq: plan.fromSeq,
    toSeq,
    firstKept: keeping.firstKept,
    planned: toSeq - plan.fromSeq,
    done: 0,
    expired: 0,
    held: plan.endsBecause === "hold" ? 1 : 0,
    steps: 0,
    status: "running",
    fault: null,
    stage: toSeq > plan.fromSeq ? "walk" : "sweep",
    hotBeforeMs,
    wholeBeforeMs,
    walk: { seq: plan.fromSeq, prevHash: keeping.hotPrevHash },
    expireTo: keeping.firstKept,
    clearFrom: 0,
  };
  book.save(run);
  return run;
}

const OWN = /^ledger\.(?:pruned|expired)$/;
/** A log in which nothing happens would go on for ever with entries about the one before. */
async function saysSomething(fromSeq: number, toSeq: number, ledger: Pick<LedgerStore, "rows">): Promise<boolean> {
  if (toSeq - fromSeq > 2) return true;
  const rows = await ledger.rows({ fromSeq, toSeq: toSeq - 1, limit: 2 });
  return rows.some(({ payload }) => !OWN.test((JSON.parse(payload) as { action: string }).action));
}

/** Changes `run` as it goes; a crash after it repeats the step. */
async function step(run: LogRun, deps: LogRunDeps): Promise<void> {
  const { log } = deps;
  run.steps++;
  if (run.stage === "walk") {
    run.walk = await walkArchive(run.walk, run.toSeq, deps);
    if (run.walk.seq >= run.toSeq) run.stage = "prune";
  } else if (run.stage === "prune") {
    const { toSeq, hot: duration, hotBeforeMs, walk } = run;
    if ((await log.keeping()).firstHot < toSeq) {
      await log.prune({ toSeq, duration, beforeMs: hotBeforeMs as number, prevHash: walk.prevHash });
    }
    run.stage = "sweep";
  } else if (run.stage === "sweep") {
    const { shards: ranges } = await log.head();
    const swept = await pruneStep({ ...deps, ranges });
    run.done += swept.rows;
    if (swept.held !== null) run.held = Math.max(run.held, 1);
    if (swept.done) run.stage = run.wholeBeforeMs === null ? "clear" : "look";
  } else if (run.stage === "look") {
    const through = await expiredThrough(run.expireTo, run.wholeBeforeMs as number, deps);
    if (through === null) run.stage = run.expireTo > run.firstKept ? "expire" : "clear";
    else run.expireTo = through;
  } else if (run.stage === "expire") {
    const { expireTo: toSeq, whole: duration, wholeBeforeMs } = run;
    if ((await log.keeping()).firstKept < toSeq) {
      await log.expire({ toSeq, duration, beforeMs: wholeBeforeMs as number });
    }
    run.stage = "clear";
  } else if (run.stage === "clear") {
    const { shards: ranges } = await log.head();
    const shards = [...new Set(ranges.map(({ shard }) => shard))].map(deps.shard);
    const cleared = await expireStep(run.clearFrom, { ...deps, shards });
    run.expired += cleared.rows;
    run.clearFrom = cleared.after;
    if (cleared.held !== null) run.held = Math.max(run.held, 1);
    if (cleared.done) run.stage = "end";
  }
}

/** What trying again does not mend: the run ends, and the next one begins anew. False: it may mend itself. */
function refused(error: unknown, run: LogRun): boolean {
  if (error instanceof Divergence) {
    run.status = "failed";
    run.fault = run.stage === "sweep" ? "archive.differs" : "archive.damaged";
  } else if (isAppError(error) && error.code === "precondition.failed") {
    // A hold was placed, or somebody else was faster: what may go now the next run finds out.
    run.held = Math.max(run.held, 1);
  } else return false;
  run.stage = "end";
  return true;
}

async function ended(run: LogRun, deps: LogRunDeps): Promise<number> {
  const { book, clock, domainId } = deps;
  const nowMs = clock();
  if (run.status === "running") run.status = "done";
  run.endedAtMs ??= nowMs;
  book.save(run);
  const { tenantId } = await deps.log.keeping();
  const {
    stage: _,
    hotBeforeMs: __,
    wholeBeforeMs: ___,
    walk: ____,
    expireTo: _____,
    clearFrom: ______,
    ...record
  } = run;
  if (run.planned + run.done + run.expired + run.held > 0 || run.fault !== null) await deps.ran(tenantId, record);
  const of = { ...ALERT_OF, kind: "retention.failed", domainId } as const;
  if (run.fault !== null) await deps.raise({ ...of, codes: [run.fault], atMs: nowMs });
  else await deps.resolve(of);
  const dueMs = nowMs + deps.intervalMs;
  book.setDue(dueMs);
  book.save(null);
  return dueMs;
}
