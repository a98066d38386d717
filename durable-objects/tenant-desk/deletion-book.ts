/** How far the tenant's deletion is, in its object's SQLite (`DeletionBook` of src/services/deletion/state.ts). */
import type { FinalHead } from "../../src/core/deletion-certificate.ts";
import type { DeletionBook, DeletionPhase, DeletionState } from "../../src/services/deletion/state.ts";

const STATE = "deletion";

export class SqliteDeletionBook implements DeletionBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS dying_domain (domain_id TEXT PRIMARY KEY, head TEXT) STRICT");
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS dying_phase (domain_id TEXT NOT NULL, phase TEXT NOT NULL, PRIMARY KEY (domain_id, phase)) STRICT",
    );
    this.#sql.exec("CREATE TABLE IF NOT EXISTS deleted (what TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT");
  }

  state(): DeletionState | null {
    return this.#storage.kv.get<DeletionState>(STATE) ?? null;
  }

  put(state: DeletionState): void {
    this.#storage.kv.put(STATE, state);
  }

  addDomains(domainIds: readonly string[]): void {
    for (const id of domainIds) this.#sql.exec("INSERT OR IGNORE INTO dying_domain VALUES (?, NULL)", id);
  }

  waiting(phase: DeletionPhase, limit: number): string[] {
    const rows = this.#sql.exec<{ id: string }>(
      `SELECT domain_id AS id FROM dying_domain d WHERE NOT EXISTS
         (SELECT 1 FROM dying_phase p WHERE p.domain_id = d.domain_id AND p.phase = ?) ORDER BY domain_id LIMIT ?`,
      phase,
      limit,
    );
    return rows.toArray().map(({ id }) => id);
  }

  over(phase: DeletionPhase, domainId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO dying_phase VALUES (?, ?)", domainId, phase);
  }

  again(phases: readonly DeletionPhase[]): void {
    for (const phase of phases) this.#sql.exec("DELETE FROM dying_phase WHERE phase = ?", phase);
  }

  setHead(head: FinalHead): void {
    this.#sql.exec("UPDATE dying_domain SET head = ? WHERE domain_id = ?", JSON.stringify(head), head.domain_id);
  }

  heads(): FinalHead[] {
    const rows = this.#sql.exec<{ head: string }>(
      "SELECT head FROM dying_domain WHERE head IS NOT NULL ORDER BY domain_id",
    );
    return rows.toArray().map(({ head }) => JSON.parse(head));
  }

  domainIds(): string[] {
    const rows = this.#sql.exec<{ id: string }>("SELECT domain_id AS id FROM dying_domain ORDER BY domain_id");
    return rows.toArray().map(({ id }) => id);
  }

  count(deleted: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(deleted)) {
      this.#sql.exec(
        "INSERT INTO deleted VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET count = count + excluded.count",
        what,
        count,
      );
    }
  }

  counts(): Record<string, number> {
    const rows = this.#sql.exec<{ what: string; count: number }>("SELECT what, count FROM deleted ORDER BY what");
    return Object.fromEntries(rows.toArray().map(({ what, count }) => [what, count]));
  }

  clear(): void {
    this.#storage.transactionSync(() => {
      this.#storage.kv.delete(STATE);
      for (const table of ["dying_domain", "dying_phase", "deleted"]) this.#sql.exec(`DELETE FROM ${table}`);
    });
  }
}
