/** The cell desk's own book of alerts over a real SQLite, in Node: what stands between it and the file is the shape of the platform's API. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { AlertBook } from "../../durable-objects/cell-desk/alert-book.ts";
import type { ProductEvent } from "../../src/core/actions/product.ts";
import { webhookSigner } from "../../src/crypto/webhook-signer.ts";
import type { Alert, AlertOf } from "../../src/services/alerts/alert.ts";
import { type TellDeps, tellDue } from "../../src/services/alerts/tell.ts";

function storageOf(database: DatabaseSync): DurableObjectStorage {
  const exec = (sql: string, ...values: SQLInputValue[]) => {
    const statement = database.prepare(sql);
    const numbered = Object.fromEntries(values.map((value, i) => [`?${i + 1}`, value]));
    const rows = /\?\d/.test(sql) ? statement.all(numbered) : statement.all(...values);
    const { changes } = database.prepare("SELECT changes() AS changes").get() as { changes: number };
    const one = () => {
      if (rows.length !== 1) throw new Error(`${rows.length} rows`);
      return rows[0];
    };
    return { toArray: () => rows, one, rowsWritten: changes };
  };
  const transactionSync = <T>(work: () => T): T => {
    database.exec("BEGIN");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  return { sql: { exec }, transactionSync } as never;
}

export const signer = webhookSigner("log.test/eu", [new Uint8Array(32).fill(7)]);

/** A desk that tells of alerts, with its clock and a log that keeps the first entry under a key. */
export class TellingDesk {
  readonly #database = new DatabaseSync(":memory:");
  book = new AlertBook(storageOf(this.#database));
  nowMs = 1_000_000;
  readonly entries = new Map<string, ProductEvent>();
  turns = 0;
  readonly own: Partial<TellDeps> & { webhook: string | null };

  constructor(webhook: string | null) {
    this.own = { webhook };
  }

  /** As after a crash: what stands in the storage is what is left. */
  restart(): void {
    this.book = new AlertBook(storageOf(this.#database));
  }

  raise(of: AlertOf, codes: readonly string[] = ["guard_missing"], atMs = this.nowMs): void {
    const alert: Alert = { ...of, codes, atMs };
    this.book.raise(alert, ["entry", "webhook"]);
  }

  resolve(of: AlertOf): void {
    this.book.resolve(of, this.nowMs, ["entry", "webhook"]);
  }

  record = async (event: ProductEvent, key: string): Promise<void> => {
    if (!this.entries.has(key)) this.entries.set(key, event);
  };

  /** One turn of the alarm. */
  async turn(own: Partial<TellDeps> = {}): Promise<void> {
    this.turns += 1;
    const { book, record } = this;
    const clock = () => this.nowMs;
    await tellDue({ book, webhooks: book.webhooks, jurisdiction: "eu", signer, record, clock, ...this.own, ...own });
  }

  /** The alarm, each time when the book asks for it, until `untilMs`; whether nothing waits any more. */
  async run(untilMs: number, own: Partial<TellDeps> = {}): Promise<boolean> {
    for (;;) {
      const dueMs = this.book.nextDueMs(this.nowMs);
      if (dueMs === null) return true;
      if (dueMs > untilMs) {
        this.nowMs = untilMs;
        return false;
      }
      this.nowMs = Math.max(this.nowMs, dueMs);
      await this.turn(own);
    }
  }

  rows(table: string): Record<string, unknown>[] {
    return this.#database.prepare(`SELECT * FROM ${table}`).all();
  }
}
