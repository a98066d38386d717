/** Which rate limits the tenant has set, in the object's SQLite, with a version that every change counts up. */
import type { RateSettings } from "../../src/services/rates/limits.ts";

export class RateBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS rate_limits (id INTEGER PRIMARY KEY CHECK (id = 0), version INTEGER NOT NULL, settings TEXT NOT NULL) STRICT",
    );
  }

  /** Version 0: nothing was ever set. */
  current(): { version: number; settings: RateSettings } {
    const rows = this.#sql.exec<{ version: number; settings: string }>("SELECT version, settings FROM rate_limits");
    const [row] = rows.toArray();
    return row ? { version: row.version, settings: JSON.parse(row.settings) } : { version: 0, settings: {} };
  }

  put(version: number, settings: RateSettings): void {
    const json = JSON.stringify(settings);
    this.#sql.exec("INSERT OR REPLACE INTO rate_limits (id, version, settings) VALUES (0, ?, ?)", version, json);
  }
}
