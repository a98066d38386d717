/** Dry runs that wait for their confirmation, and confirmations, in the object's SQLite. */
import { LIMITS } from "../../src/core/limits.ts";
import type { Confirmation, ConfirmationBook, WaitingDryRun } from "../../src/services/retention/confirm.ts";

export class SqliteConfirmationBook implements ConfirmationBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS retention_dry_run (
      token_hash TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, run TEXT NOT NULL) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS retention_confirmation (
      domain_id TEXT PRIMARY KEY, confirmation TEXT NOT NULL) STRICT, WITHOUT ROWID`);
  }

  addDryRun(tokenHash: string, run: WaitingDryRun): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO retention_dry_run VALUES (?, ?, ?)",
      tokenHash,
      run.atMs,
      JSON.stringify(run),
    );
    const newest = "SELECT token_hash FROM retention_dry_run ORDER BY at_ms DESC, token_hash LIMIT ?";
    this.#sql.exec(`DELETE FROM retention_dry_run WHERE token_hash NOT IN (${newest})`, LIMITS.retentionDryRuns);
  }

  dryRun(tokenHash: string): WaitingDryRun | null {
    const sql = "SELECT run FROM retention_dry_run WHERE token_hash = ?";
    const [row] = this.#sql.exec<{ run: string }>(sql, tokenHash).toArray();
    return row ? JSON.parse(row.run) : null;
  }

  confirm(confirmation: Confirmation): void {
    const sql = "INSERT OR REPLACE INTO retention_confirmation VALUES (?, ?)";
    this.#sql.exec(sql, confirmation.domainId, JSON.stringify(confirmation));
  }

  confirmation(domainId: string): Confirmation | null {
    const sql = "SELECT confirmation FROM retention_confirmation WHERE domain_id = ?";
    const [row] = this.#sql.exec<{ confirmation: string }>(sql, domainId).toArray();
    return row ? JSON.parse(row.confirmation) : null;
  }
}
