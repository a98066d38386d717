/** Links that sign in, and sessions, in an object's SQLite. Of a link's secret, and of its browser's, only hashes. */

import type { LoginLink, Session } from "../../src/services/access/people/records.ts";
import { bytesOf } from "./person-book.ts";

type Row<T> = T & Record<string, SqlStorageValue>;

const LINK = `id, person_id AS personId, browser_hash AS browserHash, device, created_ms AS createdAtMs,
  expires_ms AS expiresAtMs, used_ms AS usedAtMs, failures`;
const SESSION = `id, person_id AS personId, device, created_ms AS createdAtMs, expires_ms AS expiresAtMs, seen_ms AS seenAtMs,
  ended_ms AS endedAtMs, second_factor_at_ms AS secondFactorAtMs`;

export class SessionTables {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS login (
      id INTEGER PRIMARY KEY AUTOINCREMENT, person_id TEXT NOT NULL, secret_hash BLOB UNIQUE, browser_hash TEXT NOT NULL,
      device TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER,
      failures INTEGER NOT NULL, wish TEXT NOT NULL UNIQUE) STRICT`);
    sql.exec(`CREATE TABLE IF NOT EXISTS session (
      id TEXT PRIMARY KEY, person_id TEXT NOT NULL, device TEXT NOT NULL, created_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, ended_ms INTEGER, second_factor_at_ms INTEGER
      ) STRICT, WITHOUT ROWID`);
    sql.exec("CREATE INDEX IF NOT EXISTS session_of ON session (person_id)");
  }

  link(id: number): LoginLink | null {
    return this.#links("id = ?", id);
  }

  linkBySecret(secretHash: Uint8Array): LoginLink | null {
    return this.#links("secret_hash = ?", bytesOf(secretHash));
  }

  addLink(
    { personId, browserHash, device, createdAtMs, expiresAtMs }: Omit<LoginLink, "id">,
    wish: string,
  ): number | null {
    const added = this.#sql
      .exec<{ id: number }>(
        `INSERT OR IGNORE INTO login (person_id, browser_hash, device, created_ms, expires_ms, failures, wish)
         VALUES (?, ?, ?, ?, ?, 0, ?) RETURNING id`,
        ...[personId, browserHash, device, createdAtMs, expiresAtMs, wish],
      )
      .toArray()[0];
    return added?.id ?? null;
  }

  setLinkSecret(id: number, secretHash: Uint8Array): void {
    this.#sql.exec("UPDATE login SET secret_hash = ? WHERE id = ?", bytesOf(secretHash), id);
  }

  useLink(id: number, atMs: number): void {
    this.#sql.exec("UPDATE login SET used_ms = ? WHERE id = ?", atMs, id);
  }

  /** How often it has failed by now. */
  failLink(id: number): number {
    return this.#sql
      .exec<{ failures: number }>("UPDATE login SET failures = failures + 1 WHERE id = ? RETURNING failures", id)
      .one().failures;
  }

  #links(where: string, value: SqlStorageValue): LoginLink | null {
    return this.#sql.exec<Row<LoginLink>>(`SELECT ${LINK} FROM login WHERE ${where}`, value).toArray()[0] ?? null;
  }

  session(id: string): Session | null {
    return this.#sessions("id = ?", id)[0] ?? null;
  }

  sessions(personId: string | null, nowMs: number): Session[] {
    const open = "ended_ms IS NULL AND expires_ms > ?";
    return personId === null
      ? this.#sessions(open, nowMs)
      : this.#sessions(`${open} AND person_id = ?`, nowMs, personId);
  }

  addSession(session: Session): void {
    const { id, personId, device, createdAtMs, expiresAtMs, seenAtMs, secondFactorAtMs } = session;
    this.#sql.exec(
      "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
      ...[id, personId, device, createdAtMs, expiresAtMs, seenAtMs, secondFactorAtMs],
    );
  }

  seeSession(id: string, atMs: number): void {
    this.#sql.exec("UPDATE session SET seen_ms = ? WHERE id = ?", atMs, id);
  }

  endSession(id: string, atMs: number): void {
    this.#sql.exec("UPDATE session SET ended_ms = ? WHERE id = ? AND ended_ms IS NULL", atMs, id);
  }

  secondFactorShown(sessionId: string, atMs: number): void {
    const sql = "UPDATE session SET second_factor_at_ms = ? WHERE id = ? AND ended_ms IS NULL AND expires_ms > ?";
    this.#sql.exec(sql, atMs, sessionId, atMs);
  }

  erase(personId: string): void {
    this.#sql.exec("DELETE FROM login WHERE person_id = ?", personId);
    this.#sql.exec("DELETE FROM session WHERE person_id = ?", personId);
  }

  sweep(endedBeforeMs: number): void {
    this.#sql.exec("DELETE FROM login WHERE expires_ms < ?", endedBeforeMs);
    this.#sql.exec("DELETE FROM session WHERE expires_ms < ?", endedBeforeMs);
  }

  #sessions(where: string, ...values: SqlStorageValue[]): Session[] {
    return this.#sql
      .exec<Row<Session>>(`SELECT ${SESSION} FROM session WHERE ${where} ORDER BY id DESC`, ...values)
      .toArray();
  }
}
