/** A domain's rows in a ledger shard (D1). Every statement names the domain. */
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type {
  EntryRow,
  LedgerLines,
  LedgerLookUp,
  LedgerPack,
  LedgerStore,
  LedgerText,
  SealedRows,
} from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { guardsMissing, LEDGER_GUARDS, type StoredTrigger, TRIGGERS_SQL } from "./guards.ts";
import { jsonArrays } from "./json-arrays.ts";
import { INSERT_PRIVATE, INSERT_SUBJECT, NO_SEALED_ROWS, privateAsJson, subjectAsJson } from "./sealed-rows.ts";

interface SqlRow {
  seq: number;
  id: string;
  prevHash: string;
  entryHash: string;
  payload: string;
}

const COLUMNS = "seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload";

/** One statement for many rows; `e.key` keeps the order of the array. */
const INSERT = `INSERT INTO audit_log (domain_id, seq, id, prev_hash, entry_hash, payload)
  SELECT ?1, e.value ->> 0, e.value ->> 1, unhex(e.value ->> 2), unhex(e.value ->> 3), e.value ->> 4 FROM json_each(?2) e ORDER BY e.key`;
const INSERT_BASE = `INSERT INTO ledger_base (domain_id, base_seq, base_prev_hash) SELECT ?1, ?2, unhex(?3)
  WHERE NOT EXISTS (SELECT 1 FROM ledger_base WHERE domain_id = ?1 AND base_seq = ?2)`;
/** The hash is that of the row with the greatest seq (SQLite: bare columns beside one max()). */
const LINES = `SELECT count(*), max(seq), lower(hex(entry_hash)), group_concat(payload, char(10) ORDER BY seq) FROM (
    SELECT seq, entry_hash, payload, sum(octet_length(payload) + 1) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS through
    FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4)
  WHERE through <= ?5`;

/** The columns of a row before its payload: two hashes in hex and the id, between spaces. */
const PACKED = `SELECT count(*), max(seq), group_concat(lower(hex(prev_hash)) || lower(hex(entry_hash)) || id, ' ' ORDER BY seq),
    group_concat(payload, char(10) ORDER BY seq) FROM (
    SELECT seq, id, prev_hash, entry_hash, payload,
      sum(octet_length(payload) + 170) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS through
    FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4)
  WHERE through <= ?5`;
const PACKED_COLUMNS = /^([0-9a-f]{64})([0-9a-f]{64})([^ ]{1,128})$/;

export class D1LedgerStore implements LedgerStore, LedgerLookUp, LedgerLines, LedgerPack {
  readonly #db: D1Database;
  readonly #domainId: string;
  /** Size of the database after the last insert; null before the first. Bytes. */
  lastSize: number | null = null;

  constructor(db: D1Database, domainId: string) {
    this.#db = db;
    this.#domainId = domainId;
  }

