/**
 * The legal holds of one domain, in its object's SQLite (DESIGN §2): authoritative, and synchronous, so that an erasure and a
 * hold never interleave. A hold covers the whole domain, ranges of entries, people (as pseudonyms), what a query asks for
 * (query-holds.ts), or several of these.
 *
 * hold         one row a hold; a released one stays as a tombstone, so that a late placement cannot bring it back
 * hold_range   what it covers of the log; while the people in a range are not all known, it covers everybody
 * hold_person  whom it covers: named by the hold (1), found in one of its ranges (0), or in an entry that its query asks for (2)
 *
 * No words of a hold are here: why it was placed and who owns it is sealed (docs/keys.md).
 */
import { fromHex, toHex } from "../../src/core/bytes.ts";
import type { DomainHold, HoldPlacement } from "../../src/services/holds/hold.ts";
import type { HoldRange } from "../../src/services/ports.ts";
import { SqliteQueryHolds } from "./query-holds.ts";

export interface Blocking {
  holdId: string;
  /** What of the hold covers the person. */
  reason: "domain" | "range" | "person" | "query";
  /** RFC 3339. */
  reviewAt: string;
}

/** A range whose people are being looked for, from the pseudonym after `after` on (empty: from the first). */
export interface UnscannedRange extends HoldRange {
  holdId: string;
  after: string;
}

export const HOLD_TABLES = [
  `CREATE TABLE IF NOT EXISTS hold (
    hold_id TEXT PRIMARY KEY, whole INTEGER NOT NULL, review_at TEXT NOT NULL, placed_at_ms INTEGER NOT NULL,
    released_at_ms INTEGER, mirrored INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS hold_range (
    hold_id TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, scanned INTEGER NOT NULL,
    after_pseudonym BLOB NOT NULL, PRIMARY KEY (hold_id, from_seq)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS hold_person (
    pseudonym BLOB NOT NULL, hold_id TEXT NOT NULL, named INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, hold_id)) STRICT, WITHOUT ROWID`,
];

