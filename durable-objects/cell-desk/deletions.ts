/**
 * The deletions of tenants of this cell, in the cell desk's SQLite: those that run, and for good the certificates of those
 * that are over. Here and not in D1, because a database that is set back must not forget them. Ids, hashes, counts.
 */
import type { FinalHead } from "../../src/core/deletion-certificate.ts";
import type { DeletionRecord } from "../../src/services/deletion/register.ts";

type Row = { tenant_id: string; requested_at: string; finished_at: string | null; note: string | null; heads: string };

export class Deletions {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS tenant_deletion (tenant_id TEXT PRIMARY KEY, requested_at TEXT NOT NULL, finished_at TEXT,
         note TEXT, heads TEXT NOT NULL) STRICT`,
    );
  }

  begin(tenantId: string, requestedAt: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO tenant_deletion VALUES (?, ?, NULL, NULL, '[]')", tenantId, requestedAt);
  }

  withdraw(tenantId: string): void {
    this.#sql.exec("DELETE FROM tenant_deletion WHERE tenant_id = ? AND finished_at IS NULL", tenantId);
  }

  /** The first certificate stays. */
  finish(tenantId: string, note: string, heads: readonly FinalHead[], finishedAt: string): void {
    this.#sql.exec(
      "UPDATE tenant_deletion SET finished_at = ?, note = ?, heads = ? WHERE tenant_id = ? AND finished_at IS NULL",
      finishedAt,
      note,
      JSON.stringify(heads),
      tenantId,
    );
  }

  get(tenantId: string): DeletionRecord | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM tenant_deletion WHERE tenant_id = ?", tenantId).toArray();
    return row ? recordOf(row) : null;
  }

  running(): DeletionRecord[] {
    return this.#sql.exec<Row>("SELECT * FROM tenant_deletion WHERE finished_at IS NULL").toArray().map(recordOf);
  }

  /** Those that are over, by tenant id. */
  finished(afterId: string, limit: number): DeletionRecord[] {
    return this.#sql
      .exec<Row>(
        "SELECT * FROM tenant_deletion WHERE finished_at IS NOT NULL AND tenant_id > ? ORDER BY tenant_id LIMIT ?",
        afterId,
        limit,
      )
      .toArray()
      .map(recordOf);
  }
}

function recordOf({ tenant_id, requested_at, finished_at, note, heads }: Row): DeletionRecord {
  const finished = finished_at === null || note === null ? null : { at: finished_at, note, heads: JSON.parse(heads) };
  return { tenantId: tenant_id, requestedAt: requested_at, finished };
}
