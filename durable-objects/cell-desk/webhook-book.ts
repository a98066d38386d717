/**
 * What the operator's receiver is still to be told of alerts, and the deliveries that are under way to it, in the cell desk's SQLite.
 * A notice belongs to no delivery until what reads alike becomes one; then to that one for good.
 */
import { v7 as uuidv7 } from "uuid";
import { LIMITS } from "../../src/core/limits.ts";
import { type AlertEvent, type AlertOf, sharedCodes } from "../../src/services/alerts/alert.ts";
import type { Delivery, WebhookBook } from "../../src/services/alerts/webhook.ts";
import { ALERT_COLUMNS, type AlertRow, recordOf } from "./alert-row.ts";
import { LONGEST_WAIT_MS, Pace } from "./pace.ts";

type DeliveryRow = { delivery: number; webhook_id: string; reads: string; alone: number; tries: number };

const RECEIVER = "receiver";
/** That it is over waits for that it was raised: a receiver that hears them the wrong way round would keep it open. */
const IN_ORDER = `(w.event = 'raised' OR NOT EXISTS (
  SELECT 1 FROM alert_webhook r WHERE r.alert_id = w.alert_id AND r.event = 'raised'))`;

export class SqliteWebhookBook implements WebhookBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #pace: Pace;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#pace = new Pace(storage);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS alert_webhook (
      notice INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, event TEXT NOT NULL, reads TEXT NOT NULL,
      at_ms INTEGER NOT NULL, delivery INTEGER) STRICT`);
    this.#sql.exec("CREATE INDEX IF NOT EXISTS alert_webhook_of ON alert_webhook (alert_id, event)");
    this.#sql.exec("CREATE INDEX IF NOT EXISTS alert_webhook_in ON alert_webhook (delivery, reads)");
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS alert_delivery (
      delivery INTEGER PRIMARY KEY AUTOINCREMENT, webhook_id TEXT NOT NULL, reads TEXT NOT NULL, alone INTEGER NOT NULL,
      tries INTEGER NOT NULL, due_ms INTEGER NOT NULL, fault TEXT) STRICT`);
  }

  /** Within the transaction of the alert. */
  add(alertId: string, event: AlertEvent, { of, codes, atMs }: { of: AlertOf; codes: string; atMs: number }): void {
    const reads = JSON.stringify([event, of.kind, of.job ?? null, sharedCodes(JSON.parse(codes))]);
    this.#sql.exec(
      "INSERT INTO alert_webhook (alert_id, event, reads, at_ms) VALUES (?, ?, ?, ?)",
      ...[alertId, event, reads, atMs],
    );
  }

  /** Reads all that waits, at most once for each that it answers. */
  next(nowMs: number): Delivery | null {
    if (this.#pace.heldUntilMs(RECEIVER, nowMs) > 0) return null;
    for (;;) {
      const row = this.#dueAgain(nowMs) ?? this.#gather(nowMs);
      if (!row) return null;
      const delivery = this.#read(row);
      if (delivery) return delivery;
      // Every domain that it told of is deleted.
      this.#remove(row.delivery);
    }
  }

  taken(delivery: number): void {
    this.#remove(delivery);
    this.#pace.free(RECEIVER);
  }

  failed(delivery: number, fault: string, dueMs: number | null): void {
    if (dueMs === null) return this.#remove(delivery);
    const sql = "UPDATE alert_delivery SET tries = tries + 1, fault = ?, due_ms = ? WHERE delivery = ?";
    this.#sql.exec(sql, fault, dueMs, delivery);
  }

  failures(): number {
    return this.#pace.failures(RECEIVER);
  }

  rest(untilMs: number, failures: number): void {
    this.#pace.hold(RECEIVER, untilMs, failures);
  }

  /** When the next one may go; null: nothing waits. Reads all that waits. */
  nextDueMs(nowMs: number): number | null {
    const { due } = this.#sql
      .exec<{ due: number | null }>(
        `SELECT min(due_ms) AS due FROM (
           SELECT iif(due_ms <= ?1 + ?3, due_ms, 0) AS due_ms FROM alert_delivery
           UNION ALL
           SELECT iif(p.next_ms <= ?1 + ?2, p.next_ms, 0) FROM alert_webhook w LEFT JOIN alert_pace p ON p.about = w.reads
             WHERE w.delivery IS NULL AND ${IN_ORDER})`,
        ...[nowMs, LIMITS.alertPaceMs, LONGEST_WAIT_MS],
      )
      .one();
    return due === null ? null : Math.max(due, this.#pace.heldUntilMs(RECEIVER, nowMs));
  }

  /** Notices that have failed and wait; while the receiver fails, all of them. */
  undelivered(): { count: number; fault: string | null } {
    const all = this.failures() > 0 ? 1 : 0;
    const { count } = this.#sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM alert_webhook
         WHERE ? OR delivery IN (SELECT delivery FROM alert_delivery WHERE tries > 0)`,
        all,
      )
      .one();
    const { fault } = this.#sql
      .exec<{ fault: string | null }>("SELECT max(fault) AS fault FROM alert_delivery WHERE tries > 0")
      .one();
    return { count, fault };
  }

  #dueAgain(nowMs: number): DeliveryRow | null {
    const sql = "SELECT * FROM alert_delivery WHERE due_ms <= ?1 OR due_ms > ?1 + ?2 ORDER BY due_ms, delivery LIMIT 1";
    return this.#sql.exec<DeliveryRow>(sql, nowMs, LONGEST_WAIT_MS).toArray()[0] ?? null;
  }

  /** What reads like the oldest that may go, as one delivery. Cost: a write for each of them. */
  #gather(nowMs: number): DeliveryRow | null {
    return this.#storage.transactionSync(() => {
      this.#pace.forgetOver(nowMs);
      const [oldest] = this.#sql
        .exec<{ reads: string; alert_id: string; event: string }>(
          `SELECT reads, alert_id, event FROM alert_webhook w WHERE delivery IS NULL AND ${IN_ORDER}
             AND NOT EXISTS (SELECT 1 FROM alert_pace p WHERE p.about = w.reads) ORDER BY notice LIMIT 1`,
        )
        .toArray();
      if (!oldest) return null;
      const { reads, alert_id, event } = oldest;
      const { count } = this.#sql
        .exec<{ count: number }>(
          `SELECT count(*) AS count FROM alert_webhook w WHERE delivery IS NULL AND reads = ? AND ${IN_ORDER}`,
          reads,
        )
        .one();
      const alone = count === 1;
      const webhookId = alone ? `alert_${alert_id}_${event}` : `alerts_${uuidv7()}_${event}`;
      const row = this.#sql
        .exec<DeliveryRow>(
          `INSERT INTO alert_delivery (webhook_id, reads, alone, tries, due_ms) VALUES (?, ?, ?, 0, ?) RETURNING *`,
          ...[webhookId, reads, alone ? 1 : 0, nowMs],
        )
        .one();
      this.#sql.exec(
        `UPDATE alert_webhook AS w SET delivery = ? WHERE delivery IS NULL AND reads = ? AND ${IN_ORDER}`,
        row.delivery,
        reads,
      );
      this.#pace.hold(reads, nowMs + LIMITS.alertPaceMs);
      return row;
    });
  }

  /** Null: none of its alerts is left. */
  #read({ delivery, webhook_id, reads, alone, tries }: DeliveryRow): Delivery | null {
    const from = "FROM alert_webhook w JOIN alert a ON a.id = w.alert_id WHERE w.delivery = ?";
    const { total, at } = this.#sql
      .exec<{ total: number; at: number | null }>(`SELECT count(*) AS total, max(w.at_ms) AS at ${from}`, delivery)
      .one();
    if (at === null) return null;
    const alerts = this.#sql
      .exec<AlertRow>(`SELECT ${ALERT_COLUMNS} ${from} ORDER BY w.notice LIMIT ?`, delivery, LIMITS.alertsNamed)
      .toArray()
      .map(recordOf);
    const [event, , , codes] = JSON.parse(reads) as [AlertEvent, string, string | null, string[]];
    return {
      ...{ delivery, webhookId: webhook_id, event, tries, alone: alone === 1 },
      ...{ total, alerts, codes, atMs: at },
    };
  }

  #remove(delivery: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM alert_webhook WHERE delivery = ?", delivery);
      this.#sql.exec("DELETE FROM alert_delivery WHERE delivery = ?", delivery);
    });
  }
}
