/**
 * Every job that is to happen without anybody asking, with its dead-man switch: how often it has to succeed, and how much later it
 * may be before that is an alert (S2-42, S2-44). A job that is not here is not monitored, and a test compares this table with what
 * cron runs and with what the objects schedule (S2-43). Whoever adds a job adds its row.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface CronRow {
  says: string;
  /** As wrangler's `triggers.crons` has it; the same period in `everyMs`. */
  cron: string;
  everyMs: number;
  /** A run that has not succeeded `everyMs + graceMs` after the last one that did is late. */
  graceMs: number;
}

/** What a Worker's cron runs, in this order. Each run is recorded and pings its own check. */
export const CRON_JOBS = {
  wake_domains: {
    says: "Wakes domains whose alarm was lost, takes down their heads and how far their copies lag",
    cron: "*/5 * * * *",
    everyMs: 5 * MINUTE_MS,
    graceMs: 10 * MINUTE_MS,
  },
  wake_deletions: {
    says: "Takes up deletions of tenants, and deletes again what a restore brought back",
    cron: "*/5 * * * *",
    everyMs: 5 * MINUTE_MS,
    graceMs: 10 * MINUTE_MS,
  },
  wake_tenants: {
    says: "Begins what is due by the clock at the tenants' desks: rotation of keys, reviews of holds, ends of access",
    cron: "*/5 * * * *",
    everyMs: 5 * MINUTE_MS,
    graceMs: 10 * MINUTE_MS,
  },
  watch_jobs: {
    says: "Looks whether every job of this table has met its window, and tells the checks of what objects do by alarm",
    cron: "*/5 * * * *",
    everyMs: 5 * MINUTE_MS,
    graceMs: 10 * MINUTE_MS,
  },
  verify_backups: {
    says: "Looks what could be restored from where, and how far back",
    cron: "23 3 * * *",
    everyMs: DAY_MS,
    graceMs: 2 * HOUR_MS,
  },
} as const satisfies Record<string, CronRow>;

export interface TaskRow {
  says: string;
  object: "DomainLog" | "DomainKeeper" | "TenantDesk";
  /** Its name in the object's own schedule. */
  task: string;
  /** Overdue, or failing without a success, for longer than this: late. */
  graceMs: number;
}

/**
 * What objects do by their own alarms, each when it has something to do: the time that is missed is the one in the object's schedule.
 * Cron reads the schedules in turn, before it wakes the object. Their checks are pinged by `watch_jobs`, for all objects together.
 */
export const OBJECT_TASKS = {
  "log.copy": row("DomainLog", "copy", 15, "Copies entries to D1"),
  "log.archive": row("DomainLog", "archive", 60, "Writes segments to the archive in R2, and reads them back"),
  "log.index": row("DomainLog", "index", 15, "Tells the keeper that there is something to index"),
  "log.sign": row("DomainLog", "sign", 5, "Signs a checkpoint over the newest entries"),
  "log.mirror": row("DomainLog", "mirror", 30, "Puts tiles and checkpoints beside the archive"),
  "log.witness": row("DomainLog", "witness", 30, "Has checkpoints cosigned by witnesses"),
  "log.report_violation": row(
    "DomainLog",
    "report_violation",
    15,
    "Tells the platform's log that a domain was stopped",
  ),
  "log.forget": row("DomainLog", "forget", 24 * 60, "Forgets idempotency keys that are older than their window"),
  "log.holds": row("DomainLog", "holds", 15, "Brings legal holds into the copy in D1"),
  "log.erase": row("DomainLog", "erase", 60, "Executes erasures that were begun"),
  "keeper.index": row("DomainKeeper", "index", 30, "Indexes what was copied"),
  "keeper.export": row("DomainKeeper", "export", 60, "Makes exports, and deletes those that have expired"),
  "keeper.import": row("DomainKeeper", "import", 60, "Moves a log into its new domain"),
  "keeper.retain": row(
    "DomainKeeper",
    "retain",
    120,
    "Prunes entries that were in the hot store long enough, and lets the archive go at the end",
  ),
  "keeper.check": row("DomainKeeper", "check", 60, "Compares a domain's stores with its log and with each other"),
  "keeper.tail": row("DomainKeeper", "tail", 15, "Looks after live connections"),
  "keeper.restore": row("DomainKeeper", "restore", 60, "Brings a log back from its archive"),
  "desk.retain": row("TenantDesk", "retain", 60, "Removes of a tenant's things what was kept long enough"),
  "desk.changes": row(
    "TenantDesk",
    "changes",
    60,
    "Finishes changes of a tenant that a crash or an absent store has left",
  ),
} as const satisfies Record<string, TaskRow>;

export type CronJobName = keyof typeof CRON_JOBS;
export type TaskName = keyof typeof OBJECT_TASKS;
export type JobName = CronJobName | TaskName;

export const CRON_JOB_NAMES = Object.keys(CRON_JOBS) as CronJobName[];
export const TASK_NAMES = Object.keys(OBJECT_TASKS) as TaskName[];
export const JOB_NAMES: readonly JobName[] = [...CRON_JOB_NAMES, ...TASK_NAMES];

/** The row of a task by its object and the object's own name for it; null: the table lacks it. */
export function taskNamed(object: TaskRow["object"], task: string): TaskName | null {
  return TASK_NAMES.find((name) => OBJECT_TASKS[name].object === object && OBJECT_TASKS[name].task === task) ?? null;
}

function row(object: TaskRow["object"], task: string, graceMinutes: number, says: string): TaskRow {
  return { says, object, task, graceMs: graceMinutes * MINUTE_MS };
}
