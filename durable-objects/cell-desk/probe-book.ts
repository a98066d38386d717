/** What probes outside have reported, in the cell desk's SQLite: the last report of each, and its days. */
import { LIMITS } from "../../src/core/limits.ts";
import type { ProbeDay, ProbeReport, ProbeSeen } from "../../src/services/monitoring/probe.ts";

type Row = { probe: string; at_ms: number; ok: number; code: string | null; ms: number };

export class ProbeBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS probe (
      probe TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, ok INTEGER NOT NULL, code TEXT, ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS probe_day (
      probe TEXT NOT NULL, day TEXT NOT NULL, reports INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (probe, day)
      ) STRICT, WITHOUT ROWID`);
  }

  /** False: it is not newer than the last one of this probe, so it is a replay or came late. */
  take({ probe, atMs, code, ms }: ProbeReport): boolean {
    const ok = code === null ? 1 : 0;
    return this.#storage.transactionSync(() => {
      const taken = this.#sql.exec(
        `INSERT INTO probe VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (probe) DO UPDATE SET
           at_ms = ?2, ok = ?3, code = ?4, ms = ?5 WHERE at_ms < ?2`,
        ...[probe, atMs, ok, code, ms],
      );
      if (taken.rowsWritten === 0) return false;
      this.#sql.exec(
        `INSERT INTO probe_day VALUES (?1, ?2, 1, ?3) ON CONFLICT (probe, day) DO UPDATE SET
           reports = reports + 1, failed = failed + ?3`,
        ...[probe, new Date(atMs).toISOString().slice(0, 10), 1 - ok],
      );
      this.#sql.exec(
        `DELETE FROM probe_day WHERE probe = ?1 AND day <=
           (SELECT day FROM probe_day WHERE probe = ?1 ORDER BY day DESC LIMIT 1 OFFSET ?2)`,
        ...[probe, LIMITS.probeDaysKept],
      );
      return true;
    });
  }

  last(probe: string): ProbeSeen | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM probe WHERE probe = ?", probe).toArray();
    return row ? { atMs: row.at_ms, code: row.code, ms: row.ms } : null;
  }

  /** Oldest first. */
  days(probe: string): ProbeDay[] {
    const sql = "SELECT day, reports, failed FROM probe_day WHERE probe = ? ORDER BY day";
    return this.#sql.exec<ProbeDay & Record<string, SqlStorageValue>>(sql, probe).toArray();
  }
}
