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

/** Versions stand in the header as two bytes each, most significant first, so blobs compare as numbers do. */
const PRIVATES = `SELECT seq, subject, sealed, id FROM (
    SELECT v.seq AS seq, e.value AS subject, hex(v.sealed) AS sealed, a.id AS id, e.key AS nth,
      sum(length(v.sealed)) OVER (ORDER BY e.key, v.seq ROWS UNBOUNDED PRECEDING) - length(v.sealed) AS before
    FROM json_each(?2) e
      CROSS JOIN audit_private_value v ON v.domain_id = ?1 AND v.subject = unhex(e.value) AND (e.key > 0 OR v.seq > ?3)
      LEFT JOIN audit_log a ON a.domain_id = ?1 AND a.seq = v.seq
    WHERE v.sealed IS NOT NULL AND (substr(v.sealed, 3, 2) < unhex(?4)
      OR (substr(v.sealed, 5, 2) > x'0000' AND substr(v.sealed, 5, 2) < unhex(?5)))
    ORDER BY e.key, v.seq LIMIT ?6)
  WHERE before < ?7 ORDER BY nth, seq`;
const REPLACE_PRIVATE = `UPDATE audit_private_value AS v SET sealed = unhex(e.value ->> 3) FROM json_each(?2) e
  WHERE v.domain_id = ?1 AND v.subject = unhex(e.value ->> 1) AND v.seq = e.value ->> 0
    AND substr(v.sealed, 1, ${NAMED_BY}) = unhex(e.value ->> 2)`;
const MAPPINGS = `SELECT ${SUBJECT_COLUMNS} FROM audit_subject_pii
  WHERE domain_id = ?1 AND pseudonym > unhex(?2) ORDER BY pseudonym LIMIT ?3`;
/** A mapping changes as a whole: its plaintext is there in each. */
const REPLACE_MAPPING = `UPDATE audit_subject_pii AS s SET subject_plaintext = unhex(e.value ->> 2),
    email_claim = unhex(e.value ->> 3), source_ip = unhex(e.value ->> 4), idp_claim_names = unhex(e.value ->> 5)
  FROM json_each(?2) e WHERE s.domain_id = ?1 AND s.pseudonym = unhex(e.value ->> 0)
    AND substr(s.subject_plaintext, 1, ${NAMED_BY}) = unhex(e.value ->> 1)`;

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
