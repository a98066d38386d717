/**
 * Alerts of the cell and what is still to be told of them, in the cell desk's SQLite: here and not in D1, because a database that
 * is away or was set back is among what they tell of. Ids, codes and times only.
 */
import { v7 as uuidv7 } from "uuid";
import { LIMITS } from "../../src/core/limits.ts";
import {
  type Alert,
  type AlertEvent,
  type AlertOf,
  type AlertRecord,
  alertKey,
  safeCodes,
} from "../../src/services/alerts/alert.ts";
import type { Notice, NoticeBook, NoticePart } from "../../src/services/alerts/tell.ts";
import { ALERT_COLUMNS, type AlertRow, recordOf } from "./alert-row.ts";
import { LONGEST_WAIT_MS, Pace } from "./pace.ts";
import { SqliteWebhookBook } from "./webhook-book.ts";

type NoticeRow = AlertRow & { notice: number; event: string };

const LOG = "log";

export class AlertBook implements NoticeBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #pace: Pace;
  /** Written in the same transactions. */
  readonly webhooks: SqliteWebhookBook;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#pace = new Pace(storage);
    this.webhooks = new SqliteWebhookBook(storage);
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
    return this.#storage.transactionSync(() => {
      const codes = JSON.stringify(
        safeCodes([...new Set([...alert.codes, ...(alert.adds ? this.#codesOf(alert) : [])])]),
      );
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
      this.#tell({ id, event: "raised", of: alert, codes, atMs }, parts);
      return true;
    });
  }

  #codesOf(of: AlertOf): string[] {
    const sql = "SELECT codes FROM alert WHERE key = ? AND resolved_ms IS NULL";
    const [open] = this.#sql.exec<{ codes: string }>(sql, alertKey(of)).toArray();
    return open ? (JSON.parse(open.codes) as string[]) : [];
  }

  /** True: it was open. */
  resolve(of: AlertOf, atMs: number, parts: readonly NoticePart[]): boolean {
    return this.#storage.transactionSync(() => {
      const sql = "UPDATE alert SET resolved_ms = ? WHERE key = ? AND resolved_ms IS NULL RETURNING id, codes";
      const [row] = this.#sql.exec<{ id: string; codes: string }>(sql, atMs, alertKey(of)).toArray();
      if (!row) return false;
      this.#tell({ ...row, event: "resolved", of, atMs }, parts);
      return true;
    });
  }

  /** Oldest first. */
  open(): AlertRecord[] {
    const sql = `SELECT ${ALERT_COLUMNS} FROM alert WHERE resolved_ms IS NULL ORDER BY opened_ms, id`;
    return this.#sql.exec<AlertRow>(sql).toArray().map(recordOf);
  }

  isOpen(of: AlertOf): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM alert WHERE key = ? AND resolved_ms IS NULL", alertKey(of)).toArray().length > 0
    );
  }

  /** Open or over, newest first. */
  since(sinceMs: number, limit: number): AlertRecord[] {
    const sql = `SELECT ${ALERT_COLUMNS} FROM alert WHERE opened_ms >= ? ORDER BY opened_ms DESC, id DESC LIMIT ?`;
    return this.#sql.exec<AlertRow>(sql, sinceMs, limit).toArray().map(recordOf);
  }

  /** Of a domain that is deleted: nothing is left of it, and nobody is told. */
  forget(domainIds: readonly string[]): void {
    for (const id of domainIds) {
      for (const table of ["alert_notice", "alert_webhook"])
        this.#sql.exec(`DELETE FROM ${table} WHERE alert_id IN (SELECT id FROM alert WHERE domain_id = ?)`, id);
      this.#sql.exec("DELETE FROM alert WHERE domain_id = ?", id);
    }
  }

  due(nowMs: number, limit: number): Notice[] {
    if (this.#pace.heldUntilMs(LOG, nowMs) > 0) return [];
    const sql = `SELECT n.notice, n.event, ${ALERT_COLUMNS}
      FROM alert_notice n JOIN alert a ON a.id = n.alert_id
      WHERE n.due_ms <= ? OR n.due_ms > ? ORDER BY n.due_ms, n.notice LIMIT ?`;
    return this.#sql
      .exec<NoticeRow>(sql, nowMs, nowMs + LONGEST_WAIT_MS, limit)
      .toArray()
      .map((row) => ({ notice: row.notice, event: row.event as AlertEvent, alert: recordOf(row) }));
  }

  done(notice: number): void {
    this.#sql.exec("DELETE FROM alert_notice WHERE notice = ?", notice);
    this.#pace.free(LOG);
  }

  failed(notice: number, fault: string, dueMs: number): void {
    const sql = "UPDATE alert_notice SET tries = tries + 1, fault = ?, due_ms = ? WHERE notice = ?";
    this.#sql.exec(sql, fault, dueMs, notice);
    this.#pace.hold(LOG, dueMs, this.#pace.failures(LOG) + 1);
  }

  /** When somebody is to be told next; null: nothing waits. */
  nextDueMs(nowMs: number): number | null {
    const sql = "SELECT min(iif(due_ms > ?1 + ?2, ?1, due_ms)) AS due FROM alert_notice";
    const { due } = this.#sql.exec<{ due: number | null }>(sql, nowMs, LONGEST_WAIT_MS).one();
    const entryMs = due === null ? null : Math.max(due, this.#pace.heldUntilMs(LOG, nowMs));
    // What can be done at once needs no look at the rest.
    if (entryMs !== null && entryMs <= nowMs) return entryMs;
    const times = [entryMs, this.webhooks.nextDueMs(nowMs)].filter((ms) => ms !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Notices that have failed and wait, and why the last one did; while the log takes nothing, all entries. */
  undelivered(): { count: number; fault: string | null } {
    const [of, ever] = [this.webhooks.undelivered(), this.#pace.failures(LOG) > 0 ? 1 : 0];
    const { count, fault } = this.#sql
      .exec<{ count: number; fault: string | null }>(
        "SELECT count(*) AS count, max(fault) AS fault FROM alert_notice WHERE tries > 0 OR ?",
        ever,
      )
      .one();
    return { count: count + of.count, fault: fault ?? of.fault };
  }

  /** Due at once: `atMs` is what the clock of whoever raised it says, and that clock may be what the alert is about. */
  #tell(
    { id, event, ...told }: { id: string; event: AlertEvent; of: AlertOf; codes: string; atMs: number },
    parts: readonly NoticePart[],
  ): void {
    if (parts.includes("webhook")) this.webhooks.add(id, event, told);
    if (!parts.includes("entry")) return;
    this.#sql.exec(
      "INSERT INTO alert_notice (alert_id, event, part, at_ms, tries, due_ms) VALUES (?, ?, 'entry', ?, 0, 0)",
      ...[id, event, told.atMs],
    );
  }

  /** Of alerts that are over, and told of, the newest `LIMITS.alertsKept` stay. */
  forgetOld(): void {
    this.#sql.exec(
      `DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE resolved_ms IS NOT NULL
         AND id NOT IN (SELECT alert_id FROM alert_notice UNION SELECT alert_id FROM alert_webhook)
         ORDER BY opened_ms DESC LIMIT -1 OFFSET ?)`,
      LIMITS.alertsKept,
    );
  }
}
