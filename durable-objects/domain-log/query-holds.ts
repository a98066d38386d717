/**
 * Legal holds by query, in the SQLite of a domain's object: how far each has looked, where the first entry lies that it covers, and,
 * among the people of the hold (holds.ts), whom its entries name. A log loses entries only from its beginning, so the first entry
 * that is held keeps all that come after it, and one number says what the ledger's guard has to keep: everything that was not
 * looked at counts as held.
 */
import { fromHex } from "../../src/core/bytes.ts";
import type { EntryFilter } from "../../src/core/query/filter.ts";
import type { HoldScan } from "../../src/services/holds/scan.ts";

export const QUERY_HOLD_TABLE = `CREATE TABLE IF NOT EXISTS hold_query (
  hold_id TEXT PRIMARY KEY, filter TEXT NOT NULL, scanned_to INTEGER NOT NULL, first_seq INTEGER,
  mirrored_from INTEGER NOT NULL) STRICT, WITHOUT ROWID`;

/** A hold by query that has not looked at everything: entries from `scannedTo` on. */
export interface UnreadQuery {
  holdId: string;
  filter: EntryFilter;
  scannedTo: number;
}

interface SqlRow extends Record<string, SqlStorageValue> {
  hold_id: string;
  filter: string;
  scanned_to: number;
}

export class SqliteQueryHolds {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(QUERY_HOLD_TABLE);
  }

  /** To be called in the transaction that places the hold. `fromSeq`: before it no entry has a payload any more. */
  add(holdId: string, filter: EntryFilter, fromSeq: number): void {
    this.#sql.exec(
      "INSERT INTO hold_query VALUES (?, ?, ?, NULL, ?)",
      holdId,
      JSON.stringify(filter),
      fromSeq,
      fromSeq,
    );
  }

  remove(holdId: string): void {
    this.#sql.exec("DELETE FROM hold_query WHERE hold_id = ?", holdId);
  }

  /** The first entry that the hold keeps, or may keep. Null: it is none by query. */
  heldFrom(holdId: string): number | null {
    const rows = this.#sql.exec<{ seq: number }>(
      "SELECT coalesce(first_seq, scanned_to) AS seq FROM hold_query WHERE hold_id = ?",
      holdId,
    );
    return rows.toArray()[0]?.seq ?? null;
  }

  /** The hold that has looked least far, when it has not looked at all of [0, size). */
  unread(size: number): UnreadQuery | null {
    const [row] = this.#sql
      .exec<SqlRow>("SELECT * FROM hold_query WHERE scanned_to < ? ORDER BY scanned_to LIMIT 1", size)
      .toArray();
    return row ? { holdId: row.hold_id, filter: JSON.parse(row.filter), scannedTo: row.scanned_to } : null;
  }

  /** What was looked at from `scannedTo` on. Changes nothing when the hold was released, or looked further, meanwhile. */
  found({ holdId, scannedTo }: UnreadQuery, { nextSeq, firstSeq, people }: HoldScan): void {
    this.#storage.transactionSync(() => {
      const still = this.#sql.exec(
        `UPDATE hold_query SET scanned_to = ?, first_seq = coalesce(first_seq, ?)
         WHERE hold_id = ? AND scanned_to = ?`,
        nextSeq,
        firstSeq,
        holdId,
        scannedTo,
      );
      if (still.rowsWritten === 0) return;
      for (const pseudonym of people) {
        this.#sql.exec("INSERT OR IGNORE INTO hold_person VALUES (?, ?, 2)", bytesOf(pseudonym), holdId);
      }
    });
  }

  /** The guard of the ledger keeps more than it has to: it is told anew. */
  forgetMirrored(): void {
    this.#sql.exec(
      `UPDATE hold SET mirrored = 0 WHERE released_at_ms IS NULL AND hold_id IN
       (SELECT hold_id FROM hold_query WHERE mirrored_from < coalesce(first_seq, scanned_to))`,
    );
  }

  setMirrored(holdId: string, fromSeq: number): void {
    this.#sql.exec("UPDATE hold_query SET mirrored_from = ? WHERE hold_id = ?", fromSeq, holdId);
  }
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a pseudonym is lower-case hex");
  return bytes;
}
