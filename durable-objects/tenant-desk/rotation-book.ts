/** The rotation of a tenant's key in its object's SQLite. */
import type { Rotation, RotationBook, RotationInDomain } from "../../src/services/keys/rotation/state.ts";

type DomainRecord = { domain_id: string; cursor: string | null; met: number; clean: number; fault: string | null };

export class SqliteRotationBook implements RotationBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS rotation (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL) STRICT",
    );
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS rotation_domain (
      domain_id TEXT PRIMARY KEY, cursor TEXT, met INTEGER NOT NULL, clean INTEGER NOT NULL, fault TEXT) STRICT, WITHOUT ROWID`);
    this.#sql.exec("CREATE TABLE IF NOT EXISTS key_unused (version INTEGER PRIMARY KEY, since TEXT NOT NULL) STRICT");
  }

  get(): Rotation | null {
    const [row] = this.#sql.exec<{ state: string }>("SELECT state FROM rotation").toArray();
    return row ? (JSON.parse(row.state) as Rotation) : null;
  }

  set(rotation: Rotation): void {
    this.#storage.transactionSync(() => {
      if (this.get()?.id !== rotation.id) this.#sql.exec("DELETE FROM rotation_domain");
      this.#sql.exec(
        "INSERT INTO rotation (id, state) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
        JSON.stringify(rotation),
      );
    });
  }

  end(unused: { versions: readonly number[]; since: string } | null): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM rotation");
      this.#sql.exec("DELETE FROM rotation_domain");
      for (const version of unused?.versions ?? []) {
        this.#sql.exec(
          "INSERT INTO key_unused (version, since) VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET since = excluded.since",
          version,
          unused?.since ?? "",
        );
      }
    });
  }

  domains(): RotationInDomain[] {
    const rows = this.#sql.exec<DomainRecord>("SELECT * FROM rotation_domain ORDER BY domain_id").toArray();
    return rows.map(({ domain_id: domainId, cursor, met, clean, fault }) => ({
      domainId,
      cursor: cursor === null ? null : JSON.parse(cursor),
      met: met === 1,
      clean: clean === 1,
      fault,
    }));
  }

  addDomains(domainIds: readonly string[]): void {
    for (const id of domainIds)
      this.#sql.exec("INSERT OR IGNORE INTO rotation_domain VALUES (?, NULL, 0, 0, NULL)", id);
  }

  setDomain({ domainId, cursor, met, clean, fault }: RotationInDomain): void {
    this.#sql.exec(
      "UPDATE rotation_domain SET cursor = ?, met = ?, clean = ?, fault = ? WHERE domain_id = ?",
      cursor === null ? null : JSON.stringify(cursor),
      met ? 1 : 0,
      clean ? 1 : 0,
      fault,
      domainId,
    );
  }

  unusedSince(): ReadonlyMap<number, string> {
    const rows = this.#sql.exec<{ version: number; since: string }>("SELECT version, since FROM key_unused").toArray();
    return new Map(rows.map(({ version, since }) => [version, since]));
  }

  forget(version: number): void {
    this.#sql.exec("DELETE FROM key_unused WHERE version = ?", version);
  }
}
