/** What the rest of a cell asks of its desk about jobs, alerts, probes and backups. One call over RPC, by its name. */
import type { AlertCalls, AlertRecord } from "../alerts/alert.ts";
import type { CronState, PlannedTask, TaskState } from "../dead-man/lateness.ts";
import type { RunCalls } from "../dead-man/run.ts";
import type { TaskRow } from "../dead-man/table.ts";
import type { BackupState } from "./backups.ts";
import type { ProbeReport, ProbeView } from "./probe.ts";

export interface MonitoringCalls extends AlertCalls, RunCalls {
  /** Looks after every job now, raises and resolves what follows, and sees to it that the desk's own alarm looks again. */
  watch(): Promise<TaskState[]>;
  /** Looks what could be restored, and takes it down. Throws `storage.unavailable` where a store cannot be asked. */
  verifyBackups(): Promise<void>;
  /** False: it is not newer than the last one of its probe. */
  takeReport(report: ProbeReport): Promise<boolean>;
  /** A restore was rehearsed on this cell (docs/restoring.md). */
  drilled(drill: Drill): Promise<void>;
  /** Computed now, whether cron and alarms run or not; what is late is an alert from then on. */
  view(): Promise<MonitoringView>;
}

/** A restore that was rehearsed. */
export interface Drill {
  atMs: number;
  /** Rows that came back into D1, and how long that took. */
  entries: number;
  workMs: number;
  /** Every row was the same as in the archive, byte for byte, and led to the signed checkpoint. */
  isGood: boolean;
}

/** What an object's schedule shows. */
export interface SeenSchedule {
  /** A domain, or a tenant. */
  id: string;
  object: TaskRow["object"];
  tasks: readonly PlannedTask[];
}

/** The log that the cell keeps about itself, and through which all its logs are witnessed. */
export interface PlatformLogSeen {
  size: number;
  signedSize: number;
  checkpointAt: string | null;
  /** The newest cosignature by any witness, and by an independent one. */
  witnessedAt: string | null;
  independentlyWitnessedAt: string | null;
  witnesses: number;
}

export interface MonitoringView {
  nowMs: number;
  /** From when on the jobs are watched. */
  sinceMs: number;
  jobs: CronState[];
  tasks: TaskState[];
  probes: ProbeView[];
  /** Open ones, oldest first. */
  alerts: AlertRecord[];
  /** Of the last `LIMITS.statusIncidentDays`, open or over, newest first, at most `LIMITS.statusIncidents`. */
  incidents: AlertRecord[];
  /** Notices of alerts that have failed and wait. */
  undelivered: { count: number; fault: string | null };
  backlog: { domains: number; entries: number; bytes: number; oldestUncopiedAt: string | null; stopped: number };
  /** Null: it did not answer, or nothing was written to it yet. */
  log: PlatformLogSeen | null;
  backups: BackupState[];
  /** The last one; null: there was none. */
  drill: Drill | null;
  /** `whpk_…`: what alerts are signed with. */
  alertKeys: readonly string[];
}

export const MONITORING_CALLS = [
  ...([
    "raise",
    "resolve",
    "jobStarted",
    "jobEnded",
    "watch",
    "verifyBackups",
    "takeReport",
    "drilled",
    "view",
  ] as const),
] satisfies (keyof MonitoringCalls)[];
