/**
 * An object has one alarm; this multiplexes it. Each task has a due time; a task that failed comes again later, doubling
 * from 1 s to 5 minutes. An alarm handler that throws for a permanent reason would be given up by the platform, so it
 * never throws: failures stay in this table.
 */
import type { PlannedTask } from "../src/services/dead-man/lateness.ts";

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5 * 60 * 1000;

export class Schedule<Task extends string> {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS schedule (task TEXT PRIMARY KEY, due_ms INTEGER NOT NULL, failures INTEGER NOT NULL) STRICT",
    );
  }

  /**
   * The task runs at `dueMs` or, if it was due earlier, then. A task that failed keeps its own time, unless that is further away than
   * any failure puts it: it failed by a clock that was wrong.
   */
  plan(task: Task, dueMs: number): void {
    this.#storage.sql.exec(
      `INSERT INTO schedule (task, due_ms, failures) VALUES (?, ?, 0)
       ON CONFLICT (task) DO UPDATE SET due_ms = min(due_ms, excluded.due_ms) WHERE failures = 0 OR due_ms > ?`,
      task,
      dueMs,
      Math.max(dueMs, Date.now()) + MAX_DELAY_MS,
    );
  }

  /** The earliest task that is due and not among `except`. */
  due(nowMs: number, except: ReadonlySet<Task>): Task | null {
    const rows = this.#storage.sql
      .exec<{ task: string }>("SELECT task FROM schedule WHERE due_ms <= ? ORDER BY due_ms", nowMs)
      .toArray();
    return rows.map(({ task }) => task as Task).find((task) => !except.has(task)) ?? null;
  }

  /** The task runs outside the alarm; should it be lost with its object, it is due at `untilMs`. */
  lease(task: Task, untilMs: number): void {
    this.#storage.sql.exec("UPDATE schedule SET due_ms = ? WHERE task = ?", untilMs, task);
  }

  done(task: Task): void {
    this.#storage.sql.exec("DELETE FROM schedule WHERE task = ?", task);
  }

  failed(task: Task, nowMs: number): void {
    this.#storage.sql.exec(
      `UPDATE schedule SET failures = failures + 1,
         due_ms = ? + min(?, ? * (1 << min(failures, 16))) WHERE task = ?`,
      nowMs,
      MAX_DELAY_MS,
      FIRST_DELAY_MS,
      task,
    );
  }

  failures(task: Task): number {
    const rows = this.#storage.sql.exec<{ failures: number }>("SELECT failures FROM schedule WHERE task = ?", task);
    return rows.toArray()[0]?.failures ?? 0;
  }

  /** All that is planned. */
  planned(): PlannedTask[] {
    const rows = this.#storage.sql.exec<{ task: string; due_ms: number; failures: number }>("SELECT * FROM schedule");
    return rows.toArray().map(({ task, due_ms: dueMs, failures }) => ({ task, dueMs, failures }));
  }

  /**
   * Sets the object's alarm to the earliest task, none before its time in `notBeforeMs`. Fire and forget: the write is
   * covered by the output gate.
   */
  arm(notBeforeMs: Partial<Record<Task, number>> = {}): void {
    const rows = this.#storage.sql.exec<{ task: string; due: number }>("SELECT task, due_ms AS due FROM schedule");
    const times = rows.toArray().map(({ task, due }) => Math.max(due, notBeforeMs[task as Task] ?? 0));
    if (times.length === 0) void this.#storage.deleteAlarm();
    else void this.#storage.setAlarm(Math.min(...times));
  }
}
