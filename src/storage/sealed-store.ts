/** What is sealed beside one domain's entries, over its ledger shards (D1). */
import type { ErasableRows, PrivateRow, SealedStore, SubjectRow } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import {
  PRIVATE_COLUMNS,
  type PrivateSqlRow,
  privateOf,
  SUBJECT_COLUMNS,
  type SubjectSqlRow,
  subjectOf,
} from "./sealed-rows.ts";

export class D1SealedStore implements SealedStore, ErasableRows {
  readonly #shards: () => readonly D1Database[];
  readonly #domainId: string;

  /** `shards` is asked each time: a domain may go on in another one. */
  constructor(shards: () => readonly D1Database[], domainId: string) {
    this.#shards = shards;
    this.#domainId = domainId;
  }

  async entriesOf(subject: string, range: { fromSeq: number; toSeq: number; limit: number }): Promise<PrivateRow[]> {
    const sql = `SELECT ${PRIVATE_COLUMNS} FROM audit_private_value
      WHERE domain_id = ?1 AND subject = unhex(?2) AND seq BETWEEN ?3 AND ?4 ORDER BY seq LIMIT ?5`;
    const { fromSeq, toSeq, limit } = range;
    const rows = await this.#each<PrivateSqlRow>(sql, subject, fromSeq, toSeq, limit);
    return rows
      .map(privateOf)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit);
  }

  async seqsOf(subject: string, range: Parameters<SealedStore["seqsOf"]>[1]): Promise<number[]> {
    const { fromSeq, toSeq, limit, descending } = range;
    const sql = `SELECT seq FROM audit_private_value
      WHERE domain_id = ?1 AND subject = unhex(?2) AND seq BETWEEN ?3 AND ?4
      ORDER BY seq ${descending ? "DESC" : "ASC"} LIMIT ?5`;
    const rows = await this.#each<{ seq: number }>(sql, subject, fromSeq, toSeq, limit);
    const seqs = [...new Set(rows.map(({ seq }) => seq))];
    return seqs.sort((a, b) => (descending ? b - a : a - b)).slice(0, limit);
  }

  async privateSizes(places: readonly { seq: number; subject: string }[]): Promise<{ seq: number; bytes: number }[]> {
    if (places.length === 0) return [];
    const sql = `SELECT p.seq AS seq, length(p.sealed) AS bytes FROM json_each(?2) e
      CROSS JOIN audit_private_value p ON p.domain_id = ?1 AND p.subject = unhex(e.value ->> 1) AND p.seq = e.value ->> 0
      WHERE p.sealed IS NOT NULL`;
    return this.#each(sql, JSON.stringify(places.map(({ seq, subject }) => [seq, subject])));
  }

  async privateRows(places: readonly { seq: number; subject: string }[]): Promise<PrivateRow[]> {
    if (places.length === 0) return [];
    const sql = `SELECT ${PRIVATE_COLUMNS} FROM json_each(?2) e
      CROSS JOIN audit_private_value p ON p.domain_id = ?1 AND p.subject = unhex(e.value ->> 1) AND p.seq = e.value ->> 0`;
    const rows = await this.#each<PrivateSqlRow>(sql, JSON.stringify(places.map(({ seq, subject }) => [seq, subject])));
    return rows.map(privateOf);
  }

  async subjects(pseudonyms: readonly string[]): Promise<SubjectRow[]> {
    if (pseudonyms.length === 0) return [];
    const sql = `SELECT ${SUBJECT_COLUMNS} FROM json_each(?2) e
      CROSS JOIN audit_subject_pii s ON s.domain_id = ?1 AND s.pseudonym = unhex(e.value)`;
    return (await this.#each<SubjectSqlRow>(sql, JSON.stringify(pseudonyms))).map(subjectOf);
  }

  async seqsNaming(subject: string, limit: number): Promise<number[]> {
    const sql = `SELECT seq FROM audit_private_value WHERE domain_id = ?1 AND subject = unhex(?2) ORDER BY seq LIMIT ?3`;
    const rows = await this.#each<{ seq: number }>(sql, subject, limit);
    return rows
      .map(({ seq }) => seq)
      .sort((a, b) => a - b)
      .slice(0, limit);
  }

  async mappings(subject: string): Promise<number> {
    const sql = "SELECT count(*) AS n FROM audit_subject_pii WHERE domain_id = ?1 AND pseudonym = unhex(?2)";
    return (await this.#each<{ n: number }>(sql, subject)).reduce((sum, { n }) => sum + n, 0);
  }

  async eraseSubject(
    subject: string,
    toSeq = Number.MAX_SAFE_INTEGER,
  ): Promise<{ privateRows: number; subjectRows: number }> {
    const counts = { privateRows: 0, subjectRows: 0 };
    for (const db of this.#shards()) {
      const [privates, subjects] = await asking(() =>
        db.batch([
          db
            .prepare("DELETE FROM audit_private_value WHERE domain_id = ?1 AND subject = unhex(?2) AND seq <= ?3")
            .bind(this.#domainId, subject, toSeq),
          db
            .prepare("DELETE FROM audit_subject_pii WHERE domain_id = ?1 AND pseudonym = unhex(?2)")
            .bind(this.#domainId, subject),
        ]),
      );
      counts.privateRows += privates?.meta.changes ?? 0;
      counts.subjectRows += subjects?.meta.changes ?? 0;
    }
    return counts;
  }

  async #each<Row>(sql: string, ...values: unknown[]): Promise<Row[]> {
    const results = await Promise.all(
      this.#shards().map((db) =>
        asking(() =>
          db
            .prepare(sql)
            .bind(this.#domainId, ...values)
            .all<Row>(),
        ),
      ),
    );
    return results.flatMap(({ results: rows }) => rows);
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeUnavailable("ledger", error);
  }
}
