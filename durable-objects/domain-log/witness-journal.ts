/**
 * Witnesses of a domain's log in its own SQLite (`WitnessJournal` of src/services/witness/journal.ts).
 *
 * witness       one row a witness that was asked
 * cosignature   one row a witness and a signed size; old ones go (`keepOnly`)
 * contradiction checkpoints that this log signed once and contradicts now, as witnesses held them up; the first of each witness
 */
import type { WitnessAlarm } from "../../src/services/witness/ask.ts";
import {
  neverAsked,
  type StoredCosignature,
  type WitnessJournal,
  type WitnessRecord,
} from "../../src/services/witness/journal.ts";

type RecordRow = {
  key: string;
  size: number;
  witnessed_size: number;
  witnessed_at_ms: number | null;
  failed_at_ms: number | null;
  failure: string | null;
  failures: number;
  retry_at_ms: number;
};

export class SqliteWitnessJournal implements WitnessJournal {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS witness (key TEXT PRIMARY KEY, size INTEGER NOT NULL, witnessed_size INTEGER NOT NULL,
         witnessed_at_ms INTEGER, failed_at_ms INTEGER, failure TEXT, failures INTEGER NOT NULL, retry_at_ms INTEGER NOT NULL)
       STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS cosignature (size INTEGER NOT NULL, key TEXT NOT NULL, line TEXT NOT NULL,
         timestamp INTEGER NOT NULL, PRIMARY KEY (size, key)) STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS contradiction (witness TEXT PRIMARY KEY, kind TEXT NOT NULL, size INTEGER NOT NULL,
         note TEXT NOT NULL, found_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    );
  }

  /** Evidence of a rollback or a fork. The first one of a witness stays. */
  addContradiction({ witness, kind, size, note }: WitnessAlarm, nowMs: number): void {
    const sql = "INSERT OR IGNORE INTO contradiction VALUES (?, ?, ?, ?, ?)";
    this.#sql.exec(sql, witness, kind, size, note, nowMs);
  }

  contradictions(): (WitnessAlarm & { foundAtMs: number })[] {
    return this.#sql
      .exec<WitnessAlarm & { foundAtMs: number } & Record<string, SqlStorageValue>>(
        "SELECT witness, kind, size, note, found_at_ms AS foundAtMs FROM contradiction ORDER BY found_at_ms, witness",
      )
      .toArray();
  }

  record(key: string): WitnessRecord {
    const [row] = this.#sql.exec<RecordRow>("SELECT * FROM witness WHERE key = ?", key).toArray();
    if (!row) return neverAsked(key);
    return {
      key,
      size: row.size,
      witnessedSize: row.witnessed_size,
      witnessedAtMs: row.witnessed_at_ms,
      failedAtMs: row.failed_at_ms,
      failure: row.failure,
      failures: row.failures,
      retryAtMs: row.retry_at_ms,
    };
  }

  put(record: WitnessRecord, cosignature?: StoredCosignature): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        "INSERT OR REPLACE INTO witness VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        record.key,
        record.size,
        record.witnessedSize,
        record.witnessedAtMs,
        record.failedAtMs,
        record.failure,
        record.failures,
        record.retryAtMs,
      );
      if (!cosignature) return;
      const { size, key, line, timestamp } = cosignature;
      this.#sql.exec("INSERT OR REPLACE INTO cosignature VALUES (?, ?, ?, ?)", size, key, line, timestamp);
    });
  }

  cosignatures(size: number): StoredCosignature[] {
    return this.#sql
      .exec<StoredCosignature & Record<string, SqlStorageValue>>(
        "SELECT size, key, line, timestamp FROM cosignature WHERE size = ? ORDER BY key",
        size,
      )
      .toArray();
  }

  cosigned(): { size: number; key: string }[] {
    return this.#sql
      .exec<{ size: number; key: string }>("SELECT size, key FROM cosignature ORDER BY size DESC, key")
      .toArray();
  }

  keepOnly(sizes: readonly number[]): void {
    const sql = "DELETE FROM cosignature WHERE size NOT IN (SELECT value FROM json_each(?))";
    this.#sql.exec(sql, JSON.stringify(sizes));
  }
}
