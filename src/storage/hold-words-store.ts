/** Words of legal holds in the control database, sealed. Every statement names the tenant. */
import { asSealed, type Sealed } from "../crypto/sealed.ts";
import type { HoldWordsStore } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

interface SqlRow {
  holdId: string;
  change: number;
  sealed: ArrayBuffer | number[];
}

const COLUMNS = "hold_id AS holdId, change, sealed";

export class D1HoldWordsStore implements HoldWordsStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async put(tenantId: string, holdId: string, change: number, sealed: Sealed<"records">): Promise<void> {
    const sql = `INSERT INTO legal_hold_words (tenant_id, hold_id, change, sealed) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT (tenant_id, hold_id, change) DO UPDATE SET sealed = excluded.sealed`;
    await asking(() => this.#db.prepare(sql).bind(tenantId, holdId, change, sealed).run());
  }

  async get(tenantId: string, holdId: string, change: number): Promise<Sealed<"records"> | null> {
    const sql = `SELECT ${COLUMNS} FROM legal_hold_words WHERE tenant_id = ?1 AND hold_id = ?2 AND change = ?3`;
    const row = await asking(() => this.#db.prepare(sql).bind(tenantId, holdId, change).first<SqlRow>());
    return row && rowOf(row).sealed;
  }

  async list(tenantId: string) {
    const sql = `SELECT ${COLUMNS} FROM legal_hold_words WHERE tenant_id = ?1 ORDER BY hold_id, change`;
    const { results } = await asking(() => this.#db.prepare(sql).bind(tenantId).all<SqlRow>());
    return results.map(rowOf);
  }
}

const rowOf = ({ holdId, change, sealed }: SqlRow) => ({
  holdId,
  change,
  sealed: asSealed("records", new Uint8Array(sealed)),
});

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeUnavailable("control", error);
  }
}
