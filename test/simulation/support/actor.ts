/**
 * The object of one domain without the platform: the same services in the same order as `DomainLog`
 * (durable-objects/domain-log.ts: create, append, flush, wake, alarm, #run, #settle, #planCopies, #groupCommit, #copy,
 * #archive, #copiedWithin, #tryToCopy, #compareCopies, #comparedOrAway, #stop; the methods here have the same names). Left
 * out: jurisdictions, the entry on the platform domain, shards (test/durable-objects/shards.test.ts). A change of order
 * there belongs here, too.
 *
 * Some lines say when the alarm is planned that DomainLog lacked when the simulation found that entries were left behind:
 * in #settle (twice), #planCopies (`#armed`), #tryToCopy and #compareCopies, each with its reason beside it.
 */
import { AppError, isAppError } from "../../../src/core/errors.ts";
import type { AuditEvent } from "../../../src/core/event.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { type DomainKeys, deriveDomainKeys } from "../../../src/crypto/tenant-keys.ts";
import { paceOf } from "../../../src/services/log/archive.ts";
import { readBody } from "../../../src/services/log/body.ts";
import type { AppendCall, AppendResult } from "../../../src/services/log/calls.ts";
import { Divergence } from "../../../src/services/log/divergence.ts";
import type { Clock, DomainIdentity, Journal, RandomBytes } from "../../../src/services/ports.ts";
import type { Stores } from "./network.ts";
import type { ScheduleDouble } from "./schedule-double.ts";
import { NO_SEALING, NOTHING_SEALED, NOTHING_TO_RELEASE } from "./sealing-double.ts";
import type { Services } from "./services.ts";

export type Task = "compare" | "copy" | "archive" | "report_violation" | "forget";

export interface ActorEnv {
  domainId: string;
  segmentEntries: number;
  backlogBytes: number;
  journal: Journal;
  schedule: ScheduleDouble<Task>;
  stores: Stores;
  services: Services;
  clock: Clock;
  random: RandomBytes;
  /** Resolves after so many milliseconds of time that really passes. */
  sleep(ms: number): Promise<void>;
  /** The comparison of a started object succeeded. */
  compared(): void;
}

const STEPS_PER_ALARM = 20;
const COPY_ATTEMPTS = 2;
const COMPARE_WAIT_MS = 2000;
const FORGET_EVERY_MS = 24 * 60 * 60 * 1000;

export const CELL_PEPPER = new Uint8Array(32).fill(7);

export class DomainActor {
  readonly #env: ActorEnv;
  #keys: DomainKeys | null = null;
  #compared = false;
  #comparing: Promise<void> | null = null;
  #copying: Promise<void> | null = null;
  #group: Promise<void> | null = null;
  #armed = false;
  #armedForSegment = false;

  constructor(env: ActorEnv) {
    this.#env = env;
  }

  async create(): Promise<void> {
    const { journal, services, domainId, segmentEntries, clock, random } = this.#env;
    if (journal.identity()) return;
    const keys = await this.#loadKeys();
    const nowMs = clock();
    const identity: DomainIdentity = {
      domainId,
      tenantId: "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
      kind: "client",
      segmentEntries,
      jurisdiction: "eu",
      origin: `log.test/${domainId}`,
      genesis: Buffer.from(keys.genesis).toString("hex"),
      createdAt: new Date(nowMs).toISOString(),
    };
    services.createDomain(journal, identity, "log-key", { sha256, random, nowMs });
    this.#planCopies();
  }

  async append(call: AppendCall): Promise<AppendResult> {
    const { journal, services, stores, domainId, clock, random, backlogBytes } = this.#env;
    if (!journal.identity()) throw new AppError("resource.not_found");
    const { values, single } = readBody(call.body, call.form);
    await this.#comparedOrAway();
    const keys = await this.#loadKeys();
    const events = values as unknown as AuditEvent[];
    await this.#groupCommit();
    const appended = await services.append(
      { events, single, scope: call.scope, idempotencyKey: call.idempotencyKey, body: call.body },
      { domainId, journal, ledger: stores.ledger, keys, sealing: NO_SEALING, sha256, clock, random, backlogBytes },
    );
    this.#planCopies();
    const receipts = await services.receiptsFor(appended, { journal, ...stores, sha256 });
    const size = Math.max(...appended.seqs) + 1;
    const replicated = call.waitForCopy ? await this.#copiedWithin(size, LIMITS.replicationWaitMs) : false;
    const expiresAtMs = appended.idempotencyExpiresAtMs;
    return {
      receipts,
      replayed: appended.replayed,
      replicated: replicated || journal.copied().size >= size,
      idempotencyExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    };
  }

  async flush(): Promise<void> {
    const { journal } = this.#env;
    if (journal.stoppedReason() !== null) return;
    if (!(await this.#copiedWithin(journal.head().size, LIMITS.replicationWaitMs))) {
      throw new AppError("storage.unavailable");
    }
  }

  async wake(): Promise<void> {
    this.#planCopies();
    await this.alarm();
  }

  async alarm(): Promise<void> {
    const { schedule, clock } = this.#env;
    const tried = new Set<Task>();
    for (let task = schedule.due(clock(), tried); task !== null; task = schedule.due(clock(), tried)) {
      tried.add(task);
      try {
        await this.#run(task);
        this.#settle(task);
      } catch (error) {
        if (error instanceof Divergence) this.#stop(error.message);
        schedule.failed(task, clock());
      }
    }
    schedule.arm();
  }

  async #run(task: Task): Promise<void> {
    const { journal, clock } = this.#env;
    if (task === "report_violation") return;
    if (task === "forget") return journal.forget(clock());
    if (journal.stoppedReason() !== null) return;
    await this.#compareCopies();
    if (task === "copy") return this.#copy();
    if (task === "archive") return this.#archive();
  }

