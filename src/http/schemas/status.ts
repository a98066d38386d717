/** How a cell is, for strangers and for its operator. */
import { z } from "@hono/zod-openapi";
import { JURISDICTIONS } from "../../core/ids.ts";
import { ALERT_KINDS, type AlertKind } from "../../services/alerts/alert.ts";
import { JOB_NAMES, TASK_NAMES } from "../../services/dead-man/table.ts";
import { BACKUP_NAMES } from "../../services/monitoring/backups.ts";
import { PROBE_CODES } from "../../services/monitoring/probe.ts";
import { cellStatusSchema } from "./resources.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });

const kind = z.enum(Object.keys(ALERT_KINDS) as [AlertKind, ...AlertKind[]]);
const seconds = (description: string) => z.int().openapi({ description: `${description}. Seconds` });

const jobSchema = z.object({
  name: z.enum(JOB_NAMES as [string, ...string[]]),
  says: z.string(),
  every_s: seconds("It has to succeed this often"),
  grace_s: seconds("It may be this much later before it is late"),
  state: z.enum(["ok", "waiting", "failing", "late"]).openapi({
    description: "`waiting`: it has not run since the cell was made, and its first window is not over",
  }),
  last_success_at: instant.nullable(),
  took_ms: z.int().nullable(),
  due_by: instant.openapi({ description: "Without a success by then it is late" }),
});

const taskSchema = z.object({
  name: z.enum(TASK_NAMES),
  says: z.string(),
  grace_s: seconds("It may be overdue, or fail, for this long"),
  state: z
    .enum(["ok", "waiting", "late"])
    .openapi({ description: "`waiting`: nobody has looked into the objects yet" }),
  late: z.int().openapi({ description: "Objects in which it is late, as cron last saw them" }),
});

const incidentSchema = z.object({
  kind,
  says: z.string(),
  job: z.string().nullable(),
  opened_at: instant,
  resolved_at: instant.nullable(),
});

const probeSchema = z.object({
  name: z.string(),
  state: z.enum(["ok", "failing", "silent"]),
  last_at: instant.nullable(),
  code: z.enum(PROBE_CODES).nullable().openapi({ description: "What it found last; null: all was as it should be" }),
  ms: z.int().nullable().openapi({ description: "How long the cell took to answer it" }),
  days: z
    .array(z.object({ day: z.string().openapi({ example: "2026-11-21" }), reports: z.int(), failed: z.int() }))
    .openapi({
      description: "UTC days with a report, oldest first",
    }),
});

const backupSchema = z.object({
  name: z.enum(BACKUP_NAMES as [string, ...string[]]),
  what: z.string().openapi({ example: "The entries of every log, its tiles and its checkpoints" }),
  from: z.string().nullable(),
  reach: z.string().openapi({ example: "entry 0, except for entries that the archive does not hold yet" }),
  how: z.string(),
  verdict: z.enum(["verified", "incomplete", "unknown", "none"]),
  checked_at: instant.nullable(),
  found: z.record(z.string(), z.int()),
});

const presentCellSchema = z.object({
  reachable: z.literal(true),
  jurisdiction: z.enum(JURISDICTIONS),
  state: z.enum(["ok", "attention"]).openapi({ description: "`attention`: an alert is open" }),
  at: instant,
  watched_since: instant,
  jobs: z.array(jobSchema),
  tasks: z.array(taskSchema),
  backlog: z
    .object({
      domains: z.int(),
      entries: z.int(),
      bytes: z.int(),
      oldest_uncopied_at: instant.nullable(),
      stopped_domains: z.int(),
    })
    .nullable()
    .openapi({
      description:
        "What waits for D1 or for the archive, as cron last saw the domains; `oldest_uncopied_at`: for D1. Null: no domain was looked at yet",
    }),
  log: z
    .object({
      size: z.int(),
      signed_size: z.int(),
      checkpoint_at: instant.nullable(),
      witnesses: z.int(),
      witnessed_at: instant.nullable(),
      independently_witnessed_at: instant.nullable(),
    })
    .nullable()
    .openapi({
      description:
        "The platform's log, which has the heads of all others as entries. Null: nothing was written to it yet, or it does not answer",
    }),
  last_drill: z
    .object({
      at: instant,
      entries: z.int().openapi({ description: "Rows that came back into D1" }),
      entries_per_s: z.int(),
      verdict: z.enum(["restored", "refused"]),
    })
    .nullable()
    .openapi({ description: "The last restore that was drilled on this cell; null: none is on record" }),
  backups: z.array(backupSchema),
  alerts: z.array(incidentSchema).openapi({ description: "Open ones, oldest first" }),
  incidents: z.array(incidentSchema).openapi({
    description:
      "Of the last 90 days, newest first. Each stands in the platform's log as `cell.alert_raised` and `cell.alert_resolved`",
  }),
  probes: z.array(probeSchema).openapi({ description: "What machines outside found" }),
  alert_keys: z
    .array(z.string().openapi({ example: "whpk_O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=" }))
    .openapi({ description: "`whpk_…` (Standard Webhooks): what alerts are signed with" }),
});

const absentCellSchema = z.object({
  reachable: z.literal(false),
  jurisdiction: z.enum(JURISDICTIONS),
  state: z.literal("away"),
});

export const statusCellSchema = z.union([presentCellSchema, absentCellSchema]).openapi("StatusOfCell");
export const statusSchema = z.object({ cells: z.array(statusCellSchema) }).openapi("Status");
export type PresentCell = z.infer<typeof presentCellSchema>;
export type StatusCell = z.infer<typeof statusCellSchema>;

/** What the operator sees besides: ids of domains, codes, and whether pings and notices arrive. */
export const operatorStatusSchema = cellStatusSchema
  .extend({
    watched: presentCellSchema.omit({ reachable: true, jurisdiction: true }),
    job_details: z.array(
      z.object({
        name: z.string(),
        last_started_at: instant.nullable(),
        last_failed_at: instant.nullable(),
        code: z.string().nullable().openapi({ description: "Of the last failure" }),
        ping_fault: z.string().nullable().openapi({ description: "Why the last ping did not arrive" }),
      }),
    ),
    alert_details: z.array(
      z.object({
        id: z.string(),
        kind,
        object: z.string().nullable(),
        codes: z.array(z.string().openapi({ example: "overdue" })),
        count: z.int(),
      }),
    ),
    notices_waiting: z.int().openapi({ description: "Notices of alerts that could not be delivered yet" }),
    notice_fault: z.string().nullable(),
  })
  .openapi("OperatorStatus");

/** As src/services/monitoring/probe.ts has it. */
export const probeReportSchema = z
  .strictObject({
    probe: z.string().regex(/^[a-z0-9-]{1,32}$/),
    jurisdiction: z.enum(JURISDICTIONS),
    at: z.iso.datetime({ precision: 3 }),
    code: z.enum(PROBE_CODES).nullable(),
    ms: z.int().min(0).max(600_000),
  })
  .openapi("ProbeReport");
