/**
 * In which tenants an address is a member's: the blind key of the address (`mailLookup`), never the address. Each tenant's object
 * tells its whole list under a number that only grows, so what comes late or twice changes nothing; cron has it told again.
 */
export class MailIndex {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS mail_index (
      lookup TEXT NOT NULL, tenant_id TEXT NOT NULL, PRIMARY KEY (lookup, tenant_id)) STRICT, WITHOUT ROWID`);
    storage.sql.exec("CREATE INDEX IF NOT EXISTS mail_index_tenant ON mail_index (tenant_id)");
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS mail_index_revision (
      tenant_id TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  tenantsOf(lookup: string): string[] {
    return this.#storage.sql
      .exec<{ id: string }>("SELECT tenant_id AS id FROM mail_index WHERE lookup = ? ORDER BY tenant_id", lookup)
      .toArray()
      .map(({ id }) => id);
  }

  /** Replaces the tenant's list, unless a newer one is known. Returns those that are no more on it. */
  set(tenantId: string, revision: number, lookups: readonly string[]): string[] {
    const { sql } = this.#storage;
    return this.#storage.transactionSync(() => {
      const known = sql
        .exec<{ revision: number }>("SELECT revision FROM mail_index_revision WHERE tenant_id = ?", tenantId)
        .toArray()[0];
      if (known && known.revision > revision) return [];
      const before = this.#of(tenantId);
      sql.exec("DELETE FROM mail_index WHERE tenant_id = ?", tenantId);
      for (const lookup of lookups) sql.exec("INSERT OR IGNORE INTO mail_index VALUES (?, ?)", lookup, tenantId);
      sql.exec("INSERT OR REPLACE INTO mail_index_revision VALUES (?, ?)", tenantId, revision);
      const now = new Set(lookups);
      return before.filter((lookup) => !now.has(lookup));
    });
  }

  /** Of a tenant that is deleted. Returns what was on its list. */
  forget(tenantId: string): string[] {
    const before = this.#of(tenantId);
    this.#storage.sql.exec("DELETE FROM mail_index WHERE tenant_id = ?", tenantId);
    this.#storage.sql.exec("DELETE FROM mail_index_revision WHERE tenant_id = ?", tenantId);
    return before;
  }

  #of(tenantId: string): string[] {
    return this.#storage.sql
      .exec<{ lookup: string }>("SELECT lookup FROM mail_index WHERE tenant_id = ?", tenantId)
      .toArray()
      .map(({ lookup }) => lookup);
  }
}
