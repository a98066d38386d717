/** When the alarm of a tenant's object comes, and how long each part of its round waits after it has failed. */
import type { Clock } from "../../src/services/ports.ts";
import { FIRST_WAIT_MS, type JobWaits } from "./job-waits.ts";
import type { RoundFaults } from "./round-faults.ts";

export class DeskAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #waits: JobWaits;
  readonly #clock: Clock;
  /** When it comes for new work; 0: nothing has planned it since the last one. */
  #soonMs = 0;

  constructor(storage: DurableObjectStorage, waits: JobWaits, clock: Clock) {
    this.#storage = storage;
    this.#waits = waits;
    this.#clock = clock;
  }

  /** It has come. */
  begun(): void {
    this.#soonMs = 0;
  }

  /**
   * It comes for new work in 5 s. Synchronous, so it is written together with what was written just before; what comes one after
   * the other does not put it off.
   */
  soon(): void {
    const nowMs = Date.now();
    // Further away, it was a clock that was wrong.
    if (this.#soonMs > nowMs && this.#soonMs <= nowMs + FIRST_WAIT_MS) return;
    this.#soonMs = nowMs + FIRST_WAIT_MS;
    void this.#storage.setAlarm(this.#soonMs);
  }

  /** At this time (Unix milliseconds), and never later than what is planned already. */
  async by(atMs: number): Promise<void> {
    const planned = await this.#storage.getAlarm();
    if (planned === null || planned > atMs) await this.#storage.setAlarm(Math.max(atMs, Date.now()));
  }

  /**
   * One part of a round. Never throws. When it has to go on, in milliseconds; null: nothing is left. What failed waits ever longer; if
   * the round begins earlier for something else, it is tried with it.
   */
  async part(name: string, goOn: () => Promise<number | null>, faults: RoundFaults): Promise<number | null> {
    try {
      const inMs = await goOn();
      this.#waits.over(`part:${name}`);
      return inMs;
    } catch (error) {
      faults.note(error, name);
      return this.#waits.failed(`part:${name}`, this.#clock());
    }
  }
}