export class SqliteHolds {
  readonly queries: SqliteQueryHolds;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    for (const statement of HOLD_TABLES) this.#sql.exec(statement);
    this.queries = new SqliteQueryHolds(storage);
  }

  /** In force from here on. Idempotent; false when the hold was released already: then nothing changes. */
  place({ holdId, reviewAt, whole, ranges, people, query }: HoldPlacement, nowMs: number): boolean {
    return this.#storage.transactionSync(() => {
      const known = this.get(holdId);
      if (known) return !known.released;
      this.#sql.exec(
        "INSERT INTO hold (hold_id, whole, review_at, placed_at_ms, released_at_ms, mirrored) VALUES (?, ?, ?, ?, NULL, 0)",
        holdId,
        whole ? 1 : 0,
        reviewAt,
        nowMs,
      );
      for (const { fromSeq, toSeq } of ranges) {
        this.#sql.exec("INSERT INTO hold_range VALUES (?, ?, ?, 0, x'')", holdId, fromSeq, toSeq);
      }
      for (const pseudonym of people) {
        this.#sql.exec("INSERT INTO hold_person VALUES (?, ?, 1)", bytesOf(pseudonym), holdId);
      }
      if (query) this.queries.add(holdId, query.filter, query.fromSeq);
      return true;
    });
  }

  /** Idempotent. False when there is no such hold in force. */
  review(holdId: string, reviewAt: string): boolean {
    const set = this.#sql.exec(
      "UPDATE hold SET review_at = ? WHERE hold_id = ? AND released_at_ms IS NULL",
      reviewAt,
      holdId,
    );
    return set.rowsWritten > 0;
  }

  /** Blocks nothing from here on. Idempotent, also for a hold that never came here: it never will. */
  release(holdId: string, nowMs: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        `INSERT INTO hold (hold_id, whole, review_at, placed_at_ms, released_at_ms, mirrored) VALUES (?1, 0, '', ?2, ?2, 0)
         ON CONFLICT (hold_id) DO UPDATE SET released_at_ms = excluded.released_at_ms, mirrored = 0
         WHERE released_at_ms IS NULL`,
        holdId,
        nowMs,
      );
      this.#sql.exec("DELETE FROM hold_range WHERE hold_id = ?", holdId);
      this.#sql.exec("DELETE FROM hold_person WHERE hold_id = ?", holdId);
      this.queries.remove(holdId);
    });
  }

  /** The oldest hold that forbids to erase this person; null: none does. */
  blockingErasure(pseudonym: string): Blocking | null {
    const [row] = this.#sql
      .exec<{ hold_id: string; review_at: string; reason: Blocking["reason"] }>(
        `SELECT * FROM (SELECT hold_id, review_at, placed_at_ms, CASE WHEN whole = 1 THEN 'domain'
           WHEN EXISTS (SELECT 1 FROM hold_range r WHERE r.hold_id = hold.hold_id AND r.scanned = 0) THEN 'range'
           ELSE (SELECT CASE named WHEN 1 THEN 'person' WHEN 2 THEN 'query' ELSE 'range' END FROM hold_person p
                 WHERE p.pseudonym = ? AND p.hold_id = hold.hold_id) END AS reason
         FROM hold WHERE released_at_ms IS NULL) WHERE reason IS NOT NULL ORDER BY placed_at_ms, hold_id LIMIT 1`,
        bytesOf(pseudonym),
      )
      .toArray();
    return row ? { holdId: row.hold_id, reviewAt: row.review_at, reason: row.reason } : null;
  }

  /** Every hold that is in force here, oldest first. */
  inForce(): DomainHold[] {
    const rows = this.#sql.exec<{ hold_id: string }>(
      "SELECT hold_id FROM hold WHERE released_at_ms IS NULL ORDER BY placed_at_ms, hold_id",
    );
    return rows.toArray().flatMap(({ hold_id }) => this.get(hold_id) ?? []);
  }

  get(holdId: string): DomainHold | null {
    const [row] = this.#sql
      .exec<{ whole: number; review_at: string; released_at_ms: number | null }>(
        "SELECT whole, review_at, released_at_ms FROM hold WHERE hold_id = ?",
        holdId,
      )
      .toArray();
    if (!row) return null;
    const ranges = this.#sql
      .exec<{ from_seq: number; to_seq: number; scanned: number }>(
        "SELECT from_seq, to_seq, scanned FROM hold_range WHERE hold_id = ? ORDER BY from_seq",
        holdId,
      )
      .toArray();
    return {
      holdId,
      reviewAt: row.review_at,
      whole: row.whole === 1,
      ranges: ranges.map(({ from_seq: fromSeq, to_seq: toSeq }) => ({ fromSeq, toSeq })),
      scanned: ranges.every(({ scanned }) => scanned === 1),
      heldFrom: this.queries.heldFrom(holdId),
      released: row.released_at_ms !== null,
    };
  }

  unscanned(): UnscannedRange | null {
    const [row] = this.#sql
      .exec<{ hold_id: string; from_seq: number; to_seq: number; after_pseudonym: ArrayBuffer }>(
        "SELECT * FROM hold_range WHERE scanned = 0 LIMIT 1",
      )
      .toArray();
    if (!row) return null;
    const after = toHex(new Uint8Array(row.after_pseudonym));
    return { holdId: row.hold_id, fromSeq: row.from_seq, toSeq: row.to_seq, after };
  }

  /** Remembers people that were found in a range. `next` null: there are no more. A range that was released meanwhile is gone. */
  found({ holdId, fromSeq }: UnscannedRange, pseudonyms: readonly string[], next: string | null): void {
    this.#storage.transactionSync(() => {
      const still = this.#sql.exec(
        "UPDATE hold_range SET scanned = ?, after_pseudonym = ? WHERE hold_id = ? AND from_seq = ?",
        next === null ? 1 : 0,
        bytesOf(next ?? ""),
        holdId,
        fromSeq,
      );
      if (still.rowsWritten === 0) return;
      for (const pseudonym of pseudonyms) {
        this.#sql.exec("INSERT OR IGNORE INTO hold_person VALUES (?, ?, 0)", bytesOf(pseudonym), holdId);
      }
    });
  }

  /** Holds, in force or released, that D1 was not seen to agree with. */
  unmirrored(): DomainHold[] {
    const rows = this.#sql.exec<{ hold_id: string }>("SELECT hold_id FROM hold WHERE mirrored = 0 ORDER BY hold_id");
    return rows.toArray().flatMap(({ hold_id }) => this.get(hold_id) ?? []);
  }

  /** Unless it was changed since it was read as `hold`. */
  setMirrored({ holdId, released, heldFrom }: DomainHold): void {
    if (heldFrom !== null) this.queries.setMirrored(holdId, heldFrom);
    this.#sql.exec(
      "UPDATE hold SET mirrored = 1 WHERE hold_id = ? AND (released_at_ms IS NOT NULL) = ?",
      holdId,
      released ? 1 : 0,
    );
  }

  isMirrored(holdId: string): boolean {
    const rows = this.#sql.exec<{ mirrored: number }>("SELECT mirrored FROM hold WHERE hold_id = ?", holdId);
    return rows.toArray()[0]?.mirrored === 1;
  }

  /** D1 may have been set back, or the domain goes on in another shard: what is in force is mirrored again. */
  forgetMirrored(): void {
    this.#sql.exec("UPDATE hold SET mirrored = 0 WHERE released_at_ms IS NULL AND mirrored = 1");
  }
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a pseudonym is lower-case hex");
  return bytes;
}