  async insert(rows: readonly EntryRow[], base: string | null, sealed: SealedRows = NO_SEALED_ROWS): Promise<void> {
    // One bound string has a bound, and escaping doubles what is full of quotes: as many statements as it takes, in one
    // batch, which is one transaction.
    const statements = [
      ...this.#statements(INSERT, rows.map(entryAsJson)),
      ...this.#statements(INSERT_PRIVATE, sealed.privates.map(privateAsJson)),
      ...this.#statements(INSERT_SUBJECT, sealed.subjects.map(subjectAsJson)),
    ];
    if (base !== null) statements.unshift(this.#db.prepare(INSERT_BASE).bind(this.#domainId, rows[0]?.seq ?? 0, base));
    const results = await this.#asking(() => this.#db.batch(statements));
    this.lastSize = results.at(-1)?.meta.size_after ?? null;
  }

  #statements(sql: string, rows: readonly unknown[]): D1PreparedStatement[] {
    return jsonArrays(rows, LIMITS.boundStringBytes).map((json) => this.#db.prepare(sql).bind(this.#domainId, json));
  }

  async tip() {
    const sql = `SELECT ${COLUMNS} FROM audit_log WHERE domain_id = ?1 ORDER BY seq DESC LIMIT 1`;
    const row = await this.#asking(() => this.#db.prepare(sql).bind(this.#domainId).first<SqlRow>());
    return row && { size: row.seq + 1, entryHash: row.entryHash };
  }

  async rows({ fromSeq, toSeq, limit, descending = false }: Parameters<LedgerStore["rows"]>[0]): Promise<EntryRow[]> {
    const order = descending ? "DESC" : "ASC";
    const sql = `SELECT seq, id, prevHash, entryHash, payload FROM (
        SELECT ${COLUMNS}, sum(length(payload)) OVER (ORDER BY seq ${order} ROWS UNBOUNDED PRECEDING) - length(payload) AS before
        FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq ${order} LIMIT ?4)
      WHERE before < ?5 ORDER BY seq ${order}`;
    const values = [this.#domainId, fromSeq, toSeq, limit, LIMITS.pageChars];
    // Arrays instead of objects: a verification reads a million of them.
    const rows = await this.#asking(() =>
      this.#db
        .prepare(sql)
        .bind(...values)
        .raw<[number, string, string, string, string]>(),
    );
    return rows.map(([seq, id, prevHash, entryHash, payload]) => ({ seq, id, prevHash, entryHash, payload }));
  }

  async rowsAt(seqs: readonly number[], descending = false): Promise<EntryRow[]> {
    if (seqs.length === 0) return [];
    const order = descending ? "DESC" : "ASC";
    const sql = `SELECT seq, id, prevHash, entryHash, payload FROM (
        SELECT a.seq AS seq, a.id AS id, lower(hex(a.prev_hash)) AS prevHash, lower(hex(a.entry_hash)) AS entryHash, a.payload AS payload,
          sum(length(a.payload)) OVER (ORDER BY a.seq ${order} ROWS UNBOUNDED PRECEDING) - length(a.payload) AS before
        FROM json_each(?2) e CROSS JOIN audit_log a ON a.domain_id = ?1 AND a.seq = e.value)
      WHERE before < ?3 ORDER BY seq ${order}`;
    const values = [this.#domainId, JSON.stringify(seqs), LIMITS.pageChars];
    const { results } = await this.#asking(() =>
      this.#db
        .prepare(sql)
        .bind(...values)
        .all<SqlRow>(),
    );
    return results;
  }

  async lines({ fromSeq, toSeq, limit }: Parameters<LedgerLines["lines"]>[0]): Promise<LedgerText | null> {
    const values = [this.#domainId, fromSeq, toSeq, limit, LIMITS.exportPageBytes];
    const rows = await this.#asking(() =>
      this.#db
        .prepare(LINES)
        .bind(...values)
        .raw<[number, number | null, string, string]>(),
    );
    const [count, last, entryHash, text] = rows[0] ?? [0, null, "", ""];
    return last === null || last - fromSeq + 1 !== count ? null : { count, text, entryHash };
  }

  async packed({ fromSeq, toSeq, limit }: Parameters<LedgerPack["packed"]>[0]): Promise<EntryRow[] | null> {
    const values = [this.#domainId, fromSeq, toSeq, limit, LIMITS.exportPageBytes];
    const found = await this.#asking(() =>
      this.#db
        .prepare(PACKED)
        .bind(...values)
        .raw<[number, number | null, string, string]>(),
    );
    const [count, last, columns, text] = found[0] ?? [0, null, "", ""];
    if (last === null || last - fromSeq + 1 !== count) return null;
    const [names, payloads] = [columns.split(" "), text.split("\n")];
    if (names.length !== count || payloads.length !== count) return null;
    const rows = names.flatMap((name, i): EntryRow[] => {
      const [, prevHash, entryHash, id] = PACKED_COLUMNS.exec(name) ?? [];
      const isWhole = prevHash !== undefined && entryHash !== undefined && id !== undefined;
      return isWhole ? [{ seq: fromSeq + i, id, prevHash, entryHash, payload: payloads[i] as string }] : [];
    });
    return rows.length === count ? rows : null;
  }

  async byId(id: string): Promise<EntryRow | null> {
    const sql = `SELECT ${COLUMNS} FROM audit_log WHERE domain_id = ?1 AND id = ?2`;
    return this.#asking(() => this.#db.prepare(sql).bind(this.#domainId, id).first<SqlRow>());
  }

  async seqsOf(ids: readonly string[]): Promise<Map<string, number>> {
    // CROSS JOIN fixes the order of the loops: with IN (SELECT …) the planner walks every row of the domain.
    const sql = `SELECT a.id AS id, a.seq AS seq FROM json_each(?2) e
      CROSS JOIN audit_log a ON a.domain_id = ?1 AND a.id = e.value`;
    const { results } = await this.#asking(() =>
      this.#db.prepare(sql).bind(this.#domainId, JSON.stringify(ids)).all<{ id: string; seq: number }>(),
    );
    return new Map(results.map(({ id, seq }) => [id, seq]));
  }

  async missingGuards(): Promise<string[]> {
    const { results } = await this.#asking(() => this.#db.prepare(TRIGGERS_SQL).all<StoredTrigger>());
    return guardsMissing(LEDGER_GUARDS, results);
  }

  /** A stored row or an answer may be lost with any failure: the caller reads back. */
  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof AppError ? error : storeUnavailable("ledger", error);
    }
  }
}

const entryAsJson = ({ seq, id, prevHash, entryHash, payload }: EntryRow) => [seq, id, prevHash, entryHash, payload];
