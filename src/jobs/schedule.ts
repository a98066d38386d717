/**
 * Cron jobs of a cell. Long work is done by the objects' own alarms: cron wakes them and takes up what was lost. What there is to
 * run, how often and how late it may be stands in one table, src/services/dead-man/table.ts.
 */
import { v7 as uuidv7 } from "uuid";
import { cellDesk } from "../../durable-objects/gates.ts";
import type { CellEnv } from "../env.ts";
import { type CellConfig, cellConfig } from "../services/cell-config.ts";
import { ping } from "../services/dead-man/ping.ts";
import { runJob } from "../services/dead-man/run.ts";
import { CRON_JOB_NAMES, CRON_JOBS, type CronJobName } from "../services/dead-man/table.ts";
import type { JobDeps, JobWork } from "./deps.ts";
import { verifyBackups } from "./verify-backups.ts";
import { wakeDeletions } from "./wake-deletions.ts";
import { wakeDomains } from "./wake-domains.ts";
import { wakeTenants } from "./wake-tenants.ts";
import { watchJobs } from "./watch-jobs.ts";

const WORK: Readonly<Record<CronJobName, JobWork>> = {
  wake_domains: wakeDomains,
  wake_deletions: wakeDeletions,
  wake_tenants: wakeTenants,
  watch_jobs: watchJobs,
  verify_backups: verifyBackups,
};

/**
 * Runs every job of this cron expression, one after the other: one that fails keeps none from running. Throws when the cell must
 * not serve, and at the end when a job has failed, so that the platform counts the run as failed too.
 */
export async function scheduledJobs(cron: string, env: CellEnv): Promise<void> {
  const config = cellConfig(env);
  const deps: JobDeps = { desk: cellDesk(env, config), ping: pings(config), uuid: uuidv7 };
  const failed: string[] = [];
  for (const job of CRON_JOB_NAMES.filter((name) => CRON_JOBS[name].cron === cron)) {
    const record = deps.desk.monitoring;
    const code = await runJob(job, () => WORK[job](deps), { ...deps, record, clock: Date.now });
    if (code !== null) failed.push(`${job}: ${code}`);
  }
  if (failed.length > 0) throw new Error(failed.join(", "));
}

function pings({ monitoring }: CellConfig): JobDeps["ping"] {
  return async (job, kind, told) => {
    const check = monitoring.pingOf(job);
    return check === null ? null : ping(check, kind, told);
  };
}
