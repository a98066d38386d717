/**
 * Erasures in the object's SQLite (`ErasureBook` of src/services/erasure/ports.ts). Nothing here tells who a person is.
 *
 * erasure          one row a person: what was asked and how far it has come; stays, so that a second request finds it
 * erasure_seq      entries that name the person, until the pages that hold them are rewritten
 * erasure_promise  a domain's word that no hold forbade an erasure when it was asked (S4-32)
 */
import { fromHex } from "../../src/core/bytes.ts";
import { type Erasure, isFinished } from "../../src/services/erasure/erasure.ts";
import type { ErasureBook } from "../../src/services/erasure/ports.ts";

const TABLES = [
  `CREATE TABLE IF NOT EXISTS erasure (
    id TEXT PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE, finished INTEGER NOT NULL, began INTEGER NOT NULL,
    state TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS erasure_open ON erasure (began) WHERE finished = 0",
  `CREATE TABLE IF NOT EXISTS erasure_seq (
    id TEXT NOT NULL, seq INTEGER NOT NULL, ledger INTEGER NOT NULL, PRIMARY KEY (id, seq)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS erasure_promise (
    id TEXT PRIMARY KEY, pseudonym BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
];

export class SqliteErasureBook implements ErasureBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    for (const statement of TABLES) this.#sql.exec(statement);
  }

  get(id: string): Erasure | null {
    return this.#one("SELECT state FROM erasure WHERE id = ?", id);
  }

  of(pseudonym: string): Erasure | null {
    return this.#one("SELECT state FROM erasure WHERE pseudonym = ?", bytesOf(pseudonym));
  }

  /** A new erasure, with the entries whose rows waited in the object. */
  begin(erasure: Erasure, seqs: readonly number[]): void {
    this.#sql.exec(
      "INSERT INTO erasure (id, pseudonym, finished, began, state) VALUES (?, ?, ?, (SELECT ifnull(max(began), 0) + 1 FROM erasure), ?)",
      erasure.id,
      bytesOf(erasure.pseudonym),
      isFinished(erasure) ? 1 : 0,
      JSON.stringify(erasure),
    );
    this.#addSeqs(erasure, seqs, 0);
  }

  set(erasure: Erasure): void {
    const finished = isFinished(erasure) ? 1 : 0;
    this.#sql.exec(
      "UPDATE erasure SET state = ?, finished = ? WHERE id = ?",
      JSON.stringify(erasure),
      finished,
      erasure.id,
    );
  }

  /** Ids of those that are not finished, in the order in which they began. */
  open(): string[] {
    const rows = this.#sql.exec<{ id: string }>("SELECT id FROM erasure WHERE finished = 0 ORDER BY began");
    return rows.toArray().map(({ id }) => id);
  }

  /** All of them, in the order of their ids. */
  *all(): Iterable<Erasure> {
    for (let after = ""; ; ) {
      const [row] = this.#sql
        .exec<{ id: string; state: string }>("SELECT id, state FROM erasure WHERE id > ? ORDER BY id LIMIT 1", after)
        .toArray();
      if (!row) return;
      after = row.id;
      yield JSON.parse(row.state) as Erasure;
    }
  }

  addObjectSeqs(erasure: Erasure, seqs: readonly number[]): void {
    this.#addSeqs(erasure, seqs, 0);
  }

  addLedgerSeqs(erasure: Erasure, seqs: readonly number[]): void {
    this.#addSeqs(erasure, seqs, 1);
  }

  ledgerSeqs({ id }: Erasure): number {
    return this.#count("SELECT count(*) AS n FROM erasure_seq WHERE id = ? AND ledger = 1", id);
  }

  seqs({ id }: Erasure): number {
    return this.#count("SELECT count(*) AS n FROM erasure_seq WHERE id = ?", id);
  }

  nextSeq({ id }: Erasure, fromSeq: number): number | null {
    const rows = this.#sql.exec<{ seq: number }>(
      "SELECT seq FROM erasure_seq WHERE id = ? AND seq >= ? ORDER BY seq LIMIT 1",
      id,
      fromSeq,
    );
    return rows.toArray()[0]?.seq ?? null;
  }

  dropSeqs({ id }: Erasure): void {
    this.#sql.exec("DELETE FROM erasure_seq WHERE id = ?", id);
  }

  /** Idempotent by id. */
  promise(id: string, pseudonym: string, atMs: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO erasure_promise VALUES (?, ?, ?)", id, bytesOf(pseudonym), atMs);
  }

  /** Whether this was promised; the promise is used up. */
  redeem(id: string, pseudonym: string): boolean {
    return (
      this.#sql.exec("DELETE FROM erasure_promise WHERE id = ? AND pseudonym = ?", id, bytesOf(pseudonym)).rowsWritten >
      0
    );
  }

  /** Promises that nobody has come back for. */
  forgetPromises(beforeMs: number): void {
    this.#sql.exec("DELETE FROM erasure_promise WHERE at_ms < ?", beforeMs);
  }

  #addSeqs({ id }: Erasure, seqs: readonly number[], ledger: 0 | 1): void {
    if (seqs.length === 0) return;
    this.#sql.exec(
      `INSERT INTO erasure_seq (id, seq, ledger) SELECT ?, value, ? FROM json_each(?) WHERE true
       ON CONFLICT (id, seq) DO UPDATE SET ledger = max(ledger, excluded.ledger)`,
      id,
      ledger,
      JSON.stringify(seqs),
    );
  }

  #count(sql: string, id: string): number {
    return this.#sql.exec<{ n: number }>(sql, id).one().n;
  }

  #one(sql: string, key: string | Uint8Array): Erasure | null {
    const [row] = this.#sql.exec<{ state: string }>(sql, key).toArray();
    return row ? (JSON.parse(row.state) as Erasure) : null;
  }
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a pseudonym is lower-case hex");
  return bytes;
}
