/** Access of the operator's people in the object of the tenant: its SQLite (`AccessBook` of src/services/access/grants). */
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { AccessBook } from "../../src/services/access/grants/desk.ts";
import { type AccessGrant, nextMs } from "../../src/services/access/grants/grant.ts";

export class SqliteAccessBook implements AccessBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    // `next_ms`: when the clock ends it; null for what is over, since `over_ms`.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS access_grant (
      id TEXT PRIMARY KEY, staff_id TEXT NOT NULL, kind TEXT NOT NULL, next_ms INTEGER, over_ms INTEGER,
      state TEXT NOT NULL, reason BLOB) STRICT, WITHOUT ROWID`);
    this.#sql.exec("CREATE INDEX IF NOT EXISTS access_grant_open ON access_grant (next_ms) WHERE next_ms IS NOT NULL");
    this.#sql.exec("CREATE TABLE IF NOT EXISTS operator_made_key (key_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID");
  }

  put(grant: AccessGrant, reason?: Sealed<"records">): void {
    const next = nextMs(grant);
    const overMs = next === null ? (grant.changes.at(-1)?.atMs ?? 0) : null;
    this.#sql.exec(
      `INSERT INTO access_grant (id, staff_id, kind, next_ms, over_ms, state, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET next_ms = excluded.next_ms, over_ms = excluded.over_ms, state = excluded.state`,
      ...[grant.id, grant.staffId, grant.kind, next, overMs, JSON.stringify(grant), reason ?? null],
    );
  }

  get(id: string): AccessGrant | null {
    return this.#read("WHERE id = ?", id)[0] ?? null;
  }

  open(): AccessGrant[] {
    return this.#read("WHERE next_ms IS NOT NULL ORDER BY next_ms");
  }

  openOf(staffId: string): AccessGrant[] {
    return this.#read("WHERE next_ms IS NOT NULL AND staff_id = ? ORDER BY id", staffId);
  }

  newest(limit: number, staffId: string | null): AccessGrant[] {
    if (staffId === null) return this.#read("ORDER BY id DESC LIMIT ?", limit);
    return this.#read("WHERE staff_id = ? ORDER BY id DESC LIMIT ?", staffId, limit);
  }

  brokenGlassSince(ms: number): AccessGrant[] {
    return this.#read("WHERE kind = 'break_glass' AND (over_ms IS NULL OR over_ms > ?)", ms);
  }

  reason(id: string): Sealed<"records"> | null {
    return this.#reasons("id = ?", id)[0]?.sealed ?? null;
  }

  /** Of all, for sealing them anew. */
  reasons(): { id: string; sealed: Sealed<"records"> }[] {
    return this.#reasons("TRUE");
  }

  /** The same reason, sealed anew. */
  setReason(id: string, sealed: Sealed<"records">): void {
    this.#sql.exec("UPDATE access_grant SET reason = ? WHERE id = ?", sealed, id);
  }

  /** Before it works anywhere: a key that was in the operator's hands. */
  addOperatorMade(keyId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO operator_made_key VALUES (?)", keyId);
  }

  isOperatorMade(keyId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM operator_made_key WHERE key_id = ?", keyId).toArray().length > 0;
  }

  #reasons(where: string, ...values: string[]): { id: string; sealed: Sealed<"records"> }[] {
    return this.#sql
      .exec<{ id: string; reason: ArrayBuffer }>(
        `SELECT id, reason FROM access_grant WHERE reason IS NOT NULL AND ${where}`,
        ...values,
      )
      .toArray()
      .map(({ id, reason }) => ({ id, sealed: asSealed("records", new Uint8Array(reason)) }));
  }

  #read(where: string, ...values: (string | number)[]): AccessGrant[] {
    return this.#sql
      .exec<{ state: string }>(`SELECT state FROM access_grant ${where}`, ...values)
      .toArray()
      .map(({ state }) => JSON.parse(state));
  }
}
