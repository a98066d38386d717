/**
 * Signed checkpoints in a domain's own SQLite (`CheckpointJournal` of src/services/log/checkpoints.ts), and how far the mirror
 * has come.
 *
 * checkpoint   one row a signed size: older ones go, but never one that is told to stay
 * tree_mirror  one row: size of the newest checkpoint that R2 holds with all its tiles
 */
import type { CheckpointJournal, SignedCheckpoint } from "../../src/services/log/checkpoints.ts";

type CheckpointRow = { size: number; root: ArrayBuffer; note: string; signed_at_ms: number };

const COLUMNS = "size, root, note, signed_at_ms";
/** Newest checkpoints that stay. */
const KEPT = 128;

export class SqliteCheckpointJournal implements CheckpointJournal {
  readonly #sql: SqlStorage;
  #last: SignedCheckpoint | null | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS checkpoint (
        size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL, signed_at_ms INTEGER NOT NULL) STRICT`,
    );
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS tree_mirror (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT",
    );
  }

  lastCheckpoint(): SignedCheckpoint | null {
    this.#last ??= this.#one(`SELECT ${COLUMNS} FROM checkpoint ORDER BY size DESC LIMIT 1`);
    return this.#last;
  }

  checkpointOf(size: number): SignedCheckpoint | null {
    return this.#one(`SELECT ${COLUMNS} FROM checkpoint WHERE size = ?`, size);
  }

  addCheckpoint(checkpoint: SignedCheckpoint): void {
    const { size, root, note, signedAtMs } = checkpoint;
    if ((this.lastCheckpoint()?.size ?? 0) >= size) throw new RangeError("a size is signed once");
    this.#sql.exec(`INSERT INTO checkpoint (${COLUMNS}) VALUES (?, ?, ?, ?)`, size, root, note, signedAtMs);
    this.#last = checkpoint;
  }

  /** Drops old checkpoints except those of these sizes. */
  forgetOld(except: readonly number[]): void {
    this.#sql.exec(
      `DELETE FROM checkpoint WHERE size < (SELECT min(size) FROM (SELECT size FROM checkpoint ORDER BY size DESC LIMIT ?))
        AND size NOT IN (SELECT value FROM json_each(?))`,
      KEPT,
      JSON.stringify(except),
    );
  }

  mirroredSize(): number {
    return this.#sql.exec<{ size: number }>("SELECT size FROM tree_mirror").toArray()[0]?.size ?? 0;
  }

  setMirroredSize(size: number): void {
    this.#sql.exec(
      "INSERT INTO tree_mirror (id, size) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET size = excluded.size",
      size,
    );
  }

  #one(sql: string, ...bindings: number[]): SignedCheckpoint | null {
    const [row] = this.#sql.exec<CheckpointRow>(sql, ...bindings).toArray();
    if (!row) return null;
    return { size: row.size, root: new Uint8Array(row.root), note: row.note, signedAtMs: row.signed_at_ms };
  }
}
