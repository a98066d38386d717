/** Until when something is not to be told, and how often in a row telling it has failed, in the cell desk's SQLite. */
import { LIMITS } from "../../src/core/limits.ts";

/** Longer than anything waits on purpose (a day). What is due later was planned by a clock that was wrong. */
export const LONGEST_WAIT_MS = 25 * 3_600_000;

type Row = { next_ms: number; failures: number };

export class Pace {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS alert_pace (
      about TEXT PRIMARY KEY, next_ms INTEGER NOT NULL, failures INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  /** Until when, Unix milliseconds; 0: it is free. Longer than `LIMITS.alertPaceMs` it never waits: then the clock was set back. */
  heldUntilMs(about: string, nowMs: number): number {
    const next = this.#row(about)?.next_ms ?? 0;
    return next > nowMs && next <= nowMs + LIMITS.alertPaceMs ? next : 0;
  }

  failures(about: string): number {
    return this.#row(about)?.failures ?? 0;
  }

  /** `failures` 0: nothing failed, and nothing is kept when the time is over. */
  hold(about: string, untilMs: number, failures = 0): void {
    this.#sql.exec("INSERT OR REPLACE INTO alert_pace VALUES (?, ?, ?)", about, untilMs, failures);
  }

  free(about: string): void {
    this.#sql.exec("DELETE FROM alert_pace WHERE about = ?", about);
  }

  forgetOver(nowMs: number): void {
    this.#sql.exec(
      "DELETE FROM alert_pace WHERE failures = 0 AND (next_ms <= ?1 OR next_ms > ?1 + ?2)",
      nowMs,
      LIMITS.alertPaceMs,
    );
  }

  #row(about: string): Row | undefined {
    return this.#sql.exec<Row>("SELECT next_ms, failures FROM alert_pace WHERE about = ?", about).toArray()[0];
  }
}
