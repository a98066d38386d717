/** The index of one domain in a ledger shard (D1), as its keeper fills it. Every statement names the domain. */
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type { EntryRow, Indexed, IndexShard, IndexState } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { jsonArrays } from "./json-arrays.ts";
import { DROP_POSTINGS, DROP_TALLIES } from "./tenant-sweep-sql.ts";

const STATE = "SELECT salt, size FROM audit_index WHERE domain_id = ?1";
const BEGIN = `INSERT INTO audit_index (domain_id, salt, from_size, size) SELECT ?1, randomblob(16), 0, 0
  WHERE EXISTS (SELECT 1 FROM audit_log WHERE domain_id = ?1)`;
const ROWS = `SELECT seq, id, prevHash, entryHash, payload FROM (
    SELECT seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload,
      sum(length(payload)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - length(payload) AS before
    FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4)
  WHERE before < ?5 ORDER BY seq`;
/** The salt is set to what was read: a guard refuses the step when the index was dropped and begun again meanwhile. */
const STEP = "UPDATE audit_index SET from_size = ?2, size = ?3, salt = unhex(?4) WHERE domain_id = ?1";
/** In the order of the table, which is the order of the array. */
const POSTINGS = `INSERT INTO audit_posting (number, term, at, seq)
  SELECT i.number, e.value ->> 0, e.value ->> 1, e.value ->> 2
  FROM audit_index i CROSS JOIN json_each(?2) e WHERE i.domain_id = ?1`;
const SUMS = `INSERT INTO audit_tally (number, kind, day, value, count)
  SELECT i.number, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3
  FROM audit_index i CROSS JOIN json_each(?2) e WHERE i.domain_id = ?1
  ON CONFLICT (number, kind, day, value) DO UPDATE SET count = count + excluded.count`;
const DROPPING = "UPDATE audit_index SET from_size = -1, size = -1 WHERE domain_id = ?1";
const DROPPED = `DELETE FROM audit_index WHERE domain_id = ?1
  AND NOT EXISTS (SELECT 1 FROM audit_posting WHERE number = audit_index.number)
  AND NOT EXISTS (SELECT 1 FROM audit_tally WHERE number = audit_index.number)`;

export class D1IndexShard implements IndexShard {
  readonly #db: D1Database;
  readonly #domainId: string;

  constructor(db: D1Database, domainId: string) {
    this.#db = db;
    this.#domainId = domainId;
  }

  async state(): Promise<IndexState | null> {
    const row = await asking(() => this.#bound(STATE).first<{ salt: number[]; size: number }>());
    return row && { salt: Uint8Array.from(row.salt), size: row.size };
  }

  async begin(): Promise<void> {
    await asking(() => this.#bound(BEGIN).run());
  }

  async rows(fromSeq: number, toSeq: number): Promise<EntryRow[]> {
    const bounds = [fromSeq, toSeq, LIMITS.indexRows, LIMITS.indexChars];
    const { results } = await asking(() => this.#bound(ROWS, ...bounds).all<EntryRow>());
    return results;
  }

  async commit(from: IndexState, size: number, { postings, sums }: Indexed): Promise<void> {
    const step = this.#bound(STEP, from.size, size, Buffer.from(from.salt).toString("hex"));
    const rows = (sql: string, values: readonly unknown[]) =>
      jsonArrays(values, LIMITS.boundStringBytes).map((json) => this.#bound(sql, json));
    const batch = [step, ...rows(POSTINGS, postings), ...rows(SUMS, sums)];
    const [stepped] = await asking(() => this.#db.batch(batch));
    if (stepped?.meta.changes === 0) throw new AppError("storage.unavailable", { internal: "the index is gone" });
  }

  async drop(): Promise<boolean> {
    const statements = [DROPPING, DROP_POSTINGS, DROP_TALLIES, DROPPED].map((sql) => this.#bound(sql));
    await asking(() => this.#db.batch(statements));
    return (await this.state()) === null;
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
