/** How much may wait in one object at a time: its isolate has 128 MB, and every waiting body is in it. */
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";

export class Admission {
  #requests = 0;
  #bytes = 0;

  #whenIdle: (() => void)[] = [];

  /** Runs `work` unless too much waits already. Throws `backlog.full` then; a request alone always gets in. */
  async admit<T>(byteLength: number, work: () => Promise<T>): Promise<T> {
    const tooMuch = this.#requests > 0 && this.#bytes + byteLength > LIMITS.appendBytesWaiting;
    if (this.#requests >= LIMITS.appendsWaiting || tooMuch) {
      throw new AppError("backlog.full", { detail: "too many appends wait for this domain", retryAfterSeconds: 1 });
    }
    this.#requests++;
    this.#bytes += byteLength;
    try {
      return await work();
    } finally {
      this.#requests--;
      this.#bytes -= byteLength;
      if (this.#requests === 0) for (const tell of this.#whenIdle.splice(0)) tell();
    }
  }

  /** Resolves when nothing that was admitted is under way. */
  async idle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }
}
