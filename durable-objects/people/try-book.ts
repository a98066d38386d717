/** Failed tries of secrets in an object's SQLite: when and where, by hashes of places; and what of them no entry tells of yet. */
import { LIMITS } from "../../src/core/limits.ts";
import type { FailureBook, FailureWindow } from "../../src/services/access/factors/login-failures.ts";
import type { TryBook } from "../../src/services/access/factors/ports.ts";
import { DAY_MS } from "../../src/services/access/factors/tries.ts";

/** More than any policy counts. */
const MOST_READ = 1000;
/** Windows that one look takes. */
const MOST_OVER = 100;

export class SqliteTryBook implements TryBook, FailureBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS failed_try (id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    );
    this.#sql.exec("CREATE INDEX IF NOT EXISTS failed_try_place ON failed_try (place, at)");
    this.#sql.exec("CREATE INDEX IF NOT EXISTS failed_try_at ON failed_try (at)");
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS login_failure (
      person_id TEXT NOT NULL, method TEXT NOT NULL, began_at INTEGER NOT NULL, untold INTEGER NOT NULL,
      PRIMARY KEY (person_id, method)) STRICT, WITHOUT ROWID`);
  }

  failures(place: string, nowMs: number): number[] {
    return this.#sql
      .exec<{ at: number }>(
        "SELECT at FROM failed_try WHERE place = ? AND at > ? ORDER BY at DESC LIMIT ?",
        place,
        nowMs - DAY_MS,
        MOST_READ,
      )
      .toArray()
      .map(({ at }) => at)
      .reverse();
  }

  failed(places: readonly string[], nowMs: number): number[] {
    this.#sql.exec("DELETE FROM failed_try WHERE at <= ?", nowMs - DAY_MS);
    const sql = "INSERT INTO failed_try (place, at) VALUES (?, ?) RETURNING id";
    const written = places.map((place) => this.#sql.exec<{ id: number }>(sql, place, nowMs).one().id);
    // Ids only grow, so no more rows than the limit stay, and none is forgiven that is another's by now.
    this.#sql.exec("DELETE FROM failed_try WHERE id <= (SELECT max(id) FROM failed_try) - ?", LIMITS.failedTries);
    return written;
  }

  forgive(failures: readonly number[]): void {
    for (const id of failures) this.#sql.exec("DELETE FROM failed_try WHERE id = ?", id);
  }

  window(personId: string, method: string): FailureWindow | null {
    return this.#windows("person_id = ? AND method = ?", personId, method)[0] ?? null;
  }

  put({ personId, method, beganAtMs, untold }: FailureWindow): void {
    this.#sql.exec("INSERT OR REPLACE INTO login_failure VALUES (?, ?, ?, ?)", personId, method, beganAtMs, untold);
  }

  over(beforeMs: number): FailureWindow[] {
    return this.#windows("began_at <= ? AND untold > 0", beforeMs);
  }

  drop({ personId, method }: FailureWindow): void {
    this.#sql.exec("DELETE FROM login_failure WHERE person_id = ? AND method = ?", personId, method);
  }

  /** Of somebody who is no more. Their id stands in every place that counts for them, but an address' lookup for a password. */
  forget(personId: string): void {
    this.#sql.exec("DELETE FROM failed_try WHERE instr(place, ?) > 0", personId);
    this.#sql.exec("DELETE FROM login_failure WHERE person_id = ?", personId);
  }

  #windows(where: string, ...values: (string | number)[]): FailureWindow[] {
    return this.#sql
      .exec<{ personId: string; method: string; beganAtMs: number; untold: number }>(
        `SELECT person_id AS personId, method, began_at AS beganAtMs, untold FROM login_failure
         WHERE ${where} ORDER BY began_at LIMIT ${MOST_OVER}`,
        ...values,
      )
      .toArray();
  }
}
