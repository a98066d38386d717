/** The self-check of a domain in its keeper: one turn at a time, by alarm. What a turn does is in src/services/self-check. */
import { isAppError } from "../../src/core/errors.ts";
import type { SelfCheckDeps } from "../../src/services/self-check/deps.ts";
import { newRecord } from "../../src/services/self-check/record.ts";
import { selfCheckTurn } from "../../src/services/self-check/turn.ts";
import { type DomainHealth, healthView } from "../../src/services/self-check/view.ts";
import type { KvCheckBook } from "./check-book.ts";

export interface CheckRoomContext {
  book: KvCheckBook;
  /** Made for each turn. Throws where the cell's settings are wrong. */
  deps: () => SelfCheckDeps;
  /** The alarm has to call `turn` then. */
  plan: (atMs: number) => void;
}

export class CheckRoom {
  /** Replaced in part by tests. */
  readonly context: CheckRoomContext;
  #plannedMs: number | null = null;

  constructor(context: CheckRoomContext) {
    this.context = context;
  }

  /**
   * To be called when the log has grown: plans the first run, within one interval and at a time of its own, so that the domains of a
   * cell do not run all at once. Cheap when one is planned; one that a wrong clock put far ahead is planned anew.
   */
  soon(): void {
    const { book, deps, plan } = this.context;
    const { clock, intervalMs, random } = deps();
    const nowMs = clock();
    if (this.#plannedMs !== null && this.#plannedMs <= nowMs + intervalMs) return;
    const record = book.get() ?? newRecord(nowMs, nowMs + Math.ceil(random() * intervalMs));
    record.dueMs = Math.min(record.dueMs, nowMs + intervalMs);
    book.put(record);
    this.#plan(record.run ? nowMs : record.dueMs, plan);
  }

  #plan(atMs: number, plan: CheckRoomContext["plan"]): void {
    this.#plannedMs = atMs;
    plan(atMs);
  }

  /** Null: there is no such domain any more. */
  async turn(): Promise<number | null> {
    const deps = this.context.deps();
    try {
      this.#plannedMs = await selfCheckTurn(deps);
      return this.#plannedMs;
    } catch (error) {
      if (isAppError(error) && error.code === "resource.not_found") return null;
      // A deletion may be withdrawn.
      if (isAppError(error) && error.code === "tenant.deleting") return deps.clock() + deps.intervalMs;
      throw error;
    }
  }

  askAnew(forgetHeads: boolean): void {
    const { book, deps, plan } = this.context;
    book.askAnew(forgetHeads);
    const nowMs = deps().clock();
    const record = book.get();
    if (record && !record.run) book.put({ ...record, dueMs: nowMs });
    this.#plan(nowMs, plan);
  }

  async health(): Promise<DomainHealth> {
    const { book, deps } = this.context;
    const { log, clock, intervalMs } = deps();
    const head = await log.head();
    const record = book.get();
    const nowMs = clock();
    const nextMs = record && (record.run ? nowMs : record.dueMs);
    return healthView(record, head, { nowMs, intervalMs, nextMs });
  }

  forget(): void {
    this.context.book.forget();
  }
}
