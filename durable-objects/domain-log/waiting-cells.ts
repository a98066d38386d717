/** Sealed values that wait in a domain's object, for sealing them anew (`WaitingCells` of src/services/ports.ts). */
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { PrivateCell, SubjectRow, WaitingCells } from "../../src/services/ports.ts";

type PrivateRecord = { seq: number; subject: ArrayBuffer; sealed: ArrayBuffer; id: string };
type MappingRecord = {
  pseudonym: ArrayBuffer;
  seq: number;
  subject_plaintext: ArrayBuffer;
  email_claim: ArrayBuffer | null;
  source_ip: ArrayBuffer | null;
  idp_claim_names: ArrayBuffer | null;
};

export class SqliteWaitingCells implements WaitingCells {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** `after`: seq and subject. */
  privates(after: string, limit: number) {
    const [seq = "-1", subject = ""] = after.split(",");
    const rows = this.#sql
      .exec<PrivateRecord>(
        `SELECT v.seq, v.subject, v.sealed, p.id FROM pending_private v JOIN pending p ON p.seq = v.seq
         WHERE v.sealed IS NOT NULL AND (v.seq, v.subject) > (?, ?) ORDER BY v.seq, v.subject LIMIT ?`,
        Number(seq),
        bytesOf(subject),
        limit,
      )
      .toArray();
    const cells = rows.map((row) => ({
      seq: row.seq,
      subject: hexOf(row.subject),
      entryId: row.id,
      sealed: asSealed("private_values", new Uint8Array(row.sealed)),
    }));
    const last = cells.at(-1);
    return { cells, next: last ? `${last.seq},${last.subject}` : null };
  }

  replacePrivates(changes: readonly { cell: PrivateCell; sealed: Sealed<"private_values"> }[]): number {
    return this.#storage.transactionSync(() =>
      changes.reduce((replaced, { cell, sealed }) => {
        const { rowsWritten } = this.#sql.exec(
          "UPDATE pending_private SET sealed = ? WHERE seq = ? AND subject = ? AND sealed = ?",
          sealed,
          cell.seq,
          bytesOf(cell.subject),
          cell.sealed,
        );
        return replaced + (rowsWritten > 0 ? 1 : 0);
      }, 0),
    );
  }

  /** Pseudonyms whose key is on a page, ascending, after one, at most `limit`. */
  onPage(page: number, after: string, limit: number): string[] {
    const rows = this.#sql.exec<{ pseudonym: ArrayBuffer }>(
      `SELECT pseudonym FROM subject WHERE page = ? AND pseudonym > ? AND suppressed_at_ms IS NULL
       ORDER BY pseudonym LIMIT ?`,
      page,
      bytesOf(after),
      limit,
    );
    return rows.toArray().map(({ pseudonym }) => hexOf(pseudonym));
  }

  /** `after`: a pseudonym. */
  mappings(after: string, limit: number) {
    const rows = this.#sql
      .exec<MappingRecord>(
        "SELECT * FROM pending_subject WHERE pseudonym > ? ORDER BY pseudonym LIMIT ?",
        bytesOf(after),
        limit,
      )
      .toArray()
      .map(mappingOf);
    return { rows, next: rows.at(-1)?.pseudonym ?? null };
  }

  replaceMappings(changes: readonly { before: SubjectRow; after: SubjectRow }[]): void {
    this.#storage.transactionSync(() => {
      for (const { before, after } of changes) {
        this.#sql.exec(
          `UPDATE pending_subject SET subject_plaintext = ?, email_claim = ?, source_ip = ?, idp_claim_names = ?
           WHERE pseudonym = ? AND subject_plaintext = ?`,
          after.subjectPlaintext,
          after.emailClaim,
          after.sourceIp,
          after.idpClaimNames,
          bytesOf(before.pseudonym),
          before.subjectPlaintext,
        );
      }
    });
  }
}

const mappingOf = (row: MappingRecord): SubjectRow => ({
  pseudonym: hexOf(row.pseudonym),
  seq: row.seq,
  subjectPlaintext: asSealed("subject_identity", new Uint8Array(row.subject_plaintext)),
  emailClaim: row.email_claim && asSealed("contact", new Uint8Array(row.email_claim)),
  sourceIp: row.source_ip && asSealed("network", new Uint8Array(row.source_ip)),
  idpClaimNames: row.idp_claim_names && asSealed("idp_claims", new Uint8Array(row.idp_claim_names)),
});

const hexOf = (bytes: ArrayBuffer) => toHex(new Uint8Array(bytes));

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new TypeError("a pseudonym is lower-case hex");
  return bytes;
}
