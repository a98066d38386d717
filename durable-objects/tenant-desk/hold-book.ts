/** Legal holds of a tenant in its object's SQLite: what was asked for and how far it has come. No words of a hold. */
import type { HoldBook } from "../../src/services/holds/hold-desk.ts";
import type { HoldChange, HoldScope, LegalHold } from "../../src/services/holds/legal-hold.ts";

export class SqliteHoldBook implements HoldBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  readonly #beforeAdd: () => void;

  /** `beforeAdd` throws when the tenant takes no hold any more: it is being deleted. */
  constructor(storage: DurableObjectStorage, beforeAdd: () => void) {
    this.#beforeAdd = beforeAdd;
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS legal_hold (
      id TEXT PRIMARY KEY, scope TEXT NOT NULL, changes TEXT NOT NULL, told INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS legal_hold_domain (
      hold_id TEXT NOT NULL, domain_id TEXT NOT NULL, confirmed INTEGER NOT NULL, fault TEXT,
      PRIMARY KEY (hold_id, domain_id)) STRICT, WITHOUT ROWID`);
  }

  add(id: string, scope: HoldScope, placed: HoldChange, domains: readonly string[]): void {
    this.#beforeAdd();
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        "INSERT INTO legal_hold (id, scope, changes, told) VALUES (?, ?, ?, 0)",
        id,
        JSON.stringify(scope),
        JSON.stringify([placed]),
      );
      this.addDomains(id, domains);
    });
  }

  addChange(id: string, change: HoldChange): void {
    const changes = JSON.stringify([...(this.get(id)?.changes ?? []), change]);
    this.#sql.exec("UPDATE legal_hold SET changes = ? WHERE id = ?", changes, id);
  }

  addDomains(id: string, domains: readonly string[]): void {
    for (const domainId of domains) {
      this.#sql.exec("INSERT OR IGNORE INTO legal_hold_domain VALUES (?, ?, 0, NULL)", id, domainId);
    }
  }

  confirm(id: string, domainId: string, change: number): void {
    this.#sql.exec(
      "UPDATE legal_hold_domain SET confirmed = max(confirmed, ?), fault = NULL WHERE hold_id = ? AND domain_id = ?",
      change,
      id,
      domainId,
    );
  }

  fail(id: string, domainId: string, fault: string): void {
    this.#sql.exec("UPDATE legal_hold_domain SET fault = ? WHERE hold_id = ? AND domain_id = ?", fault, id, domainId);
  }

  tell(id: string, change: number): void {
    this.#sql.exec("UPDATE legal_hold SET told = max(told, ?) WHERE id = ?", change, id);
  }

  get(id: string): LegalHold | null {
    return this.#read("WHERE id = ?", id)[0] ?? null;
  }

  all(): LegalHold[] {
    return this.#read("ORDER BY id");
  }

  #read(where: string, ...values: string[]): LegalHold[] {
    const rows = this.#sql
      .exec<{ id: string; scope: string; changes: string; told: number }>(
        `SELECT * FROM legal_hold ${where}`,
        ...values,
      )
      .toArray();
    return rows.map(({ id, scope, changes, told }) => ({
      id,
      scope: JSON.parse(scope),
      changes: JSON.parse(changes),
      domains: this.#domainsOf(id),
      told,
    }));
  }

  #domainsOf(id: string) {
    return this.#sql
      .exec<{ domainId: string; confirmed: number; fault: string | null }>(
        "SELECT domain_id AS domainId, confirmed, fault FROM legal_hold_domain WHERE hold_id = ? ORDER BY domain_id",
        id,
      )
      .toArray();
  }
}