  #settle(task: Task): void {
    const { journal, schedule, services, clock } = this.#env;
    const nowMs = clock();
    schedule.done(task);
    // The alarm is no longer set for it: the next append sets it again.
    if (task === "copy" || task === "archive") this.#armed = false;
    if (task === "archive") this.#armedForSegment = false;
    const stopped = journal.stoppedReason() !== null;
    if (task === "copy" && !stopped && journal.copied().size < journal.head().size) schedule.plan(task, nowMs);
    const archiveAt = task === "archive" && !stopped ? services.segmentDueAt(this.#archiveDeps()) : null;
    if (archiveAt !== null) schedule.plan("archive", archiveAt);
    if (task === "forget") schedule.plan(task, nowMs + FORGET_EVERY_MS);
  }

  #planCopies(): void {
    const { journal, schedule, services, clock } = this.#env;
    const { size } = journal.head();
    const full = size - journal.archived().size >= paceOf({ journal }).entries;
    if (this.#armed && !(full && !this.#armedForSegment)) return;
    const nowMs = clock();
    const archiveAt = services.segmentDueAt(this.#archiveDeps());
    schedule.plan("copy", nowMs);
    if (archiveAt !== null) schedule.plan("archive", archiveAt);
    if (!this.#armed) schedule.plan("forget", nowMs + FORGET_EVERY_MS);
    schedule.arm();
    // A replay alone brings nothing to archive: the next append has to plan that.
    this.#armed = archiveAt !== null;
    this.#armedForSegment = full;
  }

  #groupCommit(): Promise<void> {
    this.#group ??= this.#env.sleep(0).then(() => {
      this.#group = null;
    });
    return this.#group;
  }

  #copy(): Promise<void> {
    const { journal, stores, services } = this.#env;
    this.#copying ??= (async () => {
      try {
        for (let step = 0; step < STEPS_PER_ALARM; step++) {
          const { done } = await services.copyStep({ journal, ...stores, sealed: NOTHING_SEALED, sha256 });
          services.releaseCopied(journal, NOTHING_TO_RELEASE);
          if (done) return;
        }
      } finally {
        this.#copying = null;
      }
    })();
    return this.#copying;
  }

  async #archive(): Promise<void> {
    const { journal, services, clock } = this.#env;
    for (let step = 0; step < STEPS_PER_ALARM; step++) {
      const dueAt = services.segmentDueAt(this.#archiveDeps());
      if (dueAt === null || dueAt > clock()) return;
      await services.archiveStep(this.#archiveDeps());
      services.releaseCopied(journal, NOTHING_TO_RELEASE);
    }
  }

  #archiveDeps() {
    const { journal, stores, clock } = this.#env;
    return { journal, segments: stores.segments, sealed: NOTHING_SEALED, sha256, clock };
  }

  async #copiedWithin(size: number, waitMs: number): Promise<boolean> {
    const { journal, clock } = this.#env;
    const untilMs = clock() + waitMs;
    for (let failures = 0; journal.copied().size < size; ) {
      const leftMs = untilMs - clock();
      if (leftMs <= 0 || failures >= COPY_ATTEMPTS || journal.stoppedReason() !== null) return false;
      const went = await this.#within(this.#tryToCopy(), leftMs);
      if (went === undefined) return false;
      if (!went) failures++;
    }
    return true;
  }

  async #tryToCopy(): Promise<boolean> {
    try {
      await this.#compareCopies();
      await this.#copy();
      return true;
    } catch (error) {
      if (error instanceof Divergence) this.#stop(error.message);
      else {
        // The alarm goes on: what failed may have found that D1 was set back, when no copy was planned any more.
        this.#env.schedule.plan("copy", this.#env.clock());
        this.#env.schedule.arm();
      }
      return false;
    }
  }

  #compareCopies(): Promise<void> {
    const { journal, stores, services } = this.#env;
    if (this.#compared) return Promise.resolve();
    this.#comparing ??= (async () => {
      try {
        await services.compareCopies({ journal, ...stores, sealed: NOTHING_SEALED, sha256 });
        this.#compared = true;
        this.#env.compared();
        // It may have found the ledger set back, when no copy was planned any more.
        this.#planCopies();
      } finally {
        this.#comparing = null;
      }
    })();
    return this.#comparing;
  }

  async #comparedOrAway(): Promise<void> {
    if (this.#compared) return;
    try {
      await this.#within(this.#compareCopies(), COMPARE_WAIT_MS);
    } catch (error) {
      if (error instanceof Divergence) this.#stop(error.message);
      else if (isAppError(error) && error.code === "ledger.guard_missing") throw error;
    }
  }

  #stop(reason: string): void {
    this.#env.journal.stop(reason);
    this.#env.schedule.plan("report_violation", this.#env.clock());
    this.#env.schedule.arm();
  }

  async #loadKeys(): Promise<DomainKeys> {
    if (this.#keys) return this.#keys;
    const root = await this.#env.stores.roots.get("");
    if (!root) throw new AppError("storage.unavailable");
    this.#keys = deriveDomainKeys(CELL_PEPPER, root, this.#env.domainId);
    return this.#keys;
  }

  #within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
    return Promise.race([work, this.#env.sleep(ms).then(() => undefined)]);
  }
}
