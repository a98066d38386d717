/**
 * Jobs that a crash or an absent store has left, finished in rounds of the desk's alarm. A log that refuses one job is not asked for
 * the others in that round, nor before its wait is over, so a log that is away costs one call a round, and those ever more rarely
 * (job-waits.ts). A job that failed for another reason waits by itself. As soon as a log answers, whoever asked, all its jobs are due.
 *
 * What a log is asked for first changes after `TRIES_IN_FRONT` failures: a job that its log will never take holds the others up for
 * five minutes, and goes behind them then. Until then the jobs of a log keep their order.
 */
import { isAppError } from "../../src/core/errors.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { Job, LogGate } from "../../src/services/tenancy/jobs.ts";
import type { JobBook } from "./job-book.ts";
import { FIRST_WAIT_MS, type JobWaits, type Waiting } from "./job-waits.ts";
import type { RoundFaults } from "./round-faults.ts";

const TRIES_IN_FRONT = 6;

export class JobRounds {
  readonly #jobs: JobBook;
  readonly #waits: JobWaits;
  readonly #clock: Clock;
  /** Which log an error came from. */
  readonly #refusals = new WeakMap<object, Waiting>();

  constructor(jobs: JobBook, waits: JobWaits, clock: Clock) {
    this.#jobs = jobs;
    this.#waits = waits;
    this.#clock = clock;
  }

  /** One round over what is due. Never throws. */
  async run(finish: (id: number, job: Job) => Promise<unknown>, faults: RoundFaults): Promise<void> {
    const refused = new Set<Waiting>();
    for (const { id, job } of this.#inOrder()) {
      const log = logOf(job);
      if ((log && refused.has(log)) || this.#leftMs(id, job) > 0) continue;
      try {
        await finish(id, job);
      } catch (error) {
        const by = (typeof error === "object" && error && this.#refusals.get(error)) || null;
        this.#failed(id, by, log);
        if (by) refused.add(by);
        faults.note(error, job.kind);
      }
    }
  }

  /** For how long the alarm may sleep, in milliseconds; null: no job is left. Synchronous: no job is written down behind it. */
  nextInMs(): number | null {
    const waits = this.#jobs.all().map(({ id, job }) => this.#leftMs(id, job) || FIRST_WAIT_MS);
    return waits.length === 0 ? null : Math.min(...waits);
  }

  finished(id: number): void {
    this.#waits.over(`job:${id}`);
    this.#jobs.finish(id);
  }

  /** The logs, with what their answers mean for those who wait. */
  watched(gate: LogGate): LogGate {
    const watch = async <T>(domainId: string, call: () => Promise<T>): Promise<T> => {
      const log: Waiting = `log:${domainId}`;
      try {
        const answer = await call();
        this.#waits.over(log);
        return answer;
      } catch (error) {
        // A key that somebody else used is an answer: the entry stands (src/services/tenancy/jobs.ts).
        if (isAppError(error) && error.code === "idempotency.key_reused") this.#waits.over(log);
        else if (typeof error === "object" && error) this.#refusals.set(error, log);
        throw error;
      }
    };
    return {
      create: (domain) => watch(domain.id, () => gate.create(domain)),
      configure: (domainId, settings) => watch(domainId, () => gate.configure(domainId, settings)),
      record: (domainId, event, once) => watch(domainId, () => gate.record(domainId, event, once)),
      promiseErasure: (domainId, call) => watch(domainId, () => gate.promiseErasure(domainId, call)),
      erase: (domainId, call) => watch(domainId, () => gate.erase(domainId, call)),
    };
  }

  /** Refused by the log that its entry goes to, the job waits with that log; otherwise by itself. */
  #failed(id: number, by: Waiting | null, log: Waiting | null): void {
    const nowMs = this.#clock();
    if (by) this.#waits.failed(by, nowMs);
    if (by && by === log) this.#waits.counted(`job:${id}`);
    else this.#waits.failed(`job:${id}`, nowMs);
  }

  #leftMs(id: number, job: Job): number {
    const nowMs = this.#clock();
    const log = logOf(job);
    return Math.max(this.#waits.leftMs(`job:${id}`, nowMs), log ? this.#waits.leftMs(log, nowMs) : 0);
  }

  #inOrder(): { id: number; job: Job }[] {
    const turnOf = (id: number) => Math.floor(this.#waits.failures(`job:${id}`) / TRIES_IN_FRONT);
    return this.#jobs
      .all()
      .map((open) => ({ ...open, turn: turnOf(open.id) }))
      .sort((a, b) => a.turn - b.turn || a.id - b.id);
  }
}

/** The log that a job cannot be finished without, of several the one that hears of it first; null: none, or many. */
function logOf(job: Job): Waiting | null {
  if (job.kind === "tenant") return `log:${job.domain.id}`;
  if (job.kind === "entry") return `log:${job.domainId}`;
  return "tenantDomainId" in job ? `log:${job.tenantDomainId}` : null;
}
