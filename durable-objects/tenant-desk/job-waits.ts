/**
 * How long what failed waits before the desk tries it again: 5 s, then twice as long each time, at most 5 minutes. Kept in the object's
 * SQLite: an object that nobody calls leaves memory between two alarms, and would begin anew with 5 s each time.
 */

export const FIRST_WAIT_MS = 5000;
export const MAX_WAIT_MS = 5 * 60_000;

/** What waits: a job, by its number; a log; a part of the desk's round. */
export type Waiting = `job:${number}` | `log:${string}` | `part:${string}`;

/** After so many failures without a success between. Milliseconds. */
export const waitMs = (failures: number): number =>
  Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(Math.max(failures - 1, 0), 16));

export class JobWaits {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS job_wait (about TEXT PRIMARY KEY, failures INTEGER NOT NULL, due_ms INTEGER NOT NULL) STRICT",
    );
  }

  /** One more failure. Returns how long it waits now, in milliseconds. */
  failed(about: Waiting, nowMs: number): number {
    const forMs = waitMs(this.failures(about) + 1);
    this.#put(about, nowMs + forMs);
    return forMs;
  }

  /** One more failure that nothing has to wait for. */
  counted(about: Waiting): void {
    this.#put(about, 0);
  }

  over(about: Waiting): void {
    this.#sql.exec("DELETE FROM job_wait WHERE about = ?", about);
  }

  failures(about: Waiting): number {
    return this.#row(about)?.failures ?? 0;
  }

  /** For how long it still waits; 0: it does not. A time that is further away than any wait was set by a clock that was wrong. */
  leftMs(about: Waiting, nowMs: number): number {
    const leftMs = (this.#row(about)?.due_ms ?? 0) - nowMs;
    return leftMs > MAX_WAIT_MS ? 0 : Math.max(0, leftMs);
  }

  #row(about: Waiting): { failures: number; due_ms: number } | undefined {
    const sql = "SELECT failures, due_ms FROM job_wait WHERE about = ?";
    return this.#sql.exec<{ failures: number; due_ms: number }>(sql, about).toArray()[0];
  }

  #put(about: Waiting, dueMs: number): void {
    this.#sql.exec(
      `INSERT INTO job_wait (about, failures, due_ms) VALUES (?, 1, ?)
       ON CONFLICT (about) DO UPDATE SET failures = failures + 1, due_ms = excluded.due_ms`,
      about,
      dueMs,
    );
  }
}
