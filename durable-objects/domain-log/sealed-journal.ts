/**
 * The sealed side of a domain's journal (`SealedJournal` of src/services/ports.ts), in the same SQLite and the same
 * transactions.
 *
 * subject          whom this domain knows: the page of the key, whether the mapping was stored, whether they are erased
 * pending_private  private values that D1 or R2 do not hold yet
 * pending_subject  mappings that D1 or R2 do not hold yet
 */
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { asSealed } from "../../src/crypto/sealed.ts";
import type { KnownSubject, SealedJournal, SealedRows } from "../../src/services/ports.ts";

type SubjectRecord = { pseudonym: ArrayBuffer; epoch: number; page: number | null; seen: number; suppressed: number };
type PrivateRecord = { seq: number; subject: ArrayBuffer; sealed: ArrayBuffer | null };
type MappingRecord = {
  pseudonym: ArrayBuffer;
  seq: number;
  subject_plaintext: ArrayBuffer;
  email_claim: ArrayBuffer | null;
  source_ip: ArrayBuffer | null;
  idp_claim_names: ArrayBuffer | null;
};

export const SEALED_TABLES = [
  `CREATE TABLE IF NOT EXISTS subject (
    pseudonym BLOB PRIMARY KEY, epoch INTEGER NOT NULL, page INTEGER, seen INTEGER NOT NULL,
    suppressed_at_ms INTEGER) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS subject_page ON subject (page)",
  `CREATE TABLE IF NOT EXISTS pending_private (
    seq INTEGER NOT NULL, subject BLOB NOT NULL, sealed BLOB, PRIMARY KEY (seq, subject)) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS pending_private_subject ON pending_private (subject)",
  `CREATE TABLE IF NOT EXISTS pending_subject (
    pseudonym BLOB PRIMARY KEY, seq INTEGER NOT NULL, subject_plaintext BLOB NOT NULL, email_claim BLOB, source_ip BLOB,
    idp_claim_names BLOB) STRICT, WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS pending_subject_seq ON pending_subject (seq)",
];

export class SqliteSealedJournal implements SealedJournal {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #lastPage: { page: number; keys: number } | null | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    for (const statement of SEALED_TABLES) this.#sql.exec(statement);
  }

  subjects(pseudonyms: readonly string[]): KnownSubject[] {
    if (pseudonyms.length === 0) return [];
    const rows = this.#sql.exec<SubjectRecord>(
      `SELECT pseudonym, epoch, page, seen, suppressed_at_ms IS NOT NULL AS suppressed FROM json_each(?) e
       CROSS JOIN subject ON pseudonym = unhex(e.value)`,
      JSON.stringify(pseudonyms),
    );
    return rows.toArray().map(({ pseudonym, epoch, page, seen, suppressed }) => ({
      pseudonym: hexOf(pseudonym),
      epoch,
      page,
      seen: seen === 1,
      suppressed: suppressed === 1,
    }));
  }

  addKeys(keys: readonly { pseudonym: string; epoch: number; page: number }[]): void {
    if (keys.length === 0) return;
    this.#storage.transactionSync(() => {
      for (const { pseudonym, epoch, page } of keys) {
        this.#sql.exec(
          `INSERT INTO subject (pseudonym, epoch, page, seen, suppressed_at_ms) VALUES (?, ?, ?, 0, NULL)
           ON CONFLICT (pseudonym) DO UPDATE SET page = excluded.page, epoch = excluded.epoch
           WHERE page IS NULL AND suppressed_at_ms IS NULL`,
          bytesOf(pseudonym),
          epoch,
          page,
        );
      }
    });
    this.#lastPage = undefined;
  }

  lastPage(): { page: number; keys: number } | null {
    if (this.#lastPage !== undefined) return this.#lastPage;
    const [row] = this.#sql
      .exec<{ page: number; keys: number }>(
        "SELECT page, count(*) AS keys FROM subject WHERE page = (SELECT max(page) FROM subject) GROUP BY page",
      )
      .toArray();
    this.#lastPage = row ?? null;
    return this.#lastPage;
  }

  appendSealed({ privates, subjects }: SealedRows): void {
    for (const { seq, subject, sealed } of privates) {
      this.#sql.exec(
        "INSERT INTO pending_private (seq, subject, sealed) VALUES (?, ?, ?)",
        seq,
        bytesOf(subject),
        sealed,
      );
    }
    for (const row of subjects) {
      const pseudonym = bytesOf(row.pseudonym);
      this.#sql.exec(
        `INSERT INTO pending_subject (pseudonym, seq, subject_plaintext, email_claim, source_ip, idp_claim_names)
         VALUES (?, ?, ?, ?, ?, ?)`,
        pseudonym,
        row.seq,
        row.subjectPlaintext,
        row.emailClaim,
        row.sourceIp,
        row.idpClaimNames,
      );
      this.#sql.exec("UPDATE subject SET seen = 1 WHERE pseudonym = ?", pseudonym);
    }
  }

  sealedUpTo(fromSeq: number, toSeq: number, maxBytes: number): number {
    const { over } = this.#sql
      .exec<{ over: number | null }>(
        `SELECT min(seq) AS over FROM (
           SELECT seq, sum(ifnull(length(sealed), 0)) OVER (ORDER BY seq) AS bytes FROM pending_private
           WHERE seq BETWEEN ? AND ?)
         WHERE bytes > ?`,
        fromSeq,
        toSeq,
        maxBytes,
      )
      .one();
    return over === null ? toSeq : Math.max(fromSeq, over - 1);
  }

  pendingSealed(fromSeq: number, toSeq: number): SealedRows {
    const privates = this.#sql
      .exec<PrivateRecord>("SELECT seq, subject, sealed FROM pending_private WHERE seq BETWEEN ? AND ?", fromSeq, toSeq)
      .toArray();
    const subjects = this.#sql
      .exec<MappingRecord>("SELECT * FROM pending_subject WHERE seq BETWEEN ? AND ?", fromSeq, toSeq)
      .toArray();
    return {
      privates: privates.map(({ seq, subject, sealed }) => ({
        seq,
        subject: hexOf(subject),
        sealed: sealed && asSealed("private_values", new Uint8Array(sealed)),
      })),
      subjects: subjects.map((row) => ({
        pseudonym: hexOf(row.pseudonym),
        seq: row.seq,
        subjectPlaintext: asSealed("subject_identity", new Uint8Array(row.subject_plaintext)),
        emailClaim: row.email_claim && asSealed("contact", new Uint8Array(row.email_claim)),
        sourceIp: row.source_ip && asSealed("network", new Uint8Array(row.source_ip)),
        idpClaimNames: row.idp_claim_names && asSealed("idp_claims", new Uint8Array(row.idp_claim_names)),
      })),
    };
  }

  releaseSealed(size: number): void {
    this.#sql.exec("DELETE FROM pending_private WHERE seq < ?", size);
    this.#sql.exec("DELETE FROM pending_subject WHERE seq < ?", size);
  }

  /**
   * Erases from the object itself, in one transaction: from now on nothing about this subject is stored, and what waited is
   * gone. Answers the page that holds the key (null: none is known), the entries whose rows waited, and how many mappings did.
   * Idempotent.
   */
  suppress(pseudonym: string, atMs: number): { page: number | null; first: boolean; seqs: number[]; mappings: number } {
    return this.#storage.transactionSync(() => {
      const [before] = this.subjects([pseudonym]);
      const bytes = bytesOf(pseudonym);
      const waiting = this.#sql.exec<{ seq: number }>("SELECT seq FROM pending_private WHERE subject = ?", bytes);
      const seqs = waiting.toArray().map(({ seq }) => seq);
      const { mappings } = this.#sql
        .exec<{ mappings: number }>("SELECT count(*) AS mappings FROM pending_subject WHERE pseudonym = ?", bytes)
        .one();
      this.#sql.exec("DELETE FROM pending_private WHERE subject = ?", bytes);
      this.#sql.exec("DELETE FROM pending_subject WHERE pseudonym = ?", bytes);
      this.#sql.exec(
        `INSERT INTO subject (pseudonym, epoch, page, seen, suppressed_at_ms) VALUES (?, 1, NULL, 0, ?)
         ON CONFLICT (pseudonym) DO UPDATE SET suppressed_at_ms = ifnull(suppressed_at_ms, excluded.suppressed_at_ms)`,
        bytes,
        atMs,
      );
      return { page: before?.page ?? null, first: !before?.suppressed, seqs, mappings };
    });
  }
}

const hexOf = (bytes: ArrayBuffer) => toHex(new Uint8Array(bytes));

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a pseudonym is lower-case hex");
  return bytes;
}
