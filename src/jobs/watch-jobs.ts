/**
 * Looks after the jobs, and tells the checks of what objects do by alarm: one ping a task, over all objects of the cell. A check
 * that hears nothing knows that cron itself is dead.
 */
import type { JobWork } from "./deps.ts";

export const watchJobs: JobWork = async ({ desk, ping, uuid }) => {
  const states = await desk.monitoring.watch();
  const run = uuid();
  await Promise.all(
    states
      .filter(({ state }) => state !== "waiting")
      .map(({ task, state }) =>
        state === "late" ? ping(task, "fail", { run, code: "overdue" }) : ping(task, "success", { run }),
      ),
  );
};
