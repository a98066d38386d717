/**
 * The object of one domain: it puts entries in order, keeps them until D1 and R2 both hold them, and compares itself with
 * its copies. A door: parse, call one service, answer. README.md beside this says what may run between which steps.
 */
import { DurableObject } from "cloudflare:workers";
import { AppError, isAppError } from "../src/core/errors.ts";
import type { AuditEvent } from "../src/core/event.ts";
import type { Jurisdiction } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { rollOver, type ShardRange, shardWithRoom } from "../src/core/shards.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { type DomainKeys, deriveDomainKeys } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { append } from "../src/services/log/append.ts";
import { archiveStep, segmentDueAt, segmentEntries } from "../src/services/log/archive.ts";
import { readBody } from "../src/services/log/body.ts";
import type {
  AppendCall,
  AppendResult,
  CreateDomainCall,
  DomainLogCalls,
  HeadResult,
} from "../src/services/log/calls.ts";
import { copyStep } from "../src/services/log/copy.ts";
import { Divergence } from "../src/services/log/divergence.ts";
import { createDomain } from "../src/services/log/genesis.ts";
import { receiptsFor } from "../src/services/log/receipts.ts";
import { releaseCopied } from "../src/services/log/release.ts";
import { compareCopies } from "../src/services/log/start.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { DomainIdentity } from "../src/services/ports.ts";
import { SqliteJournal } from "./domain-log/journal.ts";
import { randomBytes } from "./domain-log/random.ts";
import { type DomainStores, domainStores } from "./domain-log/stores.ts";
import { reportViolation } from "./domain-log/violation.ts";
import { demandPinned } from "./pinning.ts";
import { Schedule } from "./schedule.ts";

type Task = "compare" | "copy" | "archive" | "report_violation" | "forget";

/** Work of one alarm is bounded: what is left comes with the next one. */
const STEPS_PER_ALARM = 20;
/** Tries of a caller that waits for D1; the alarm goes on after it. */
const COPY_ATTEMPTS = 2;
/** How long an append waits for the comparison of a freshly started object before it goes on without. */
const COMPARE_WAIT_MS = 2000;
const FORGET_EVERY_MS = 24 * 60 * 60 * 1000;

