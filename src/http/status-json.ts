/** What a cell says of itself. The public part has neither names nor ids of anybody: kinds, counts and times. */
import type { Jurisdiction } from "../core/ids.ts";
import { ALERT_KINDS, type AlertRecord } from "../services/alerts/alert.ts";
import { CRON_JOBS, OBJECT_TASKS } from "../services/dead-man/table.ts";
import { BACKUPS } from "../services/monitoring/backups.ts";
import type { MonitoringView } from "../services/monitoring/calls.ts";
import type { ProbeCode } from "../services/monitoring/probe.ts";
import type { PresentCell } from "./schemas/status.ts";

const instantOf = (ms: number) => new Date(ms).toISOString();
const known = (ms: number | null) => (ms === null ? null : instantOf(ms));

export function publicStatus(view: MonitoringView, jurisdiction: Jurisdiction): PresentCell {
  const { backlog, log, jobs, tasks, backups, probes, alerts, incidents } = view;
  return {
    reachable: true,
    jurisdiction,
    state: alerts.length === 0 ? "ok" : "attention",
    at: instantOf(view.nowMs),
    watched_since: instantOf(view.sinceMs),
    jobs: jobs.map(({ job, state, succeededMs, durationMs, dueMs }) => ({
      ...{ name: job, says: CRON_JOBS[job].says, state, took_ms: durationMs },
      ...{ every_s: CRON_JOBS[job].everyMs / 1000, grace_s: CRON_JOBS[job].graceMs / 1000 },
      ...{ last_success_at: known(succeededMs), due_by: instantOf(dueMs) },
    })),
    tasks: tasks.map(({ task, state, late }) => {
      const { says, graceMs } = OBJECT_TASKS[task];
      return { name: task, says, grace_s: graceMs / 1000, state, late };
    }),
    backlog:
      backlog.domains === 0
        ? null
        : {
            ...{ domains: backlog.domains, entries: backlog.entries, bytes: backlog.bytes },
            ...{ oldest_uncopied_at: backlog.oldestUncopiedAt, stopped_domains: backlog.stopped },
          },
    log: log && {
      ...{ size: log.size, signed_size: log.signedSize, checkpoint_at: log.checkpointAt, witnesses: log.witnesses },
      ...{ witnessed_at: log.witnessedAt, independently_witnessed_at: log.independentlyWitnessedAt },
    },
    last_drill: view.drill && {
      ...{ at: instantOf(view.drill.atMs), entries: view.drill.entries },
      entries_per_s: Math.round((view.drill.entries * 1000) / Math.max(1, view.drill.workMs)),
      verdict: view.drill.isGood ? ("restored" as const) : ("refused" as const),
    },
    backups: backups.map(({ name, verdict, checkedMs, found }) => ({
      ...{ name, ...BACKUPS[name], verdict, checked_at: known(checkedMs), found },
    })),
    alerts: alerts.map(incident),
    incidents: incidents.map(incident),
    probes: probes.map(({ probe, state, last, days }) => ({
      ...{ name: probe, state, last_at: known(last?.atMs ?? null), ms: last?.ms ?? null },
      ...{ code: (last?.code ?? null) as ProbeCode | null, days },
    })),
    alert_keys: [...view.alertKeys],
  };
}

/** What strangers are not told. */
export function operatorDetails({ jobs, alerts, undelivered }: MonitoringView) {
  return {
    job_details: jobs.map(({ job, startedMs, failedMs, code, pingFault }) => ({
      ...{ name: job, last_started_at: known(startedMs), last_failed_at: known(failedMs), code, ping_fault: pingFault },
    })),
    alert_details: alerts.map(({ id, kind, domainId, codes, count }) => ({
      ...{ id, kind, object: domainId ?? null, codes, count },
    })),
    notices_waiting: undelivered.count,
    notice_fault: undelivered.fault,
  };
}

function incident({ kind, job, openedMs, resolvedMs }: AlertRecord) {
  const at = { opened_at: instantOf(openedMs), resolved_at: known(resolvedMs) };
  return { kind, says: ALERT_KINDS[kind], job: job ?? null, ...at };
}
