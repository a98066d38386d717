/**
 * Progress on stderr: a bar with rate and remaining time on a terminal, a plain line now and then elsewhere.
 * Not clack's bar: that one takes Ctrl-C over and ends the process with 0, which would say "verified".
 */
import { progressText } from "../core/progress-text.ts";
import type { Io } from "./io.ts";

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const BAR_CELLS = 24;

export class Progress {
  readonly #io: Io;
  readonly #label: string;
  readonly #nouns: readonly [string, string];
  readonly #startedAtMs: number;
  #shownAtMs: number;
  #drawn = false;

  constructor(io: Io, label: string, noun: string, plural = `${noun}s`) {
    this.#io = io;
    this.#label = label;
    this.#nouns = [noun, plural];
    this.#startedAtMs = io.now();
    this.#shownAtMs = this.#startedAtMs;
  }

  get elapsedMs(): number {
    return this.#io.now() - this.#startedAtMs;
  }

  /** Cheap enough to be called for every row: it draws ten times a second at most. */
  update(done: number, total: number, counted = done): void {
    const now = this.#io.now();
    const { stderr } = this.#io;
    if (now - this.#shownAtMs < (stderr.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#shownAtMs = now;
    const text = progressText({ done, total, elapsedMs: this.elapsedMs, counted }, ...this.#nouns);
    if (!stderr.isTTY) {
      stderr.write(`${this.#label}: ${text}\n`);
      return;
    }
    const filled = total > 0 ? Math.min(BAR_CELLS, Math.floor((BAR_CELLS * done) / total)) : 0;
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_CELLS - filled)}`;
    stderr.write(`\r\u001b[2K${`${this.#label} ${bar} ${text}`.slice(0, stderr.columns - 1)}`);
    this.#drawn = true;
  }

  /** Clears the bar, so that other lines can be written; the next update draws it again. */
  clear(): void {
    if (this.#drawn) this.#io.stderr.write("\r\u001b[2K");
    this.#drawn = false;
  }
}
