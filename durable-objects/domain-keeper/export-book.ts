/**
 * The exports of one domain, in its keeper's SQLite. Nothing is created before the first export.
 *
 * export_job      one row an export; `record` is JSON of an `ExportRecord`, `version` its own
 * export_file     what is in the archive so far, in its order
 * export_part     what is in the bucket so far
 * export_tail     the bytes that are in no part yet, in pieces: a row has at most 2 MB
 * export_pending  selected entries that are in no file yet
 * export_link     SHA-256 of each link's token
 */
import { concatBytes } from "../../src/core/bytes.ts";
import type {
  ExportAdded,
  ExportBook,
  ExportRecord,
  LinkRecord,
  ListedFile,
} from "../../src/services/exports/ports.ts";
import type { ReadRow } from "../../src/services/log/read-through.ts";

const TABLES = [
  `CREATE TABLE IF NOT EXISTS export_job (
    id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, version INTEGER NOT NULL, record TEXT NOT NULL) STRICT`,
  `CREATE TABLE IF NOT EXISTS export_file (
    export_id TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    start INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (export_id, place)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS export_part (
    export_id TEXT NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (export_id, number)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS export_tail (
    export_id TEXT NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (export_id, place)) STRICT`,
  `CREATE TABLE IF NOT EXISTS export_pending (
    export_id TEXT NOT NULL, seq INTEGER NOT NULL, prev_hash TEXT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (export_id, seq)) STRICT`,
  `CREATE TABLE IF NOT EXISTS export_link (
    token_hash BLOB PRIMARY KEY, export_id TEXT NOT NULL, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT`,
];
const OF_ONE = ["export_file", "export_part", "export_tail", "export_pending"] as const;
const PIECE_BYTES = 1_000_000;

/** When the newest export that is still known was ready. Nothing is stored for being asked. */
export function lastExportMs({ sql }: DurableObjectStorage): number | null {
  const there = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'export_job'").toArray();
  if (there.length === 0) return null;
  const newest = `SELECT max(record ->> 'finishedAtMs') AS at FROM export_job
    WHERE record ->> 'status' IN ('ready', 'expired')`;
  return sql.exec<{ at: number | null }>(newest).one().at;
}

