/**
 * One origin's heads in the object's SQLite (`WitnessStore` of src/services/witness/witness.ts).
 *
 * witnessed   at most one row: the largest head, which only grows
 * published   at most one row: the newest cosigned note, for monitors
 *
 * Tables are made by the first write: anybody may ask for the checkpoint of any hash, and a question leaves nothing behind.
 */
import type { WitnessedHead, WitnessStore } from "../../src/services/witness/witness.ts";

export class SqliteWitnessStore implements WitnessStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  compareAndStore(decide: (latest: WitnessedHead | null) => WitnessedHead | null): void {
    this.#storage.transactionSync(() => {
      const head = decide(this.latest());
      if (head === null) return;
      this.#make();
      this.#sql.exec(
        `INSERT INTO witnessed (id, size, root) VALUES (1, ?, ?)
         ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root WHERE excluded.size >= size`,
        head.size,
        head.root,
      );
    });
  }

  durable(): Promise<void> {
    return this.#storage.sync();
  }

  publish(size: number, note: string): void {
    this.#sql.exec(
      `INSERT INTO published (id, size, note) VALUES (1, ?, ?)
       ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note WHERE excluded.size >= size`,
      size,
      note,
    );
  }

  latest(): WitnessedHead | null {
    if (!this.#made) return null;
    const [row] = this.#sql.exec<{ size: number; root: ArrayBuffer }>("SELECT size, root FROM witnessed").toArray();
    return row ? { size: row.size, root: new Uint8Array(row.root) } : null;
  }

  published(): string | null {
    if (!this.#made) return null;
    return this.#sql.exec<{ note: string }>("SELECT note FROM published").toArray()[0]?.note ?? null;
  }

  get #made(): boolean {
    const sql = "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'published'";
    return this.#sql.exec<{ n: number }>(sql).one().n === 1;
  }

  #make(): void {
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS witnessed (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL) STRICT",
    );
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS published (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note TEXT NOT NULL) STRICT",
    );
  }
}
