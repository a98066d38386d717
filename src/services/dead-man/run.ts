/**
 * One run of a cron job, recorded and told to its check.
 *
 * Commit order, with the crash after each:
 *  1. the run is on record as begun        it never succeeds there: the job is late when its window is over
 *  2. the ping `start` is sent             the receiver misses the end likewise
 *  3. the job has run                      as 1
 *  4. the end is on record                 the receiver has no success: it alerts although the job ran, which is the safe side
 *  5. the ping of the end                  done; one that did not arrive is on record with the next run
 * A record that cannot be written changes nothing of the run, but such a run pings a failure: what would notice that the job is
 * missing is away itself.
 */
import { isAppError } from "../../core/errors.ts";
import type { Clock } from "../ports.ts";
import type { PingKind } from "./ping.ts";
import type { CronJobName } from "./table.ts";

export interface RunCalls {
  /** A run has begun. */
  jobStarted(job: CronJobName, atMs: number): Promise<void>;
  /** `code` null: it succeeded. `pingFault`: of the ping before this. */
  jobEnded(
    job: CronJobName,
    end: { startedMs: number; atMs: number; code: string | null; pingFault: string | null },
  ): Promise<void>;
}

export interface RunDeps {
  record: RunCalls;
  /** Resolves to why it did not arrive; null: it did, or nobody is to be told. Never throws. */
  ping(job: CronJobName, kind: PingKind, told: { run: string; code?: string | null }): Promise<string | null>;
  clock: Clock;
  uuid: () => string;
}

/** Null: it succeeded, and that is on record; otherwise why not, a code of the product. Never throws. */
export async function runJob(job: CronJobName, work: () => Promise<unknown>, deps: RunDeps): Promise<string | null> {
  const { record, ping, clock, uuid } = deps;
  const run = uuid();
  const startedMs = clock();
  const begun = await codeOf(() => record.jobStarted(job, startedMs));
  const started = ping(job, "start", { run });
  const failed = await codeOf(work);
  const pingFault = await started;
  const ended = await codeOf(() => record.jobEnded(job, { startedMs, atMs: clock(), code: failed, pingFault }));
  const code = failed ?? ended ?? begun;
  await ping(job, code === null ? "success" : "fail", { run, code });
  if (code !== null) console.error(JSON.stringify({ at: "cron", job, code }));
  return code;
}

/** Codes only: messages of stores may carry what was stored. */
async function codeOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return isAppError(error) ? error.code : "internal";
  }
}
