/**
 * The tree in a domain's own SQLite (`TreeJournal` of src/services/log/tree.ts), beside the journal and in its transactions.
 *
 * tree   one row: size and frontier
 * tile   the hashes of the tree's levels 0, 8, 16 … in pieces of 256
 */
import { concatBytes } from "../../src/core/bytes.ts";
import { HASH_BYTES } from "../../src/core/sha256.ts";
import type { TreeJournal } from "../../src/services/log/tree.ts";

export class SqliteTreeJournal implements TreeJournal {
  readonly #sql: SqlStorage;
  #frontier: { size: number; hashes: Uint8Array[] } | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS tree (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, frontier BLOB NOT NULL) STRICT",
    );
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS tile (
        level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT, WITHOUT ROWID`,
    );
  }

  frontier(): { size: number; hashes: readonly Uint8Array[] } {
    this.#frontier ??= this.#read();
    return this.#frontier;
  }

  setFrontier(size: number, hashes: readonly Uint8Array[]): void {
    this.#sql.exec(
      `INSERT INTO tree (id, size, frontier) VALUES (1, ?, ?)
       ON CONFLICT (id) DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
      size,
      concatBytes(...hashes),
    );
    this.#frontier = { size, hashes: [...hashes] };
  }

  extendTile(level: number, index: number, hashes: Uint8Array): void {
    this.#sql.exec(
      `INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?)
       ON CONFLICT (level, idx) DO UPDATE SET hashes = CAST(hashes || excluded.hashes AS BLOB)`,
      level,
      index,
      hashes,
    );
  }

  tile(level: number, index: number): Uint8Array | null {
    const [row] = this.#sql
      .exec<{ hashes: ArrayBuffer }>("SELECT hashes FROM tile WHERE level = ? AND idx = ?", level, index)
      .toArray();
    return row ? new Uint8Array(row.hashes) : null;
  }

  /** A transaction of the caller was undone: what is remembered may not be there. */
  undone(): void {
    this.#frontier = null;
  }

  #read(): { size: number; hashes: Uint8Array[] } {
    const [row] = this.#sql.exec<{ size: number; frontier: ArrayBuffer }>("SELECT size, frontier FROM tree").toArray();
    if (!row) return { size: 0, hashes: [] };
    const bytes = new Uint8Array(row.frontier);
    const hashes = Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
      bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
    return { size: row.size, hashes };
  }
}
