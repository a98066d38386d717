/**
 * The self-check of a domain, one bounded turn at a time: by alarm, beside everything else that the domain does. It changes nothing
 * that it reads.
 *
 * Commit order, with the crash after each:
 *  1. stores are read and compared                        nothing changed: the turn is done again
 *  2. where it is, and what was found, is stored          the next turn tells of it first (tell.ts)
 *  3. what was found is told                              done; what the platform's log does not take waits (waiting.ts)
 */
import { LIMITS } from "../../core/limits.ts";
import { beginRun } from "./begin.ts";
import type { SelfCheckDeps } from "./deps.ts";
import { type CheckRecord, newRecord, setState, WALKED } from "./record.ts";
import { forgetGone, isTold, tell } from "./tell.ts";
import { appendWaiting, untilRetry } from "./waiting.ts";
import { reachOf, walkOn } from "./walk.ts";

/**
 * Resolves to when the next turn is due, Unix milliseconds. At most `LIMITS.selfCheckTurnEntries` entries, and one piece more. Throws
 * what the log throws (`tenant.deleting`, `resource.not_found`), and where the desk cannot be told. A platform's log that takes nothing
 * holds nothing up.
 */
export async function selfCheckTurn(deps: SelfCheckDeps): Promise<number> {
  const { book, clock } = deps;
  const record = book.get() ?? newRecord(clock(), clock());
  await appendWaiting(record, deps);
  if (!isTold(record)) await tellAndKeep(record, deps);
  const startedMs = clock();
  if (!record.run) {
    if (record.dueMs > startedMs) return untilRetry(record, record.dueMs, deps);
    if (!(await beginRun(record, deps))) return stopHere(record, deps);
  }
  await walk(record, deps);
  const dueMs = finish(record, deps);
  await tellAndKeep(record, deps);
  return untilRetry(record, dueMs, deps);
}

async function tellAndKeep(record: CheckRecord, deps: SelfCheckDeps): Promise<void> {
  forgetGone(record);
  deps.book.put(record);
  if (isTold(record)) return;
  await tell(record, deps);
  deps.book.put(record);
  await appendWaiting(record, deps);
}

async function walk(record: CheckRecord, deps: SelfCheckDeps): Promise<void> {
  const { run } = record;
  if (!run || run.work.length === 0) return;
  const reach = await reachOf(deps);
  const entries = () => WALKED.reduce((sum, of) => sum + run.read[of], 0);
  const until = entries() + LIMITS.selfCheckTurnEntries;
  for (let pieces = 0; run.work.length > 0 && entries() < until && pieces < LIMITS.selfCheckTurnPieces; pieces++) {
    await walkOn(record, run, reach, deps);
  }
}

/** The run is over when nothing is left to read. */
function finish(record: CheckRecord, { clock, intervalMs }: SelfCheckDeps): number {
  const nowMs = clock();
  const { run } = record;
  if (!run || run.work.length > 0) return nowMs;
  for (const name of [...WALKED, "object"] as const) {
    if (run.unfinished.includes(name)) continue;
    setState(record, name, record.checks[name].findings.length > 0 ? "bad" : "ok", nowMs);
  }
  const { startedMs, tookMs, read, sampled, unfinished } = run;
  record.last = { startedMs, endedMs: nowMs, tookMs, read, sampled };
  record.run = null;
  const retryMs = Math.min(intervalMs, LIMITS.selfCheckRetryMs);
  record.dueMs = Math.max(nowMs, unfinished.length > 0 ? nowMs + retryMs : startedMs + intervalMs);
  return record.dueMs;
}

/** The object is elsewhere: no store is asked, and nothing but that is known. */
async function stopHere(record: CheckRecord, deps: SelfCheckDeps): Promise<number> {
  record.run = null;
  record.dueMs = deps.clock() + deps.intervalMs;
  await tellAndKeep(record, deps);
  return untilRetry(record, record.dueMs, deps);
}
