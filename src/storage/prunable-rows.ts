/**
 * What of one domain leaves a ledger shard (D1) when its first entries are pruned. The database's own guard lets rows go: it
 * demands a release that covers them, no hold, and that a release begins with the first row.
 */
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type { PrunableShard, PrunedRows } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { jsonArrays } from "./json-arrays.ts";

const FIRST = "SELECT min(seq) AS seq FROM audit_log WHERE domain_id = ?1";
const HASHES = `SELECT seq, lower(hex(entry_hash)) AS entryHash FROM audit_log
  WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq`;
/** Where the rows that stay begin, and that those before may go. Again: nothing. */
const BASE = `INSERT INTO ledger_base (domain_id, base_seq, base_prev_hash) SELECT ?1, ?2, unhex(?3)
  WHERE NOT EXISTS (SELECT 1 FROM ledger_base WHERE domain_id = ?1 AND base_seq = ?2)`;
const RELEASE = `INSERT INTO ledger_release (domain_id, from_seq, to_seq, reason, released_at) SELECT ?1, ?2, ?3, 'prune', ?4
  WHERE NOT EXISTS (SELECT 1 FROM ledger_release WHERE domain_id = ?1 AND from_seq <= ?2 AND to_seq >= ?3)`;
/** Rows [?2, ?3] are there, and are indexed under the salt ?4. Whoever comes second finds them gone, and changes nothing. */
const THERE = `EXISTS (SELECT 1 FROM audit_log WHERE domain_id = ?1 AND seq = ?2)
  AND EXISTS (SELECT 1 FROM audit_log WHERE domain_id = ?1 AND seq = ?3)
  AND EXISTS (SELECT 1 FROM audit_index WHERE domain_id = ?1 AND salt = unhex(?4) AND size > ?3)`;
const NUMBER = "(SELECT number FROM audit_index WHERE domain_id = ?1)";
const POSTINGS = `DELETE FROM audit_posting WHERE number = ${NUMBER} AND ${THERE}
  AND (term, at, seq) IN (SELECT e.value ->> 0, e.value ->> 1, e.value ->> 2 FROM json_each(?5) e)`;
/** As they were added: by the primary key. */
const SUMS = `INSERT INTO audit_tally (number, kind, day, value, count)
  SELECT i.number, e.value ->> 0, e.value ->> 1, e.value ->> 2, -(e.value ->> 3)
  FROM audit_index i CROSS JOIN json_each(?5) e WHERE i.domain_id = ?1 AND ${THERE}
  ON CONFLICT (number, kind, day, value) DO UPDATE SET count = count + excluded.count`;
const EMPTY_SUMS = `DELETE FROM audit_tally WHERE number = ${NUMBER} AND count <= 0 AND ${THERE}
  AND (kind, day, value) IN (SELECT e.value ->> 0, e.value ->> 1, e.value ->> 2 FROM json_each(?5) e)`;
/** What was sealed stays in the pages of the archive. That the entry names somebody stays, too: an erasure and a hold go by it. */
const UNSEAL = `UPDATE audit_private_value SET sealed = NULL WHERE domain_id = ?1 AND sealed IS NOT NULL
  AND (subject, seq) IN (SELECT unhex(e.value ->> 1), e.value ->> 0 FROM json_each(?2) e)`;
const ROWS = `DELETE FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 AND ${THERE}`;
const FORGET = `DELETE FROM audit_private_value WHERE domain_id = ?1
  AND (subject, seq) IN (SELECT unhex(e.value ->> 1), e.value ->> 0 FROM json_each(?2) e)`;

export class D1PrunableShard implements PrunableShard {
  readonly #db: D1Database;
  readonly #domainId: string;

  constructor(db: D1Database, domainId: string) {
    this.#db = db;
    this.#domainId = domainId;
  }

  async first(): Promise<number | null> {
    const row = await asking(() => this.#bound(FIRST).first<{ seq: number | null }>());
    return row?.seq ?? null;
  }

  async hashes(fromSeq: number, toSeq: number): Promise<string[]> {
    const { results } = await asking(() => this.#bound(HASHES, fromSeq, toSeq).all<{ entryHash: string }>());
    return results.map(({ entryHash }) => entryHash);
  }

  async remove(rows: PrunedRows): Promise<number> {
    const { fromSeq, toSeq, release, next, postings, sums, places, salt } = rows;
    const there = [fromSeq, toSeq, Buffer.from(salt).toString("hex")];
    const each = (sql: string, values: readonly unknown[], ...bound: unknown[]) =>
      jsonArrays(values, LIMITS.boundStringBytes).map((json) => this.#bound(sql, ...bound, json));
    const results = await asking(() =>
      this.#db.batch([
        ...(next === null ? [] : [this.#bound(BASE, next.seq, next.prevHash)]),
        this.#bound(RELEASE, release.fromSeq, release.toSeq, release.at),
        ...each(POSTINGS, postings, ...there),
        ...each(SUMS, sums, ...there),
        ...each(EMPTY_SUMS, sums, ...there),
        ...each(UNSEAL, places),
        this.#bound(ROWS, ...there),
      ]),
    );
    return results.at(-1)?.meta.changes ?? 0;
  }

  async forget(places: readonly (readonly [seq: number, subject: string])[]): Promise<void> {
    const statements = jsonArrays(places, LIMITS.boundStringBytes).map((json) => this.#bound(FORGET, json));
    if (statements.length > 0) await asking(() => this.#db.batch(statements));
  }

  #bound(sql: string, ...values: unknown[]): D1PreparedStatement {
    return this.#db.prepare(sql).bind(this.#domainId, ...values);
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable("ledger", error);
  }
}
