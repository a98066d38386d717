/** Retention of a domain's entries, as its keeper's alarm does it: src/services/retention/log-run.ts. */
import { isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { Clock } from "../../src/services/ports.ts";
import {
  type LogRun,
  type LogRunBook,
  type LogRunDeps,
  logRetentionTurn,
} from "../../src/services/retention/log-run.ts";

const RUN = "retain_run";
const DUE = "retain_due";

export class SqliteLogRunBook implements LogRunBook {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  open(): LogRun | null {
    return this.#storage.kv.get<LogRun>(RUN) ?? null;
  }

  save(run: LogRun | null): void {
    if (run === null) this.#storage.kv.delete(RUN);
    else this.#storage.kv.put(RUN, run);
  }

  dueMs(): number | null {
    return this.#storage.kv.get<number>(DUE) ?? null;
  }

  setDue(atMs: number): void {
    this.#storage.kv.put(DUE, atMs);
  }
}

export interface RetainingContext {
  book: LogRunBook;
  /** Without the clock and the book. Throws when the cell must not work. */
  deps: () => Omit<LogRunDeps, "book" | "clock">;
  clock: Clock;
  plan: (atMs: number) => void;
}

export class Retaining {
  /** Replaced in part by tests. */
  readonly context: RetainingContext;
  #plannedMs: number | null = null;
  #furthestMs: number | null = null;

  constructor(context: RetainingContext) {
    this.context = context;
  }

  /** There is a log: it is looked at, for the first time soon. Cheap to call often; what a wrong clock put far ahead is planned anew. */
  see(): void {
    const { book, clock, deps, plan } = this.context;
    const nowMs = clock();
    this.#furthestMs ??= Math.max(deps().intervalMs, LIMITS.retentionRefusedMs, LIMITS.pruneFirstMs);
    const furthestMs = nowMs + this.#furthestMs;
    if (this.#plannedMs !== null && this.#plannedMs <= furthestMs) return;
    const dueMs = book.dueMs();
    if (dueMs === null || dueMs > furthestMs) book.setDue(nowMs + LIMITS.pruneFirstMs);
    this.#plannedMs = book.open() ? nowMs : (book.dueMs() ?? nowMs);
    plan(this.#plannedMs);
  }

  /** A run begins now; one that is under way stays the one. */
  soon(): void {
    const { book, clock, plan } = this.context;
    book.setDue(clock());
    plan(clock());
  }

  /** The alarm's piece. Resolves to when it goes on (Unix milliseconds); null: never. Throws the stores' errors. */
  async turn(): Promise<number | null> {
    const { book, clock, deps } = this.context;
    try {
      this.#plannedMs = await logRetentionTurn({ ...deps(), book, clock });
      return this.#plannedMs;
    } catch (error) {
      // The tenant goes, and its log with it.
      if (isAppError(error) && ["resource.not_found", "tenant.deleting"].includes(error.code)) return null;
      throw error;
    }
  }
}
