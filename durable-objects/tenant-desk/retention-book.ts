/** Runs of retention in the object's SQLite, and when the next one is due. Counts and times, nothing about anybody. */
import type { Retained } from "../../src/services/ports.ts";
import type { DomainRun } from "../../src/services/retention/calls.ts";
import { type RetentionRun, recordOf } from "../../src/services/retention/record.ts";
import type { RetentionBook } from "../../src/services/retention/run.ts";

const DUE = "retention_due";

export class SqliteRetentionBook implements RetentionBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS retention_run (
      number INTEGER PRIMARY KEY AUTOINCREMENT, ended_ms INTEGER, run TEXT NOT NULL) STRICT`);
  }

  open(): RetentionRun | null {
    return this.#read("WHERE ended_ms IS NULL ORDER BY number LIMIT 1")[0] ?? null;
  }

  last(): RetentionRun | null {
    return this.#read("WHERE json_extract(run, '$.domainId') IS NULL ORDER BY number DESC LIMIT 1")[0] ?? null;
  }

  run(number: number): RetentionRun | null {
    return this.#read("WHERE number = ?", number)[0] ?? null;
  }

  /** Newest first, older than `before`. */
  list(before: number | null, limit: number): RetentionRun[] {
    return this.#read("WHERE number < ? ORDER BY number DESC LIMIT ?", before ?? Number.MAX_SAFE_INTEGER, limit);
  }

  begin(run: Omit<RetentionRun, "number">): RetentionRun {
    const { number } = this.#sql
      .exec<{ number: number }>(
        "INSERT INTO retention_run (ended_ms, run) VALUES (?, ?) RETURNING number",
        run.endedAtMs,
        JSON.stringify(run),
      )
      .one();
    return { ...run, number };
  }

  /** A keeper's run, once. */
  addDomainRun(run: DomainRun): void {
    const known = this.#read(
      "WHERE json_extract(run, '$.domainId') = ? AND json_extract(run, '$.startedAtMs') = ?",
      run.domainId,
      run.startedAtMs,
    );
    if (known.length === 0) this.begin(recordOf(run));
  }

  save({ number, ...run }: RetentionRun): void {
    const sql = "UPDATE retention_run SET ended_ms = ?, run = ? WHERE number = ?";
    this.#sql.exec(sql, run.endedAtMs, JSON.stringify(run), number);
  }

  dueMs(): number | null {
    return this.#storage.kv.get<number>(DUE) ?? null;
  }

  setDue(atMs: number): void {
    this.#storage.kv.put(DUE, atMs);
  }

  /** The records of runs are kept as long as a policy says, too; one that is not over stays. */
  retained(): Retained {
    const count = (beforeMs: number) =>
      this.#sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM retention_run WHERE ended_ms < ?", beforeMs).one()
        .rows;
    return {
      own: true,
      count: async (beforeMs) => ({ go: count(beforeMs), held: 0 }),
      drop: async (beforeMs, _, limit, told) => {
        this.#storage.transactionSync(() => {
          const gone = this.#sql.exec(
            `DELETE FROM retention_run WHERE number IN (
               SELECT number FROM retention_run WHERE ended_ms < ? LIMIT ?) RETURNING number`,
            beforeMs,
            limit,
          );
          told(gone.toArray().length);
        });
      },
    };
  }

  #read(where: string, ...values: SqlStorageValue[]): RetentionRun[] {
    return this.#sql
      .exec<{ number: number; run: string }>(`SELECT number, run FROM retention_run ${where}`, ...values)
      .toArray()
      .map(({ number, run }) => ({ ...(JSON.parse(run) as Omit<RetentionRun, "number">), number }));
  }
}
