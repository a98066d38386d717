/** Retention of one tenant, wired to its object: policies, runs by the alarm, and what each run may remove. */

import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { formatDuration } from "../../src/core/retention/duration.ts";
import type { ResourceName } from "../../src/core/retention/resources.ts";
import type { CellEnv } from "../../src/env.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { hasToReach, heldBy, heldKey, holdsAllOf } from "../../src/services/holds/held.ts";
import type { DescribedHold } from "../../src/services/holds/hold-desk.ts";
import type { LegalHold } from "../../src/services/holds/legal-hold.ts";
import type { Held, Retained } from "../../src/services/ports.ts";
import type { DomainPolicy, RetentionCalls } from "../../src/services/retention/calls.ts";
import { changeRetention, type RetentionChangeDeps } from "../../src/services/retention/change.ts";
import { type ConfirmDeps, confirmPrune, domainDryRun } from "../../src/services/retention/confirm.ts";
import { entryTimes } from "../../src/services/retention/policy.ts";
import { askForRun, planned, type RetentionRunDeps, retentionTurn } from "../../src/services/retention/run.ts";
import { randomBytes } from "../domain-log/random.ts";
import { cellDesk } from "../gates.ts";
import { SqliteConfirmationBook } from "./confirmation-book.ts";
import { retainedPeople } from "./retained.ts";
import { SqliteRetentionBook } from "./retention-book.ts";

/** What retention needs of the tenant's object. */
export interface RetentionOwner extends RetentionChangeDeps {
  holds(): readonly LegalHold[];
  describeHold(id: string): Promise<DescribedHold>;
  inTurn<T>(run: () => Promise<T>): Promise<T>;
  commit: RetentionRunDeps["commit"];
  /** The queryable copy of a domain. */
  ledger: ConfirmDeps["ledger"];
  /** The log of a domain. */
  log: ConfirmDeps["log"];
  /** Has the keepers of all domains of the tenant look, without waiting for what they do. */
  retainDomains(tenantId: string): Promise<void>;
  /** Counts of refused events of the tenant. */
  rejected(tenantId: string): Retained;
  /** What the control database says the time is. */
  controlTimeMs(): Promise<number>;
  plan(atMs: number): void;
}

type Retaineds = Partial<Record<ResourceName, Retained>>;

