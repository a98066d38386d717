/**
 * Alerts of the cell and what is still to be told of them, in the cell desk's SQLite: here and not in D1, because a database that
 * is away or was set back is among what they tell of. Ids, codes and times only.
 */
import { v7 as uuidv7 } from "uuid";
import { LIMITS } from "../../src/core/limits.ts";
import { type Alert, type AlertOf, type AlertRecord, alertKey, safeCodes } from "../../src/services/alerts/alert.ts";
import type { Notice, NoticeBook, NoticePart } from "../../src/services/alerts/tell.ts";

type Row = {
  id: string;
  kind: string;
  domain_id: string | null;
  job: string | null;
  codes: string;
  opened_ms: number;
  last_ms: number;
  count: number;
  resolved_ms: number | null;
};

type NoticeRow = Row & { notice: number; event: string; part: string; tries: number; at_ms: number };

const COLUMNS = "id, kind, domain_id, job, codes, opened_ms, last_ms, count, resolved_ms";

export class AlertBook implements NoticeBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS alert (
      id TEXT PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, domain_id TEXT, job TEXT, codes TEXT NOT NULL,
      opened_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, count INTEGER NOT NULL, resolved_ms INTEGER) STRICT, WITHOUT ROWID`);
    this.#sql.exec("CREATE UNIQUE INDEX IF NOT EXISTS alert_open ON alert (key) WHERE resolved_ms IS NULL");
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS alert_notice (
      notice INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, event TEXT NOT NULL, part TEXT NOT NULL,
      at_ms INTEGER NOT NULL, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL, fault TEXT) STRICT`);
  }

  /** True: it was not open. Alert and notices are one transaction. */
  raise(alert: Alert, parts: readonly NoticePart[]): boolean {
    const { kind, domainId = null, job = null, atMs } = alert;
    const codes = JSON.stringify(safeCodes(alert.codes));
    return this.#storage.transactionSync(() => {
      const again = this.#sql.exec(
        "UPDATE alert SET last_ms = ?, count = count + 1, codes = ? WHERE key = ? AND resolved_ms IS NULL",
        ...[atMs, codes, alertKey(alert)],
      );
      if (again.rowsWritten > 0) return false;
      const id = uuidv7();
      this.#sql.exec(
        "INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, NULL)",
        ...[id, alertKey(alert), kind, domainId, job, codes, atMs, atMs],
      );
      this.#tell(id, "raised", parts, atMs);
      return true;
    });
  }

  /** True: it was open. */
  resolve(of: AlertOf, atMs: number, parts: readonly NoticePart[]): boolean {
    return this.#storage.transactionSync(() => {
      const sql = "UPDATE alert SET resolved_ms = ? WHERE key = ? AND resolved_ms IS NULL RETURNING id";
      const [row] = this.#sql.exec<{ id: string }>(sql, atMs, alertKey(of)).toArray();
      if (!row) return false;
      this.#tell(row.id, "resolved", parts, atMs);
      this.#forgetOld();
      return true;
    });
  }

  /** Oldest first. */
  open(): AlertRecord[] {
    const sql = `SELECT ${COLUMNS} FROM alert WHERE resolved_ms IS NULL ORDER BY opened_ms, id`;
    return this.#sql.exec<Row>(sql).toArray().map(recordOf);
  }

  isOpen(of: AlertOf): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM alert WHERE key = ? AND resolved_ms IS NULL", alertKey(of)).toArray().length > 0
    );
  }

  /** Open or over, newest first. */
  since(sinceMs: number, limit: number): AlertRecord[] {
    const sql = `SELECT ${COLUMNS} FROM alert WHERE opened_ms >= ? ORDER BY opened_ms DESC, id DESC LIMIT ?`;
    return this.#sql.exec<Row>(sql, sinceMs, limit).toArray().map(recordOf);
  }

  /** Of a domain that is deleted: nothing is left of it, and nobody is told. */
  forget(domainIds: readonly string[]): void {
    for (const id of domainIds) {
      this.#sql.exec("DELETE FROM alert_notice WHERE alert_id IN (SELECT id FROM alert WHERE domain_id = ?)", id);
      this.#sql.exec("DELETE FROM alert WHERE domain_id = ?", id);
    }
  }

  due(nowMs: number, limit: number): Notice[] {
    const sql = `SELECT n.notice, n.event, n.part, n.tries, n.at_ms, ${COLUMNS}
      FROM alert_notice n JOIN alert a ON a.id = n.alert_id WHERE n.due_ms <= ? ORDER BY n.notice LIMIT ?`;
    return this.#sql
      .exec<NoticeRow>(sql, nowMs, limit)
      .toArray()
      .map((row) => ({
        notice: row.notice,
        event: row.event as Notice["event"],
        part: row.part as NoticePart,
        tries: row.tries,
        atMs: row.at_ms,
        alert: recordOf(row),
      }));
  }

  done(notice: number): void {
    this.#sql.exec("DELETE FROM alert_notice WHERE notice = ?", notice);
  }

  /** `dueMs` null: it is given up. */
  failed(notice: number, fault: string, dueMs: number | null): void {
    if (dueMs === null) return this.done(notice);
    this.#sql.exec(
      "UPDATE alert_notice SET tries = tries + 1, fault = ?, due_ms = ? WHERE notice = ?",
      fault,
      dueMs,
      notice,
    );
  }

  /** When the next notice is due; null: nothing waits. */
  nextDueMs(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(due_ms) AS due FROM alert_notice").one().due;
  }

  /** How many notices have failed at least once and wait, and why the last one did. */
  undelivered(): { count: number; fault: string | null } {
    const sql = "SELECT count(*) AS count, max(fault) AS fault FROM alert_notice WHERE tries > 0";
    return this.#sql.exec<{ count: number; fault: string | null }>(sql).one();
  }

  #tell(alertId: string, event: Notice["event"], parts: readonly NoticePart[], atMs: number): void {
    for (const part of parts) {
      this.#sql.exec(
        "INSERT INTO alert_notice (alert_id, event, part, at_ms, tries, due_ms) VALUES (?, ?, ?, ?, 0, ?)",
        ...[alertId, event, part, atMs, atMs],
      );
    }
  }

  #forgetOld(): void {
    this.#sql.exec(
      `DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE resolved_ms IS NOT NULL
         AND id NOT IN (SELECT alert_id FROM alert_notice) ORDER BY opened_ms DESC LIMIT -1 OFFSET ?)`,
      LIMITS.alertsKept,
    );
  }
}

function recordOf({ kind, domain_id, job, codes, opened_ms, last_ms, resolved_ms, id, count }: Row): AlertRecord {
  return {
    ...{ id, kind: kind as AlertRecord["kind"], codes: JSON.parse(codes), count },
    ...(domain_id === null ? {} : { domainId: domain_id }),
    ...(job === null ? {} : { job }),
    ...{ openedMs: opened_ms, lastMs: last_ms, resolvedMs: resolved_ms },
  };
}
