/** The deletion of this object's tenant: asked for here, driven by the object's alarm, one run at a time. */
import { AppError, isAppError } from "../../src/core/errors.ts";
import { type DeletionDeps, type DeletionTurn, deletionTurn } from "../../src/services/deletion/deletion.ts";
import type { DeletionPhase, DeletionState } from "../../src/services/deletion/state.ts";
import type { DeleteTenantWish } from "../../src/services/tenancy/calls.ts";
import { SqliteDeletionBook } from "./deletion-book.ts";

/** An alarm's run ends after this time; the next alarm goes on at once. */
const RUN_MS = 20_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 5 * 60_000;
/** Until these are over the caller waits. */
const REVOCABLE: readonly DeletionPhase[] = ["closing", "refusing", "recording"];

export class TenantDeletion {
  readonly #storage: DurableObjectStorage;
  readonly #book: SqliteDeletionBook;
  #running: Promise<DeletionTurn> | null = null;
  #failures = 0;
  /** Everything is gone; this instance stores nothing any more. */
  #isOver = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#book = new SqliteDeletionBook(storage);
  }

  get book(): SqliteDeletionBook {
    return this.#book;
  }

  state(): DeletionState | null {
    return this.#isOver ? null : this.#book.state();
  }

  /** Running or over. */
  get isBegun(): boolean {
    return this.#isOver || this.#book.state() !== null;
  }

  /** For every other change of the tenant. Throws `tenant.deleting`. */
  demandNone(): void {
    if (this.isBegun) throw new AppError("tenant.deleting");
  }

  /** Written down at once; resolves when there is no way back any more. Throws `tenant.held`. */
  async request(
    tenantId: string,
    { by, requestReference }: DeleteTenantWish,
    deps: DeletionDeps,
  ): Promise<DeletionState> {
    const requestedAt = new Date(deps.clock()).toISOString();
    if (!this.state()) {
      const began = { closing: requestedAt };
      this.#book.put({ phase: "closing", tenantId, by, requestReference, requestedAt, began, holds: [], note: null });
      this.#arm(FIRST_RETRY_MS);
    }
    let seen: DeletionState | null = null;
    for (let state = this.state(); state; state = this.state()) {
      seen = state;
      if (!REVOCABLE.includes(state.phase)) break;
      await this.#turn(deps);
    }
    if (seen && (this.#isOver || !REVOCABLE.includes(seen.phase))) return seen;
    throw new AppError("tenant.held", { detail: `in force: ${seen?.holds.join(", ") ?? ""}` });
  }

  /** The alarm's part. Never throws: what fails comes again later, doubling up to 5 minutes. */
  async run(deps: DeletionDeps): Promise<void> {
    const untilMs = Date.now() + RUN_MS;
    try {
      while (this.state()) {
        if (Date.now() > untilMs) return this.#arm(0);
        if ((await this.#turn(deps)) === "deleted") return;
        this.#failures = 0;
      }
    } catch (error) {
      const fault = isAppError(error) ? error.code : "unknown";
      console.warn(JSON.stringify({ at: "tenant-desk", deletion: this.state()?.phase, fault }));
      this.#arm(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 16)));
    }
  }

  /** Whoever comes meanwhile waits for the same turn. */
  #turn(deps: DeletionDeps): Promise<DeletionTurn> {
    this.#running ??= this.#once(deps).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #once(deps: DeletionDeps): Promise<DeletionTurn> {
    const turn = await deletionTurn(deps);
    if (turn !== "deleted") return turn;
    // The last step of all: what this object knew of the tenant, and its alarm. A crash before it: the certificate again.
    this.#isOver = true;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    return turn;
  }

  #arm(afterMs: number): void {
    void this.#storage.setAlarm(Date.now() + afterMs);
  }
}
