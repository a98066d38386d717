/** The heads of the cell's domains as the platform's log has them (`HeadBook` of src/services/witness/platform-heads.ts). */
import type { DomainHead, HeadBook } from "../../src/services/witness/platform-heads.ts";

export class SqliteHeadBook implements HeadBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS head_recorded (domain_id TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
  }

  recorded(domainId: string): DomainHead | null {
    const [row] = this.#sql
      .exec<{ size: number; root: string }>("SELECT size, root FROM head_recorded WHERE domain_id = ?", domainId)
      .toArray();
    return row ? { domainId, ...row } : null;
  }

  put(heads: readonly DomainHead[]): void {
    this.#storage.transactionSync(() => {
      for (const { domainId, size, root } of heads) {
        this.#sql.exec("INSERT OR REPLACE INTO head_recorded VALUES (?, ?, ?)", domainId, size, root);
      }
    });
  }

  forget(domainIds: readonly string[]): void {
    for (const id of domainIds) this.#sql.exec("DELETE FROM head_recorded WHERE domain_id = ?", id);
  }
}