export class TenantRetention {
  readonly book: SqliteRetentionBook;
  readonly confirmations: SqliteConfirmationBook;
  readonly #storage: DurableObjectStorage;
  #turn: Promise<unknown> = Promise.resolve();
  #held: Held | null = null;
  /** Replaced by tests whose stores fail. */
  faulty: (retained: Retaineds) => Retaineds = (retained) => retained;
  /** Replaced by tests. Rows of one batch; null: as the cell says. */
  batch: number | null = null;
  /** Replaced by tests of the clock. Unix milliseconds. */
  referenceMs: (() => Promise<number>) | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.book = new SqliteRetentionBook(storage);
    this.confirmations = new SqliteConfirmationBook(storage);
  }

  /** One call about retention, by its name. */
  async answer(name: keyof RetentionCalls, args: unknown[], env: CellEnv, owner: RetentionOwner): Promise<unknown> {
    const calls: RetentionCalls = {
      policies: async () => {
        const tenant = await owner.tenant();
        return { tenant, rows: await owner.store.policies(tenant.id), nowMs: owner.clock() };
      },
      change: (wish) => owner.inTurn(() => changeRetention(wish, owner)),
      runs: async (before, limit) => this.book.list(before, limit),
      run: (by) =>
        this.#inTurn(async () => {
          const run = await askForRun(by, await this.#deps(env, owner));
          // What is left of it is the alarm's, and so is the next one.
          owner.plan(owner.clock());
          if (run.status !== "refused") await owner.retainDomains((await owner.tenant()).id);
          return run;
        }),
      dryRun: async () => {
        const atMs = owner.clock();
        return { atMs, resources: await planned(atMs, await this.#deps(env, owner)) };
      },
      domainDryRun: async (domainId) => domainDryRun(domainId, await this.#confirmDeps(domainId, owner)),
      confirm: (wish) => this.#inTurn(async () => confirmPrune(wish, await this.#confirmDeps(wish.domainId, owner))),
      confirmation: async (domainId) => this.confirmations.confirmation(domainId),
      domainPolicy: (domainId) => this.#domainPolicy(domainId, owner),
      exportsHeld: async () => {
        const { tenantDomainId } = await owner.tenant();
        return holdsAllOf(await this.#heldNow(tenantDomainId, owner), "exports");
      },
      domainRan: async (run) => this.book.addDomainRun(run),
    };
    return (calls[name] as (...values: unknown[]) => Promise<unknown>)(...args);
  }

  /** Cron's look: plans the first run, and says whether the alarm is behind. What a wrong clock put far ahead is due now. */
  isDue(nowMs: number, env: CellEnv): boolean {
    if (this.book.open()) return true;
    const dueMs = this.book.dueMs();
    const { retentionIntervalMs } = cellConfig(env);
    const isTooFar = dueMs !== null && dueMs > nowMs + retentionIntervalMs + LIMITS.clockJumpMs;
    if (dueMs === null || isTooFar) this.book.setDue(isTooFar ? nowMs : nowMs + retentionIntervalMs);
    return dueMs !== null && (isTooFar || dueMs <= nowMs);
  }

  /** The alarm's turn. When it has to go on, in milliseconds; null: nothing was planned yet. Throws. */
  async goOn(env: CellEnv, owner: RetentionOwner): Promise<number | null> {
    const dueMs = this.book.dueMs();
    if (!this.book.open()) {
      if (dueMs === null) return null;
      const waitMs = dueMs - owner.clock();
      if (waitMs > 0) return waitMs;
    }
    return this.#inTurn(async () => retentionTurn(await this.#deps(env, owner)));
  }

  async #domainPolicy(domainId: string, owner: RetentionOwner): Promise<DomainPolicy> {
    const tenant = await owner.tenant();
    const rows = await owner.store.policies(tenant.id);
    const { hot, whole } = entryTimes(tenant, rows, domainId, owner.clock());
    const held = await this.#heldNow(tenant.tenantDomainId, owner);
    return {
      hot: formatDuration(hot),
      whole: formatDuration(whole),
      confirmation: this.confirmations.confirmation(domainId),
      allHeld:
        holdsAllOf(held, "audit_entries") ||
        holdsAllOf(held, "hot_entries") ||
        owner.holds().some((hold) => hasToReach(hold, domainId)),
      referenceMs: await (this.referenceMs?.() ?? owner.controlTimeMs()),
    };
  }

  async #confirmDeps(domainId: string, owner: RetentionOwner): Promise<ConfirmDeps> {
    const tenant = await owner.tenant();
    if ((await owner.control.domain(domainId))?.tenantId !== tenant.id) throw new AppError("resource.not_found");
    return {
      book: this.confirmations,
      tenant,
      rows: await owner.store.policies(tenant.id),
      holds: owner.holds(),
      ledger: owner.ledger,
      log: owner.log,
      random: randomBytes,
      clock: () => owner.clock(),
      commit: owner.commit,
    };
  }

  async #deps(env: CellEnv, owner: RetentionOwner): Promise<RetentionRunDeps> {
    const { retentionBatch, retentionIntervalMs: intervalMs } = cellConfig(env);
    const tenant = await owner.tenant();
    const { id: tenantId, tenantDomainId } = tenant;
    const desk = () => cellDesk(env, cellConfig(env)).monitoring;
    const retained: Retaineds = {
      ...retainedPeople(this.#storage),
      rejected_events: owner.rejected(tenantId),
      retention_runs: this.book.retained(),
    };
    return {
      tenantId,
      tenantDomainId,
      book: this.book,
      retained: this.faulty(retained),
      policies: async () => ({ tenant, rows: await owner.store.policies(tenantId) }),
      held: () => this.#heldNow(tenantDomainId, owner),
      heldKey: () => heldKey(owner.holds()),
      referenceMs: () => this.referenceMs?.() ?? owner.controlTimeMs(),
      clock: () => owner.clock(),
      batch: this.batch ?? retentionBatch,
      intervalMs,
      commit: owner.commit,
      raise: (alert) => told(() => desk().raise(alert)),
      resolve: (of) => told(() => desk().resolve(of, owner.clock())),
    };
  }

  /** Holds name people in words that lie sealed in D1: read once for the same holds. */
  async #heldNow(tenantDomainId: string, owner: RetentionOwner): Promise<Held> {
    const holds = owner.holds();
    if (this.#held?.key === heldKey(holds)) return this.#held;
    const described = await Promise.all(holds.map(({ id }) => owner.describeHold(id)));
    this.#held = heldBy(described, tenantDomainId);
    return this.#held;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run, run);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** What happened stands in the run and its entry: an alert that does not get through stops nothing. */
async function told(tell: () => Promise<boolean>): Promise<void> {
  try {
    await tell();
  } catch {
    console.warn(JSON.stringify({ at: "retention", fault: "an alert did not get through" }));
  }
}
