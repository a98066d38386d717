/**
 * Whether somebody listens to this log, and telling their keeper that it has grown. Interest is asked for again and again and lapses
 * by itself; it is stored, so that an object that was evicted still tells. Telling is behind the appends: no append waits for
 * it, and those of `LIMITS.tailGatherMs` are told of once. What could not be told the keeper finds at its next look.
 */
import { LIMITS } from "../../src/core/limits.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { Growth } from "../../src/services/tail/calls.ts";
import { within } from "../../src/services/within.ts";

const INTEREST = "tail_interest_until_ms";
/** How long the keeper is waited for, and waits between tries to tell; after the last one nobody is believed to listen. Milliseconds. */
const TELL_MS = 5000;
const TRIES_MS = [100, 400, 1600];

export interface ListeningContext {
  storage: DurableObjectStorage;
  clock: Clock;
  growth: () => Growth;
  /** False: nobody listens any more. */
  tell: (growth: Growth) => Promise<boolean>;
}

export class Listening {
  readonly #context: ListeningContext;
  #untilMs: number;
  #telling = false;
  #grewAgain = false;

  constructor(context: ListeningContext) {
    this.#context = context;
    this.#untilMs = context.storage.kv.get<number>(INTEREST) ?? 0;
  }

  /** Somebody listens. A write of this object's storage once in half of the time. */
  watch(): void {
    const nowMs = this.#context.clock();
    if (this.#untilMs - nowMs > LIMITS.tailInterestMs / 2) return;
    this.#untilMs = nowMs + LIMITS.tailInterestMs;
    this.#context.storage.kv.put(INTEREST, this.#untilMs);
  }

  /** After each commit. Costs a comparison where nobody listens. */
  grew(): void {
    if (this.#untilMs <= this.#context.clock()) return;
    this.#grewAgain = true;
    if (this.#telling) return;
    this.#telling = true;
    setTimeout(() => void this.#tellAll(), LIMITS.tailGatherMs);
  }

  async #tellAll(): Promise<void> {
    while (this.#grewAgain) {
      this.#grewAgain = false;
      const untilMs = this.#untilMs;
      const listens = await this.#tell();
      // Somebody may have come meanwhile.
      if (!listens && untilMs === this.#untilMs) this.#drop();
      if (this.#grewAgain) await after(LIMITS.tailGatherMs);
    }
    this.#telling = false;
  }

  async #tell(): Promise<boolean> {
    for (const waitMs of TRIES_MS) {
      try {
        const listens = await within(this.#context.tell(this.#context.growth()), TELL_MS);
        if (listens !== undefined) return listens;
      } catch {
        // Its object was reset, or is too busy.
      }
      await after(waitMs);
    }
    return false;
  }

  #drop(): void {
    this.#untilMs = 0;
    this.#context.storage.kv.delete(INTEREST);
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
