/**
 * Looks after the jobs, and tells the checks of what objects do by alarm: one ping a task, over all objects of the cell. A check
 * that hears nothing knows that cron itself is dead.
 */
import { TASK_NAMES } from "../services/dead-man/table.ts";
import type { JobWork } from "./deps.ts";

export const watchJobs: JobWork = async ({ desk, ping, uuid }) => {
  const states = await desk.monitoring.watch();
  const run = uuid();
  await Promise.all(
    TASK_NAMES.map((task) => {
      const late = states.find((one) => one.task === task)?.state !== "ok";
      return ping(task, late ? "fail" : "success", { run, code: late ? "overdue" : null });
    }),
  );
};
