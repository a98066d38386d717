/** Sealed values of one domain in its ledger shards (D1), for sealing them anew. Every change names the value that it replaces. */
import { toHex } from "../core/bytes.ts";
import { LIMITS } from "../core/limits.ts";
import { asSealed, type Sealed } from "../crypto/sealed.ts";
import type { PrivateCell, ResealLedger, SubjectRow } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { jsonArrays } from "./json-arrays.ts";
import { SUBJECT_COLUMNS, type SubjectSqlRow, subjectOf } from "./sealed-rows.ts";

/** Header and nonce: no two values have the same. Bytes. */
const NAMED_BY = 20;

/**
 * Versions stand in the header as two bytes each, most significant first, so blobs compare as numbers do. CROSS JOIN fixes the
 * order of the loops, and with it the order of the rows: sorting would read all of them for each page. Sizes are added up
 * before the values are fetched.
 */
const PRIVATES = `WITH stale AS (
    SELECT v.seq AS seq, e.key AS nth, e.value AS subject, length(v.sealed) AS bytes FROM json_each(?2) e
      CROSS JOIN audit_private_value v ON v.domain_id = ?1 AND v.subject = unhex(e.value) AND v.seq > ?3
    WHERE v.sealed IS NOT NULL AND (substr(v.sealed, 3, 2) < unhex(?4)
      OR (substr(v.sealed, 5, 2) > x'0000' AND substr(v.sealed, 5, 2) < unhex(?5)))
    LIMIT ?6),
  sized AS (
    SELECT seq, nth, subject, sum(bytes) OVER (ORDER BY nth, seq ROWS UNBOUNDED PRECEDING) - bytes AS before FROM stale)
  SELECT s.seq, s.subject, hex(v.sealed), a.id FROM sized s
    CROSS JOIN audit_private_value v ON v.domain_id = ?1 AND v.subject = unhex(s.subject) AND v.seq = s.seq
    LEFT JOIN audit_log a ON a.domain_id = ?1 AND a.seq = s.seq
  WHERE s.before < ?7 ORDER BY s.nth, s.seq`;
/** An UPDATE with FROM would walk the whole domain for each row: this form looks every row up. None is ever added. */
const REPLACE_PRIVATE = `INSERT INTO audit_private_value (domain_id, subject, seq, sealed)
  SELECT ?1, v.subject, v.seq, unhex(e.value ->> 3) FROM json_each(?2) e
    CROSS JOIN audit_private_value v ON v.domain_id = ?1 AND v.subject = unhex(e.value ->> 1) AND v.seq = e.value ->> 0
  WHERE substr(v.sealed, 1, ${NAMED_BY}) = unhex(e.value ->> 2)
  ON CONFLICT (domain_id, subject, seq) DO UPDATE SET sealed = excluded.sealed`;
const MAPPINGS = `SELECT ${SUBJECT_COLUMNS} FROM audit_subject_pii
  WHERE domain_id = ?1 AND pseudonym > unhex(?2) ORDER BY pseudonym LIMIT ?3`;
/** A mapping changes as a whole: its plaintext is there in each. */
const REPLACE_MAPPING = `INSERT INTO audit_subject_pii
    (domain_id, pseudonym, first_seq, subject_plaintext, email_claim, source_ip, idp_claim_names)
  SELECT ?1, s.pseudonym, s.first_seq, unhex(e.value ->> 2), unhex(e.value ->> 3), unhex(e.value ->> 4), unhex(e.value ->> 5)
  FROM json_each(?2) e CROSS JOIN audit_subject_pii s ON s.domain_id = ?1 AND s.pseudonym = unhex(e.value ->> 0)
  WHERE substr(s.subject_plaintext, 1, ${NAMED_BY}) = unhex(e.value ->> 1)
  ON CONFLICT (domain_id, pseudonym) DO UPDATE SET subject_plaintext = excluded.subject_plaintext,
    email_claim = excluded.email_claim, source_ip = excluded.source_ip, idp_claim_names = excluded.idp_claim_names`;

export class D1ResealLedger implements ResealLedger {
  readonly #shards: () => readonly string[];
  readonly #open: (shard: string) => D1Database;
  readonly #domainId: string;

  constructor(shards: () => readonly string[], open: (shard: string) => D1Database, domainId: string) {
    this.#shards = shards;
    this.#open = open;
    this.#domainId = domainId;
  }

  shards(): string[] {
    return [...new Set(this.#shards())];
  }

  async privates(
    ...[shard, subjects, seq, below, limit]: Parameters<ResealLedger["privates"]>
  ): Promise<PrivateCell[]> {
    const bound = this.#open(shard)
      .prepare(PRIVATES)
      .bind(
        this.#domainId,
        JSON.stringify(subjects),
        seq,
        versionHex(below.slotVersion),
        versionHex(below.tenantKeyVersion),
        limit,
        LIMITS.resealBytes,
      );
    const rows = await asking(() => bound.raw<[number, string, string, string | null]>());
    return rows.map(([seq, subject, sealed, entryId]) => ({
      seq,
      subject,
      // Without its entry it does not open.
      entryId: entryId ?? "",
      sealed: asSealed("private_values", Buffer.from(sealed, "hex")),
    }));
  }

  async replacePrivates(
    shard: string,
    changes: readonly { cell: PrivateCell; sealed: Sealed<"private_values"> }[],
  ): Promise<void> {
    const rows = changes.map(({ cell, sealed }) => [cell.seq, cell.subject, nameOf(cell.sealed), toHex(sealed)]);
    await this.#replace(shard, REPLACE_PRIVATE, rows);
  }

  async mappings(shard: string, after: string, limit: number): Promise<SubjectRow[]> {
    const bound = this.#open(shard).prepare(MAPPINGS).bind(this.#domainId, after, limit);
    const { results } = await asking(() => bound.all<SubjectSqlRow>());
    return results.map(subjectOf);
  }

  async replaceMappings(shard: string, changes: readonly { before: SubjectRow; after: SubjectRow }[]): Promise<void> {
    const rows = changes.map(({ before, after }) => [
      before.pseudonym,
      nameOf(before.subjectPlaintext),
      toHex(after.subjectPlaintext),
      ...[after.emailClaim, after.sourceIp, after.idpClaimNames].map((sealed) => sealed && toHex(sealed)),
    ]);
    await this.#replace(shard, REPLACE_MAPPING, rows);
  }

  async #replace(shard: string, sql: string, rows: readonly unknown[]): Promise<void> {
    if (rows.length === 0) return;
    const db = this.#open(shard);
    const statements = jsonArrays(rows, LIMITS.boundStringBytes).map((json) =>
      db.prepare(sql).bind(this.#domainId, json),
    );
    await asking(() => db.batch(statements));
  }
}

const versionHex = (version: number) => version.toString(16).padStart(4, "0");
const nameOf = (sealed: Uint8Array) => toHex(sealed.subarray(0, NAMED_BY));

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeUnavailable("ledger", error);
  }
}
