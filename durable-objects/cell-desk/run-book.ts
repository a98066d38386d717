/** Runs of cron jobs, and tasks of objects that were seen to be late, in the cell desk's SQLite. Names, ids, codes and times. */
import { LIMITS } from "../../src/core/limits.ts";
import { isTaskLate, type PlannedTask, type RunRecord } from "../../src/services/dead-man/lateness.ts";
import { OBJECT_TASKS, type TaskName, type TaskRow } from "../../src/services/dead-man/table.ts";

type RunRow = {
  job: string;
  started: number | null;
  succeeded: number | null;
  failed: number | null;
  code: string | null;
  duration: number | null;
  ping_fault: string | null;
};

export interface JobRun {
  job: string;
  startedMs: number;
  /** Null: it is under way, or was lost. */
  endedMs: number | null;
  code: string | null;
}

/** What was found in the schedules of one object. */
export interface SeenTask extends PlannedTask {
  name: TaskName;
}

export class RunBook {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS job_state (
      job TEXT PRIMARY KEY, started INTEGER, succeeded INTEGER, failed INTEGER, code TEXT, duration INTEGER,
      ping_fault TEXT) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS job_run (
      job TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER, code TEXT, PRIMARY KEY (job, started_ms)
      ) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS late_task (
      object_id TEXT NOT NULL, task TEXT NOT NULL, seen_ms INTEGER NOT NULL, PRIMARY KEY (object_id, task)
      ) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS open_change (
      tenant_id TEXT PRIMARY KEY, change INTEGER NOT NULL, since_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  /** From when on this cell watches its jobs: the first time that it was asked. */
  since(nowMs: number): number {
    const known = this.#storage.kv.get<number>("jobs_watched_since");
    if (known !== undefined && known <= nowMs + LIMITS.clockJumpMs) return known;
    this.#storage.kv.put("jobs_watched_since", nowMs);
    return nowMs;
  }

  /**
   * What a clock that was wrong has written as still to come counts as now, so that a job that stops then is not called well until
   * that time has come. Its runs are forgotten.
   */
  believe(nowMs: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        `UPDATE job_state SET started = min(started, ?1), succeeded = min(succeeded, ?1), failed = min(failed, ?1)
         WHERE max(coalesce(started, 0), coalesce(succeeded, 0), coalesce(failed, 0)) > ?1 + ?2`,
        ...[nowMs, LIMITS.clockJumpMs],
      );
      this.#sql.exec("DELETE FROM job_run WHERE started_ms > ? + ?", nowMs, LIMITS.clockJumpMs);
    });
  }

  started(job: string, atMs: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        "INSERT INTO job_state (job, started) VALUES (?1, ?2) ON CONFLICT (job) DO UPDATE SET started = ?2",
        ...[job, atMs],
      );
      this.#sql.exec("INSERT OR IGNORE INTO job_run VALUES (?, ?, NULL, NULL)", job, atMs);
      this.#sql.exec(
        `DELETE FROM job_run WHERE job = ?1 AND started_ms <=
           (SELECT started_ms FROM job_run WHERE job = ?1 ORDER BY started_ms DESC LIMIT 1 OFFSET ?2)`,
        ...[job, LIMITS.jobRunsKept],
      );
    });
  }

  ended(job: string, run: { startedMs: number; atMs: number; code: string | null; pingFault: string | null }): void {
    const { startedMs, atMs, code, pingFault } = run;
    const column = code === null ? "succeeded" : "failed";
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        `INSERT INTO job_state (job, ${column}, code, duration, ping_fault) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (job) DO UPDATE SET ${column} = ?2, code = coalesce(?3, code), duration = ?4, ping_fault = ?5`,
        ...[job, atMs, code, atMs - startedMs, pingFault],
      );
      this.#sql.exec(
        `INSERT INTO job_run VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (job, started_ms) DO UPDATE SET ended_ms = ?3, code = ?4`,
        ...[job, startedMs, atMs, code],
      );
    });
  }

  records(): Map<string, RunRecord> {
    const rows = this.#sql.exec<RunRow>("SELECT * FROM job_state").toArray();
    return new Map(
      rows.map(({ job, started, succeeded, failed, code, duration, ping_fault }) => [
        job,
        {
          ...{ startedMs: started, succeededMs: succeeded, failedMs: failed, code },
          ...{ durationMs: duration, pingFault: ping_fault },
        },
      ]),
    );
  }

  /** Newest first. */
  runs(job: string, limit: number): JobRun[] {
    const sql = `SELECT job, started_ms AS startedMs, ended_ms AS endedMs, code FROM job_run
      WHERE job = ? ORDER BY started_ms DESC LIMIT ?`;
    return this.#sql.exec<JobRun & Record<string, SqlStorageValue>>(sql, job, limit).toArray();
  }

  /** What the schedule of an object showed. Returns the tasks that are late now, and those that were and are no more. */
  saw(
    objectId: string,
    object: TaskRow["object"],
    tasks: readonly SeenTask[],
    nowMs: number,
  ): { late: TaskName[]; recovered: TaskName[] } {
    const late = tasks.filter((task) => isTaskLate(task.name, task, nowMs)).map(({ name }) => name);
    const sql = "SELECT task FROM late_task WHERE object_id = ?";
    const before = this.#sql.exec<{ task: string }>(sql, objectId).toArray();
    const recovered = before
      .map(({ task }) => task as TaskName)
      // A domain's log and its keeper have one id.
      .filter((task) => OBJECT_TASKS[task]?.object === object && !late.includes(task));
    this.#storage.transactionSync(() => {
      for (const task of recovered)
        this.#sql.exec("DELETE FROM late_task WHERE object_id = ? AND task = ?", objectId, task);
      for (const task of late)
        this.#sql.exec("INSERT OR REPLACE INTO late_task VALUES (?, ?, ?)", objectId, task, nowMs);
    });
    return { late, recovered };
  }

  /** A tenant's oldest change that is not finished, null: none. Returns since when that one was seen: changes bear no time. */
  changeSince(tenantId: string, change: number | null, nowMs: number): number | null {
    if (change === null) {
      this.#sql.exec("DELETE FROM open_change WHERE tenant_id = ?", tenantId);
      return null;
    }
    this.#sql.exec(
      `INSERT INTO open_change VALUES (?1, ?2, ?3) ON CONFLICT (tenant_id) DO UPDATE SET
         since_ms = iif(change = ?2, since_ms, ?3), change = ?2`,
      ...[tenantId, change, nowMs],
    );
    const sql = "SELECT since_ms AS since FROM open_change WHERE tenant_id = ?";
    return this.#sql.exec<{ since: number }>(sql, tenantId).one().since;
  }

  /** Task → how many objects it is late in. */
  lateTasks(): Map<string, number> {
    const rows = this.#sql
      .exec<{ task: string; count: number }>("SELECT task, count(*) AS count FROM late_task GROUP BY task")
      .toArray();
    return new Map(rows.map(({ task, count }) => [task, count]));
  }

  /** Of what is deleted: domains, and the tenant itself. */
  forget(objectIds: readonly string[]): void {
    for (const id of objectIds) {
      this.#sql.exec("DELETE FROM late_task WHERE object_id = ?", id);
      this.#sql.exec("DELETE FROM open_change WHERE tenant_id = ?", id);
    }
  }
}
