import { family, write } from "./action.ts";

/** Flows: steps that run one after the other. */
export const FLOWS = family(
  { category: "execution", sensitivity: "medium", surfaces: ["admin"], people: ["/actor", "/changes/*"] },
  {
    "flow.created": write("A flow was made"),
    "flow.updated": write("What a flow does was changed", { sensitivity: "high" }),
    "flow.enabled": write("A flow may run"),
    "flow.disabled": write("A flow runs no more"),
    "flow.deleted": write("A flow was deleted"),
    "flow.executed": write("A flow ran to its end", { surfaces: ["admin", "system", "webhook", "cron"] }),
    "flow.failed": write("A flow stopped with a fault", { surfaces: ["system", "webhook", "cron"] }),
    "flow.cancelled": write("Somebody stopped a flow that ran"),
    "flow.approval_requested": write("A flow waits for a person to agree", { surfaces: ["system"] }),
    "flow.approved": write("A person let a waiting flow go on", { sensitivity: "high" }),
    "flow.rejected": write("A person stopped a waiting flow", { sensitivity: "high" }),
  },
);

/** Jobs that a clock or a queue starts. */
export const JOBS = family(
  { category: "operation", sensitivity: "low", surfaces: ["cron", "system"], people: [] },
  {
    "schedule.created": write("A schedule was made", { surfaces: ["admin"], people: ["/actor"] }),
    "schedule.updated": write("A schedule was changed", { surfaces: ["admin"], people: ["/actor"] }),
    "schedule.deleted": write("A schedule was removed", { surfaces: ["admin"], people: ["/actor"] }),
    "job.started": write("A scheduled or queued job began"),
    "job.completed": write("A job came to its end"),
    "job.failed": write("A job stopped with a fault", { sensitivity: "medium" }),
    "job.retried": write("A job that failed was started again"),
    "job.skipped": write("A job was due and did not run"),
    "cleanup.completed": write("What was not needed any more was removed"),
    "digest.sent": write("A regular summary was sent", { people: ["/targets/*"] }),
  },
);

/** What an assistant or model does on its own. */
export const AGENTS = family(
  { category: "execution", sensitivity: "medium", surfaces: ["system"], people: ["/actor", "/subjects/*"] },
  {
    "model.invoked": write("A model was asked", { sensitivity: "low" }),
    "agent.tool_called": write("An assistant used a tool"),
    "agent.action_blocked": write("A rule kept an assistant from doing something", {
      category: "security",
      sensitivity: "high",
    }),
    "agent.action_approved": write("A person let an assistant do something", {
      sensitivity: "high",
      surfaces: ["admin"],
    }),
  },
);
