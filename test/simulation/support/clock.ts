/** Time that really passes, and the object's clock, which may be wrong. Sleepers wake by the former. */
export class SimulatedClock {
  trueMs: number;
  /** How wrong the object's clock is. */
  skewMs = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];
  readonly #read: (nowMs: number) => void;

  constructor(startMs: number, read: (nowMs: number) => void = () => {}) {
    this.trueMs = startMs;
    this.#read = read;
  }

  readonly now = (): number => {
    const nowMs = this.trueMs + this.skewMs;
    this.#read(nowMs);
    return nowMs;
  };

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ atMs: this.trueMs + ms, wake });
    });
  }

  get due(): boolean {
    return this.#sleepers.some(({ atMs }) => atMs <= this.trueMs);
  }

  wakeDue(): void {
    const due = this.#sleepers.filter(({ atMs }) => atMs <= this.trueMs);
    this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.trueMs);
    for (const { wake } of due) wake();
  }

  /** The object is gone, and its timers with it. */
  forgetSleepers(): void {
    this.#sleepers = [];
  }
}
