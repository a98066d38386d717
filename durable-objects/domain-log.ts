/**
 * The object of one domain: it puts entries in order, keeps them until D1 and R2 both hold them, and compares itself with
 * its copies. A door: parse, call one service, answer. README.md beside this says what may run between which steps.
 */
import { DurableObject } from "cloudflare:workers";
import { AppError, isAppError } from "../src/core/errors.ts";
import type { AuditEvent } from "../src/core/event.ts";
import type { Jurisdiction } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import type { ShardRange } from "../src/core/shards.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { type DomainKeys, deriveDomainKeys } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { append } from "../src/services/log/append.ts";
import { readBody } from "../src/services/log/body.ts";
import type {
  AppendCall,
  AppendResult,
  CreateDomainCall,
  DomainLogCalls,
  HeadResult,
} from "../src/services/log/calls.ts";
import { Divergence } from "../src/services/log/divergence.ts";
import { createDomain } from "../src/services/log/genesis.ts";
import { receiptsFor } from "../src/services/log/receipts.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { DomainIdentity } from "../src/services/ports.ts";
import { Admission } from "./domain-log/admission.ts";
import { Copies } from "./domain-log/copies.ts";
import { SqliteJournal } from "./domain-log/journal.ts";
import { randomBytes } from "./domain-log/random.ts";
import { type DomainStores, domainStores } from "./domain-log/stores.ts";
import { reportViolation } from "./domain-log/violation.ts";
import { demandPinned } from "./pinning.ts";
import { Schedule } from "./schedule.ts";

type Task = "copy" | "archive" | "report_violation" | "forget";

const FORGET_EVERY_MS = 24 * 60 * 60 * 1000;

export class DomainLog extends DurableObject<CellEnv> {
  readonly journal: SqliteJournal;
  readonly #schedule: Schedule<Task>;
  /** Replaced by tests that make a store fail. */
  stores: DomainStores;
  #keys: DomainKeys | null = null;
  readonly #copies: Copies;
  readonly #admission = new Admission();
  #group: Promise<void> | null = null;
  /** The alarm is set for the copies, and for a segment that is full. */
  #armed = false;
  #armedForSegment = false;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.journal = new SqliteJournal(ctx.storage);
    this.#schedule = new Schedule<Task>(ctx.storage);
    this.stores = domainStores(env, ctx.id.name ?? "", () => this.journal.shards());
    this.#copies = new Copies({
      journal: this.journal,
      stores: () => this.stores,
      shardLimitBytes: () => this.#config().shardLimitBytes,
      stop: (reason) => this.#stop(reason),
      plan: () => this.#planCopiesAnew(),
    });
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
    return outcomeOf(() => this.#admission.admit(call.body.length, () => this.#append(call)));
  }

  async #append(call: AppendCall): Promise<AppendResult> {
    const { config, identity } = this.#open();
    const { values, single } = readBody(call.body, call.form);
    await this.#copies.comparedOrAway();
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
    const replicated = call.waitForCopy ? await this.#copies.copiedWithin(size, LIMITS.replicationWaitMs) : false;
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
    if (!(await this.#copies.copiedWithin(this.journal.head().size, LIMITS.replicationWaitMs))) {
      throw new AppError("storage.unavailable", {
        detail: "the queryable copy could not be brought up to date in time",
      });
    }
  }

  /** Cron's call: takes up what an alarm should have done. */
  wake(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#open();
      this.#planCopiesAnew();
      await this.alarm();
    });
  }

  /** Never throws: a failed task stays in the schedule and comes again. */
  override async alarm(): Promise<void> {
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
    this.#arm();
  }

  #next(tried: ReadonlySet<Task>): Task | null {
    return this.#schedule.due(this.stores.clock(), tried);
  }

  async #run(task: Task): Promise<void> {
    if (task === "report_violation") return this.#report();
    if (task === "forget") return this.journal.forget(this.stores.clock());
    if (this.journal.stoppedReason() !== null) return;
    if (task === "copy") return this.#copies.copy();
    if (task === "archive") return this.#copies.archive();
  }

  /** Decides from the state alone, in one piece, whether the task is over. Appends that came meanwhile are in that state. */
  #settle(task: Task): void {
    const nowMs = this.stores.clock();
    this.#schedule.done(task);
    // What appends planned while this ran is gone with the task, so the next append plans again.
    if (task === "copy" || task === "archive") this.#armed = false;
    if (task === "archive") this.#armedForSegment = false;
    if (task === "forget") this.#schedule.plan(task, nowMs + FORGET_EVERY_MS);
    if (this.journal.stoppedReason() !== null) return;
    if (task === "copy" && !this.#copies.copyIsDone) this.#schedule.plan(task, nowMs);
    const archiveAt = task === "archive" ? this.#copies.archiveDueAtMs : null;
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
  }

  /** Sees to it that the alarm copies and archives what waits. Cheap when it is set already. */
  #planCopies(): void {
    const full = this.#copies.segmentIsFull;
    if (this.#armed && !(full && !this.#armedForSegment)) return;
    const nowMs = this.stores.clock();
    const archiveAt = this.#copies.archiveDueAtMs;
    this.#schedule.plan("copy", nowMs);
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
    if (!this.#armed) this.#schedule.plan("forget", nowMs + FORGET_EVERY_MS);
    this.#arm();
    this.#armed = archiveAt !== null;
    this.#armedForSegment = full;
  }

  /** Whatever is believed of the alarm: it may be lost, or a caller's try has failed. */
  #planCopiesAnew(): void {
    this.#armed = false;
    this.#planCopies();
  }

  #arm(): void {
    const untilMs = this.#copies.gatherUntilMs;
    this.#schedule.arm({ copy: untilMs, archive: untilMs });
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

  #stop(reason: string): void {
    this.journal.stop(reason);
    this.#schedule.plan("report_violation", this.stores.clock());
    this.#arm();
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

/** Codes only: messages of stores may carry what was stored. */
function faultName(error: unknown): string {
  return isAppError(error) ? `${error.code}: ${error.internal ?? ""}` : error instanceof Error ? error.name : "unknown";
}