export class DomainLog extends DurableObject<CellEnv> {
  readonly journal: SqliteJournal;
  readonly #schedule: Schedule<Task>;
  /** Replaced by tests that make a store fail. */
  stores: DomainStores;
  #keys: DomainKeys | null = null;
  #compared = false;
  #comparing: Promise<void> | null = null;
  #copying: Promise<void> | null = null;
  #group: Promise<void> | null = null;
  /** The alarm is set for the copies, and for a segment that is full. */
  #armed = false;
  #armedForSegment = false;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.journal = new SqliteJournal(ctx.storage);
    this.#schedule = new Schedule<Task>(ctx.storage);
    this.stores = domainStores(env, ctx.id.name ?? "", () => this.journal.shards());
  }

  /** Makes the domain with its entry 0. Again: changes nothing. The tenant's root must exist. */
  create(call: CreateDomainCall): Promise<Outcome<void>> {
    return outcomeOf(() => this.#create(call));
  }

  async #create(call: CreateDomainCall): Promise<void> {
    const config = this.#config();
    if (this.ctx.id.name !== call.domainId) throw new AppError("internal", { internal: "the object has another name" });
    if (this.journal.identity()) return;
    const keys = await this.#loadKeys(config, call.tenantId, call.domainId);
    const nowMs = this.stores.clock();
    const identity: DomainIdentity = {
      ...call,
      jurisdiction: config.jurisdiction,
      origin: `${config.logHost}/${call.domainId}`,
      genesis: Buffer.from(keys.genesis).toString("hex"),
      createdAt: new Date(nowMs).toISOString(),
    };
    createDomain(this.journal, identity, config.signer.keyId, { sha256, random: randomBytes, nowMs });
    this.#planCopies();
  }

  /** Appends what a client sent. Receipts mean committed; `waitForCopy` also waits (bounded) for D1. */
  append(call: AppendCall): Promise<Outcome<AppendResult>> {
    return outcomeOf(() => this.#append(call));
  }

  async #append(call: AppendCall): Promise<AppendResult> {
    const { config, identity } = this.#open();
    const { values, single } = readBody(call.body, call.form);
    await this.#comparedOrAway();
    const keys = await this.#loadKeys(config, identity.tenantId, identity.domainId);
    const events = values as unknown as AuditEvent[];
    await this.#groupCommit();
    const appended = await append(
      { events, single, scope: call.scope, idempotencyKey: call.idempotencyKey, body: call.body },
      {
        domainId: identity.domainId,
        journal: this.journal,
        ledger: this.stores.ledger,
        keys,
        sha256,
        clock: this.stores.clock,
        random: randomBytes,
        backlogBytes: config.backlogBytes,
      },
    );
    this.#planCopies();
    const receipts = await receiptsFor(appended, { journal: this.journal, ...this.stores, sha256 });
    const size = Math.max(...appended.seqs) + 1;
    const replicated = call.waitForCopy ? await this.#copiedWithin(size, LIMITS.replicationWaitMs) : false;
    const expiresAtMs = appended.idempotencyExpiresAtMs;
    return {
      receipts,
      replayed: appended.replayed,
      replicated: replicated || this.journal.copied().size >= size,
      idempotencyExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    };
  }

  head(): Promise<Outcome<HeadResult>> {
    return outcomeOf(async () => this.#headView());
  }

  #headView(): HeadResult {
    const { identity } = this.#open();
    const head = this.journal.head();
    const backlog = this.journal.pendingStats();
    const copiedSize = this.journal.copied().size;
    const oldest = copiedSize < head.size ? this.journal.pendingSince(copiedSize) : null;
    return {
      size: head.size,
      entryHash: head.entryHash,
      recordedAt: new Date(head.recordedAtMs).toISOString(),
      genesis: identity.genesis,
      copiedSize,
      archivedSize: this.journal.archived().size,
      backlogEntries: backlog.entries,
      backlogBytes: backlog.bytes,
      oldestUncopiedAt: oldest === null ? null : new Date(oldest).toISOString(),
      stoppedReason: this.journal.stoppedReason(),
      shards: this.journal.shards(),
    };
  }

  /** Copies everything that is committed now to D1, and says where it lies. Throws `storage.unavailable` when D1 does not take it in time. */
  flush(): Promise<Outcome<ShardRange[]>> {
    return outcomeOf(async () => {
      await this.#flush();
      return this.journal.shards();
    });
  }

  async #flush(): Promise<void> {
    this.#open();
    if (this.journal.stoppedReason() !== null) return;
    if (!(await this.#copiedWithin(this.journal.head().size, LIMITS.replicationWaitMs))) {
      throw new AppError("storage.unavailable", {
        detail: "the queryable copy could not be brought up to date in time",
      });
    }
  }

  /** Cron's call: takes up what an alarm should have done. */
  wake(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#open();
      this.#planCopies();
      await this.alarm();
    });
  }

  /** Never throws: a failed task stays in the schedule and comes again. */
  override async alarm(): Promise<void> {
    this.#armed = false;
    this.#armedForSegment = false;
    const tried = new Set<Task>();
    for (let task = this.#next(tried); task !== null; task = this.#next(tried)) {
      tried.add(task);
      try {
        await this.#run(task);
        this.#settle(task);
      } catch (error) {
        if (error instanceof Divergence) this.#stop(error.message);
        else console.warn(JSON.stringify({ at: "domain-log", task, fault: faultName(error) }));
        this.#schedule.failed(task, this.stores.clock());
      }
    }
    this.#schedule.arm();
  }

  #next(tried: ReadonlySet<Task>): Task | null {
    return this.#schedule.due(this.stores.clock(), tried);
  }

  async #run(task: Task): Promise<void> {
    if (task === "report_violation") return this.#report();
    if (task === "forget") return this.journal.forget(this.stores.clock());
    if (this.journal.stoppedReason() !== null) return;
    await this.#compareCopies();
    if (task === "copy") return this.#copy();
    if (task === "archive") return this.#archive();
  }

  /** Decides from the state alone, in one piece, whether the task is over. Appends that came meanwhile are in that state. */
  #settle(task: Task): void {
    const nowMs = this.stores.clock();
    this.#schedule.done(task);
    const stopped = this.journal.stoppedReason() !== null;
    if (task === "copy" && !stopped && this.journal.copied().size < this.journal.head().size)
      this.#schedule.plan(task, nowMs);
    const archiveAt = task === "archive" && !stopped ? segmentDueAt(this.#archiveDeps()) : null;
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
    if (task === "forget") this.#schedule.plan(task, nowMs + FORGET_EVERY_MS);
  }

  /** Sees to it that the alarm copies and archives what waits. Cheap when it is set already. */
  #planCopies(): void {
    const { size } = this.journal.head();
    const full = size - this.journal.archived().size >= segmentEntries(this.journal);
    if (this.#armed && !(full && !this.#armedForSegment)) return;
    const nowMs = this.stores.clock();
    const archiveAt = segmentDueAt(this.#archiveDeps());
    this.#schedule.plan("copy", nowMs);
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
    if (!this.#armed) this.#schedule.plan("forget", nowMs + FORGET_EVERY_MS);
    this.#schedule.arm();
    this.#armed = true;
    this.#armedForSegment = full;
  }

  /**
   * Lets the requests that are here already commit together: they all go on in one turn, without an await between them,
   * so their transactions reach the disk as one.
   */
  #groupCommit(): Promise<void> {
    this.#group ??= new Promise((resolve) => {
      setTimeout(() => {
        this.#group = null;
        resolve();
      }, 0);
    });
    return this.#group;
  }

  /** One copier at a time; whoever asks meanwhile waits for the same run. */
  #copy(): Promise<void> {
    this.#copying ??= (async () => {
      try {
        for (let step = 0; step < STEPS_PER_ALARM; step++) {
          await this.#settleShards();
          const { done } = await copyStep({ journal: this.journal, ...this.stores, sha256 });
          releaseCopied(this.journal);
          if (done) return;
        }
      } finally {
        this.#copying = null;
      }
    })();
    return this.#copying;
  }

  /**
   * Goes on in another shard when the present one is full. Commit order: the journal (the truth about where rows go), then
   * the control database (where readers look), and only then rows; a crash in between is caught up here.
   */
  async #settleShards(): Promise<void> {
    if (this.journal.copied().size >= this.journal.head().size) return;
    const present = this.journal.shards().at(-1)?.shard ?? "";
    const { shardLimitBytes } = this.#config();
    if ((this.stores.lastSize(present) ?? 0) >= shardLimitBytes) {
      const next = shardWithRoom(present, await this.stores.gauges(), shardLimitBytes);
      if (next) this.journal.setShards(rollOver(this.journal.shards(), this.journal.copied().size, next));
      else console.warn(JSON.stringify({ at: "domain-log", fault: "no ledger shard has room", shard: present }));
    }
    if (this.journal.shardsMirrored()) return;
    await this.stores.mirrorShards(this.journal.shards());
    this.journal.setShardsMirrored();
  }

  async #archive(): Promise<void> {
    for (let step = 0; step < STEPS_PER_ALARM; step++) {
      const dueAt = segmentDueAt(this.#archiveDeps());
      if (dueAt === null || dueAt > this.stores.clock()) return;
      await archiveStep(this.#archiveDeps());
      releaseCopied(this.journal);
    }
  }

  #archiveDeps() {
    return { journal: this.journal, segments: this.stores.segments, sha256, clock: this.stores.clock };
  }

  /** Brings the copy up to `size`. False when D1 does not take it: after a few failures, or when the time is over. */
  async #copiedWithin(size: number, waitMs: number): Promise<boolean> {
    const untilMs = Date.now() + waitMs;
    for (let failures = 0; this.journal.copied().size < size; ) {
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0 || failures >= COPY_ATTEMPTS || this.journal.stoppedReason() !== null) return false;
      const went = await within(this.#tryToCopy(), leftMs);
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
      return false;
    }
  }

  /** Until this has succeeded once after a start, nothing is copied, archived or released. */
  #compareCopies(): Promise<void> {
    if (this.#compared) return Promise.resolve();
    this.#comparing ??= (async () => {
      try {
        await compareCopies({ journal: this.journal, ...this.stores, sha256 });
        this.#compared = true;
      } finally {
        this.#comparing = null;
      }
    })();
    return this.#comparing;
  }

  /**
   * A store that is away does not hold appends up (DESIGN §2); a missing guard or a copy that contradicts us does.
   */
  async #comparedOrAway(): Promise<void> {
    if (this.#compared) return;
    try {
      await within(this.#compareCopies(), COMPARE_WAIT_MS);
    } catch (error) {
      if (error instanceof Divergence) this.#stop(error.message);
      else if (isAppError(error) && error.code === "ledger.guard_missing") throw error;
    }
  }

  #stop(reason: string): void {
    this.journal.stop(reason);
    this.#schedule.plan("report_violation", this.stores.clock());
    this.#schedule.arm();
  }

  async #report(): Promise<void> {
    const { config, identity } = this.#open();
    await reportViolation(this.env, config, identity, this.journal.stoppedReason() ?? "");
  }

  async #loadKeys(config: CellConfig, tenantId: string, domainId: string): Promise<DomainKeys> {
    if (this.#keys) return this.#keys;
    const root = await this.stores.roots.get(tenantId);
    if (!root) throw new AppError("storage.unavailable", { internal: `tenant ${tenantId} has no root` });
    this.#keys = deriveDomainKeys(config.pseudonymPepper, root, domainId);
    return this.#keys;
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }

  /** Every call but `create`: pinned, and the domain exists. */
  #open(): { config: CellConfig; identity: DomainIdentity } {
    const config = this.#config();
    const identity = this.journal.identity();
    if (!identity) throw new AppError("resource.not_found");
    demandSameJurisdiction(identity.jurisdiction, config.jurisdiction);
    return { config, identity };
  }
}

function demandSameJurisdiction(frozen: Jurisdiction, cell: Jurisdiction): void {
  if (frozen !== cell)
    throw new AppError("residency.unknown", { internal: `a domain of ${frozen} in the cell of ${cell}` });
}

/** The outcome of `work`, or undefined when it takes longer. The work goes on. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Codes only: messages of stores may carry what was stored. */
function faultName(error: unknown): string {
  return isAppError(error) ? `${error.code}: ${error.internal ?? ""}` : error instanceof Error ? error.name : "unknown";
}
