/** When a job is late. Pure: computed by whoever asks, so it needs no cron to be true. */
import { CRON_JOB_NAMES, CRON_JOBS, type CronJobName, OBJECT_TASKS, TASK_NAMES, type TaskName } from "./table.ts";

/** What is recorded of a cron job. Unix milliseconds; null: never. */
export interface RunRecord {
  startedMs: number | null;
  succeededMs: number | null;
  failedMs: number | null;
  /** Of the last failure: a code of the product. */
  code: string | null;
  /** How long the last run that ended took. */
  durationMs: number | null;
  /** Why the last ping did not arrive; null: it did, or nobody is to be told. */
  pingFault: string | null;
}

export const NEVER_RUN: RunRecord = {
  startedMs: null,
  succeededMs: null,
  failedMs: null,
  code: null,
  durationMs: null,
  pingFault: null,
};

/** `waiting`: it has not succeeded yet, and its first window is not over. */
export type JobState = "ok" | "waiting" | "failing" | "late";

export interface CronState extends RunRecord {
  job: CronJobName;
  state: JobState;
  /** It has to succeed before this. */
  dueMs: number;
}

/** `since`: from when on the cell watches its jobs; what never ran is measured from there. */
export function cronState(job: CronJobName, record: RunRecord, sinceMs: number, nowMs: number): CronState {
  const { everyMs, graceMs } = CRON_JOBS[job];
  const dueMs = (record.succeededMs ?? sinceMs) + everyMs + graceMs;
  const failedLast = record.failedMs !== null && record.failedMs > (record.succeededMs ?? 0);
  const state =
    nowMs > dueMs ? "late" : failedLast ? "failing" : record.succeededMs === null ? ("waiting" as const) : "ok";
  return { ...record, job, state, dueMs };
}

export const cronStates = (records: ReadonlyMap<string, RunRecord>, sinceMs: number, nowMs: number): CronState[] =>
  CRON_JOB_NAMES.map((job) => cronState(job, records.get(job) ?? NEVER_RUN, sinceMs, nowMs));

/** A row of an object's schedule (durable-objects/schedule.ts). */
export interface PlannedTask {
  task: string;
  dueMs: number;
  /** One after the other, without a success between. */
  failures: number;
}

/** As schedule.ts has it: a failed task comes again after 1 s, then twice as late each time, at most 5 minutes. */
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5 * 60_000;

/** For how long a task has failed at least, by how often: what the schedule waited between. */
export function failingForMs(failures: number): number {
  let sum = 0;
  for (let i = 0; i < Math.min(failures - 1, 9); i++) sum += Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** i);
  return sum + Math.max(0, failures - 10) * MAX_DELAY_MS;
}

/** How much later than planned a task is, or how long it fails. Milliseconds; 0: as it should be. */
export function overdueMs({ dueMs, failures }: PlannedTask, nowMs: number): number {
  return Math.max(0, nowMs - dueMs, failingForMs(failures));
}

export const isTaskLate = (name: TaskName, task: PlannedTask, nowMs: number): boolean =>
  overdueMs(task, nowMs) > OBJECT_TASKS[name].graceMs;

/** What is known of a task over all objects of the cell. */
export interface TaskState {
  task: TaskName;
  /** `waiting`: nobody has looked into the objects yet. */
  state: "ok" | "waiting" | "late";
  /** Objects in which it is late, as they were last seen. */
  late: number;
}

/** The job that looks into the schedules of the objects. */
const LOOKED_AT_BY = { DomainLog: "wake_domains", DomainKeeper: "wake_domains", TenantDesk: "wake_tenants" } as const;

/** `late`: how many objects a task is late in. Nothing is called well that nobody has looked at. */
export function taskStates(
  late: ReadonlyMap<string, number>,
  records: ReadonlyMap<string, Pick<RunRecord, "succeededMs">>,
): TaskState[] {
  return TASK_NAMES.map((task) => {
    const count = late.get(task) ?? 0;
    const looked = records.get(LOOKED_AT_BY[OBJECT_TASKS[task].object])?.succeededMs ?? null;
    return { task, state: count > 0 ? "late" : looked === null ? "waiting" : "ok", late: count };
  });
}
