/**
 * Jobs of a tenant's object (src/services/tenancy/jobs.ts): written down, run, forgotten. What a crash or an absent store has left, the
 * alarm finishes in rounds (job-rounds.ts).
 */
import type { Clock } from "../../src/services/ports.ts";
import { type EntryJob, type Job, type JobDeps, type JobOutcome, runJob } from "../../src/services/tenancy/jobs.ts";
import type { RateLimitsJob } from "../../src/services/tenancy/key-jobs.ts";
import { JobBook } from "./job-book.ts";
import { JobRounds } from "./job-rounds.ts";
import type { JobWaits } from "./job-waits.ts";
import type { RoundFaults } from "./round-faults.ts";

/** What is begun in turn is finished in turn. */
const IN_TURN: ReadonlySet<Job["kind"]> = new Set<Job["kind"]>([
  ...(["tenant_change", "domain", "key", "key_rotation", "service_account"] as const),
  ...(["service_account_words", "service_account_removal"] as const),
  ...(["domain_settings", "event_type_version", "event_type_withdrawal", "retention"] as const),
]);

export interface JobsOwner {
  deps(): JobDeps;
  clock: Clock;
  /** Throws `tenant.deleting`: none begins then, for what it would have changed goes with the tenant. */
  demandNoDeletion(): void;
  inTurn<T>(run: () => Promise<T>): Promise<T>;
  /** With what stands sealed in the object. */
  complete(job: Job): Promise<Job>;
  /** Plans the alarm for new work. Synchronous. */
  planSoon(): void;
}

export class DeskJobs {
  readonly book: JobBook;
  readonly #storage: DurableObjectStorage;
  readonly #rounds: JobRounds;
  readonly #owner: JobsOwner;
  /** What runs at this moment. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(storage: DurableObjectStorage, waits: JobWaits, owner: JobsOwner) {
    this.book = new JobBook(storage);
    this.#storage = storage;
    this.#rounds = new JobRounds(this.book, waits, owner.clock);
    this.#owner = owner;
  }

  /** Written down, run, forgotten. A failure leaves the job to the alarm and tells the caller to look again. */
  async do(job: Job, change: () => void = () => {}): Promise<JobOutcome> {
    this.#owner.demandNoDeletion();
    const id = this.#storage.transactionSync(() => {
      change();
      return this.book.write(job);
    });
    this.#owner.planSoon();
    return this.#run(id, job);
  }

  /**
   * A change of the desk's own rows with the entries that tell of it: one transaction, so neither is there without the
   * other. An entry whose log does not answer is the alarm's.
   */
  async commit<T>(change: () => T, entries: (changed: T) => (EntryJob | RateLimitsJob)[]): Promise<T> {
    this.#owner.demandNoDeletion();
    const { changed, written } = this.#storage.transactionSync(() => {
      const changed = change();
      return { changed, written: entries(changed).map((job) => ({ id: this.book.write(job), job })) };
    });
    this.#owner.planSoon();
    for (const { id, job } of written) await this.#run(id, job).catch(() => undefined);
    return changed;
  }

  /** Throws what the first failure throws. */
  async finishOlder(isMeant: (job: Job) => boolean): Promise<void> {
    for (const { id, job } of this.book.all().filter(({ job }) => isMeant(job))) {
      await this.#run(id, job);
    }
  }

  /** One round over what is due. Never throws. */
  finishDue(faults: RoundFaults): Promise<void> {
    return this.#rounds.run((id, job) => this.#finish(id, job), faults);
  }

  /** For how long the alarm may sleep, in milliseconds; null: no job is left. Synchronous. */
  nextInMs(): number | null {
    return this.#rounds.nextInMs();
  }

  /** A deletion waits for it. */
  async running<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  /** An old change of a row must not run beside, or after, a newer one. */
  async #finish(id: number, job: Job): Promise<unknown> {
    const finish = async () => this.book.isOpen(id) && this.#run(id, job);
    return IN_TURN.has(job.kind) ? this.#owner.inTurn(finish) : finish();
  }

  async #run(id: number, job: Job): Promise<JobOutcome> {
    this.#owner.demandNoDeletion();
    const work = this.#owner.complete(job).then((complete) => this.#runNow(complete));
    return this.running(
      work.then((outcome) => {
        this.#rounds.finished(id);
        return outcome;
      }),
    );
  }

  #runNow(job: Job): Promise<JobOutcome> {
    const deps = this.#owner.deps();
    return runJob(job, { ...deps, logs: this.#rounds.watched(deps.logs) });
  }
}
