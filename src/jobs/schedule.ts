/** Cron jobs of a cell. Long work is done by the objects' own alarms: cron wakes them and takes up what was lost. */
import { cellDesk } from "../../durable-objects/gates.ts";
import type { CellEnv } from "../env.ts";
import { cellConfig } from "../services/cell-config.ts";

interface Job {
  name: string;
  cron: string;
  run: (env: CellEnv) => Promise<void>;
}

export const JOBS: readonly Job[] = [
  {
    name: "wake_domains",
    cron: "*/5 * * * *",
    run: async (env) => {
      await cellDesk(env, cellConfig(env)).wakeDomains();
    },
  },
  {
    name: "wake_deletions",
    cron: "*/5 * * * *",
    run: async (env) => {
      await cellDesk(env, cellConfig(env)).wakeDeletions();
    },
  },
  {
    name: "wake_tenants",
    cron: "*/5 * * * *",
    run: async (env) => {
      await cellDesk(env, cellConfig(env)).wakeTenants();
    },
  },
];

export async function scheduledJobs(cron: string, env: CellEnv): Promise<void> {
  for (const job of JOBS.filter((candidate) => candidate.cron === cron)) await job.run(env);
}
