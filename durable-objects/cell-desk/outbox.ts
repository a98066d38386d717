/** Mails of a local run, which go nowhere: kept to be read by whoever runs it. A cell that is pinned keeps none. */
import { LIMITS } from "../../src/core/limits.ts";
import type { KeptMail, Mail } from "../../src/services/mail/mail.ts";

export class Outbox {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS outbox (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL,
      body TEXT NOT NULL) STRICT`);
  }

  keep({ to, subject, text }: Mail, nowMs: number): void {
    const at = new Date(nowMs).toISOString();
    this.#sql.exec("INSERT INTO outbox (at, recipient, subject, body) VALUES (?, ?, ?, ?)", at, to, subject, text);
    this.#sql.exec("DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ?", LIMITS.outboxMails);
  }

  /** Newest first. */
  all(): KeptMail[] {
    return this.#sql
      .exec<KeptMail & Record<string, SqlStorageValue>>(
        `SELECT id, at, recipient AS "to", subject, body AS text FROM outbox ORDER BY id DESC`,
      )
      .toArray();
  }
}
