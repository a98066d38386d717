/** `Schedule` (durable-objects/schedule.ts) over the storage double, with the object's one alarm. */
import type { DurableMap, DurableStorage } from "./durable.ts";

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5 * 60 * 1000;

interface Row {
  dueMs: number;
  failures: number;
}

export class ScheduleDouble<Task extends string> {
  readonly #tasks: DurableMap<Task, Row>;
  readonly #alarm: DurableMap<"alarm", number>;

  constructor(storage: DurableStorage) {
    this.#tasks = storage.table();
    this.#alarm = storage.table();
  }

  plan(task: Task, dueMs: number): void {
    const row = this.#tasks.get(task);
    if (!row) this.#tasks.set(task, { dueMs, failures: 0 });
    else if (row.failures === 0 && dueMs < row.dueMs) this.#tasks.set(task, { dueMs, failures: 0 });
  }

  due(nowMs: number, except: ReadonlySet<Task>): Task | null {
    const due = this.#tasks.entries().filter(([task, { dueMs }]) => dueMs <= nowMs && !except.has(task));
    return due.sort(([, a], [, b]) => a.dueMs - b.dueMs)[0]?.[0] ?? null;
  }

  done(task: Task): void {
    this.#tasks.delete(task);
  }

  failed(task: Task, nowMs: number): void {
    const row = this.#tasks.get(task);
    if (!row) return;
    const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(row.failures, 16));
    this.#tasks.set(task, { dueMs: nowMs + delayMs, failures: row.failures + 1 });
  }

  arm(): void {
    const [first] = this.#tasks
      .entries()
      .map(([, { dueMs }]) => dueMs)
      .sort((a, b) => a - b);
    if (first === undefined) this.#alarm.delete("alarm");
    else this.#alarm.set("alarm", first);
  }

  get alarmAt(): number | null {
    return this.#alarm.get("alarm") ?? null;
  }

  /** The platform fires an alarm once and again after a crash in the middle of it. */
  setAlarm(atMs: number | null): void {
    if (atMs === null) this.#alarm.delete("alarm");
    else this.#alarm.set("alarm", atMs);
  }
}