export class SqliteExportBook implements ExportBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    for (const table of TABLES) this.#sql.exec(table);
  }

  add(record: ExportRecord): boolean {
    const { wish, createdAtMs, version } = record;
    const sql = "INSERT INTO export_job (id, created_ms, version, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    return this.#sql.exec(sql, wish.id, createdAtMs, version, JSON.stringify(record)).rowsWritten > 0;
  }

  get(id: string): ExportRecord | null {
    const rows = this.#sql.exec<{ record: string }>("SELECT record FROM export_job WHERE id = ?", id).toArray();
    return rows[0] ? (JSON.parse(rows[0].record) as ExportRecord) : null;
  }

  all(): ExportRecord[] {
    const sql = "SELECT record FROM export_job ORDER BY created_ms DESC, id DESC";
    return this.#sql
      .exec<{ record: string }>(sql)
      .toArray()
      .map(({ record }) => JSON.parse(record) as ExportRecord);
  }

  commit(record: ExportRecord, added: ExportAdded | null): boolean {
    return this.#storage.transactionSync(() => {
      if (!this.#replace(record)) return false;
      if (added) this.#add(record.wish.id, added);
      return true;
    });
  }

  restart(record: ExportRecord): boolean {
    return this.#storage.transactionSync(() => {
      if (!this.#replace(record)) return false;
      for (const table of OF_ONE) this.#sql.exec(`DELETE FROM ${table} WHERE export_id = ?`, record.wish.id);
      return true;
    });
  }

  tail(id: string): Uint8Array {
    const sql = "SELECT bytes FROM export_tail WHERE export_id = ? ORDER BY place";
    const pieces = this.#sql.exec<{ bytes: ArrayBuffer }>(sql, id).toArray();
    return concatBytes(...pieces.map(({ bytes }) => new Uint8Array(bytes)));
  }

  pending(id: string): ReadRow[] {
    const sql = "SELECT seq, prev_hash AS prevHash, payload FROM export_pending WHERE export_id = ? ORDER BY seq";
    return this.#sql.exec<{ seq: number; prevHash: string; payload: string }>(sql, id).toArray();
  }

  files(id: string): ListedFile[] {
    const sql = `SELECT name, bytes, crc32, start AS "offset", sha256 FROM export_file WHERE export_id = ? ORDER BY place`;
    return this.#sql
      .exec<{ name: string; bytes: number; crc32: number; offset: number; sha256: string }>(sql, id)
      .toArray();
  }

  parts(id: string): { number: number; etag: string }[] {
    const sql = "SELECT number, etag FROM export_part WHERE export_id = ? ORDER BY number";
    return this.#sql.exec<{ number: number; etag: string }>(sql, id).toArray();
  }

  forget(id: string): void {
    this.#storage.transactionSync(() => {
      for (const table of [...OF_ONE, "export_link"]) this.#sql.exec(`DELETE FROM ${table} WHERE export_id = ?`, id);
      this.#sql.exec("DELETE FROM export_job WHERE id = ?", id);
    });
  }

  addLink(link: LinkRecord, tokenHash: Uint8Array): void {
    const sql = "INSERT INTO export_link (token_hash, export_id, id, record) VALUES (?, ?, ?, ?)";
    this.#sql.exec(sql, tokenHash, link.exportId, link.id, JSON.stringify(link));
  }

  links(exportId: string): LinkRecord[] {
    const sql = "SELECT record FROM export_link WHERE export_id = ? ORDER BY id";
    return this.#linksOf(sql, exportId);
  }

  linkOf(tokenHash: Uint8Array): LinkRecord | null {
    return this.#linksOf("SELECT record FROM export_link WHERE token_hash = ?", tokenHash)[0] ?? null;
  }

  changeLink(id: string, change: { revokedAt: string } | { usedAt: string }): void {
    const [link] = this.#linksOf("SELECT record FROM export_link WHERE id = ?", id);
    if (link)
      this.#sql.exec("UPDATE export_link SET record = ? WHERE id = ?", JSON.stringify({ ...link, ...change }), id);
  }

  #linksOf(sql: string, by: string | Uint8Array): LinkRecord[] {
    return this.#sql
      .exec<{ record: string }>(sql, by)
      .toArray()
      .map(({ record }) => JSON.parse(record) as LinkRecord);
  }

  #replace(record: ExportRecord): boolean {
    const sql = "UPDATE export_job SET version = ?, record = ? WHERE id = ? AND version = ?";
    const { version, wish } = record;
    return this.#sql.exec(sql, version, JSON.stringify(record), wish.id, version - 1).rowsWritten > 0;
  }

  #add(id: string, { files, parts, tail, pending }: ExportAdded): void {
    const next = "SELECT COALESCE(MAX(place) + 1, 0) AS place FROM export_file WHERE export_id = ?";
    const { place: before } = this.#sql.exec<{ place: number }>(next, id).one();
    for (const [i, { name, bytes, crc32, offset, sha256 }] of files.entries()) {
      const sql =
        "INSERT INTO export_file (export_id, place, name, bytes, crc32, start, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)";
      this.#sql.exec(sql, id, before + i, name, bytes, crc32, offset, sha256);
    }
    for (const { number, etag } of parts) {
      const sql = "INSERT OR REPLACE INTO export_part (export_id, number, etag) VALUES (?, ?, ?)";
      this.#sql.exec(sql, id, number, etag);
    }
    if (tail !== null) this.#setTail(id, tail);
    if (pending !== null) this.#setPending(id, pending);
  }

  #setTail(id: string, tail: Uint8Array): void {
    this.#sql.exec("DELETE FROM export_tail WHERE export_id = ?", id);
    for (let at = 0, place = 0; at < tail.length; at += PIECE_BYTES, place++) {
      const piece = tail.subarray(at, at + PIECE_BYTES);
      this.#sql.exec("INSERT INTO export_tail (export_id, place, bytes) VALUES (?, ?, ?)", id, place, piece);
    }
  }

  #setPending(id: string, pending: readonly ReadRow[]): void {
    this.#sql.exec("DELETE FROM export_pending WHERE export_id = ?", id);
    for (const { seq, prevHash, payload } of pending) {
      const sql = "INSERT INTO export_pending (export_id, seq, prev_hash, payload) VALUES (?, ?, ?, ?)";
      this.#sql.exec(sql, id, seq, prevHash, payload);
    }
  }
}
