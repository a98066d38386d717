/** The statements for what is sealed beside the entries in a ledger shard. Blobs travel as hex: SQLite has no base64. */
import { toHex } from "../core/bytes.ts";
import type { SlotName } from "../crypto/key-registry.ts";
import type { Sealed } from "../crypto/sealed.ts";
import type { PrivateRow, SealedRows, SubjectRow } from "../services/ports.ts";

/** Refills of a restored database meet rows that are there: those stay. */
export const INSERT_PRIVATE = `INSERT INTO audit_private_value (domain_id, subject, seq, sealed)
  SELECT ?1, unhex(e.value ->> 1), e.value ->> 0, unhex(e.value ->> 2) FROM json_each(?2) e WHERE true
  ON CONFLICT (domain_id, subject, seq) DO NOTHING`;
export const INSERT_SUBJECT = `INSERT INTO audit_subject_pii
    (domain_id, pseudonym, first_seq, subject_plaintext, email_claim, source_ip, idp_claim_names)
  SELECT ?1, unhex(e.value ->> 1), e.value ->> 0, unhex(e.value ->> 2), unhex(e.value ->> 3), unhex(e.value ->> 4), unhex(e.value ->> 5)
  FROM json_each(?2) e WHERE true
  ON CONFLICT (domain_id, pseudonym) DO NOTHING`;

export const privateAsJson = ({ seq, subject, sealed }: PrivateRow): unknown => [seq, subject, sealed && toHex(sealed)];

export const subjectAsJson = (row: SubjectRow): unknown => [
  row.seq,
  row.pseudonym,
  toHex(row.subjectPlaintext),
  ...[row.emailClaim, row.sourceIp, row.idpClaimNames].map((sealed) => sealed && toHex(sealed)),
];

export interface PrivateSqlRow {
  seq: number;
  subject: string;
  sealed: ArrayBuffer | number[] | null;
}

export interface SubjectSqlRow {
  pseudonym: string;
  seq: number;
  subjectPlaintext: ArrayBuffer | number[];
  emailClaim: ArrayBuffer | number[] | null;
  sourceIp: ArrayBuffer | number[] | null;
  idpClaimNames: ArrayBuffer | number[] | null;
}

export const PRIVATE_COLUMNS = "seq, lower(hex(subject)) AS subject, sealed";
export const SUBJECT_COLUMNS = `lower(hex(pseudonym)) AS pseudonym, first_seq AS seq, subject_plaintext AS subjectPlaintext,
  email_claim AS emailClaim, source_ip AS sourceIp, idp_claim_names AS idpClaimNames`;

export const privateOf = ({ seq, subject, sealed }: PrivateSqlRow): PrivateRow => ({
  seq,
  subject,
  sealed: sealed && storedAs<"private_values">(sealed),
});

export const subjectOf = (row: SubjectSqlRow): SubjectRow => ({
  pseudonym: row.pseudonym,
  seq: row.seq,
  subjectPlaintext: storedAs<"subject_identity">(row.subjectPlaintext),
  emailClaim: row.emailClaim && storedAs<"contact">(row.emailClaim),
  sourceIp: row.sourceIp && storedAs<"network">(row.sourceIp),
  idpClaimNames: row.idpClaimNames && storedAs<"idp_claims">(row.idpClaimNames),
});

export const NO_SEALED_ROWS: SealedRows = { privates: [], subjects: [] };

/**
 * What stands in the column of a slot, whatever it is: a damaged value does not open, and must not hide the others by failing
 * here. D1 answers blobs as arrays of numbers.
 */
function storedAs<S extends SlotName>(blob: ArrayBuffer | number[]): Sealed<S> {
  return (blob instanceof ArrayBuffer ? new Uint8Array(blob) : Uint8Array.from(blob)) as Uint8Array as Sealed<S>;
}
