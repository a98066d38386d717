/** The import of one domain, in its keeper's SQLite: one row, `record` is JSON of an `ImportRecord`. Nothing is created before it. */
import type { ImportBook, ImportRecord } from "../../src/services/imports/ports.ts";

export class SqliteImportBook implements ImportBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  get(): ImportRecord | null {
    const known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'import_job'";
    if (this.#sql.exec(known).toArray().length === 0) return null;
    const [row] = this.#sql.exec<{ record: string }>("SELECT record FROM import_job").toArray();
    return row ? (JSON.parse(row.record) as ImportRecord) : null;
  }

  put(record: ImportRecord): void {
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS import_job (only INTEGER PRIMARY KEY CHECK (only = 1), record TEXT NOT NULL) STRICT",
    );
    this.#sql.exec("INSERT OR REPLACE INTO import_job VALUES (1, ?)", JSON.stringify(record));
  }
}
