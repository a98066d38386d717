/** How a cell is: for strangers, for its operator, and from probes outside. */
import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { type SignedReport, signerOfReport } from "../../services/monitoring/probe.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { bodyError, readText } from "../body.ts";
import { capacityJson } from "../capacity-json.ts";
import type { CellApp } from "../environment.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { operatorStatusSchema, probeReportSchema, statusSchema } from "../schemas/status.ts";
import { operatorDetails, publicStatus } from "../status-json.ts";

const TAG = "Deployment";
const REPORT_DEPTH = 2;
const REPORT_BYTES = 1024;

const readStatus = declareRoute({
  method: "get",
  path: "/v1/status",
  operationId: "readStatus",
  summary: "How each cell is: jobs, backlog, checkpoints, backups, alerts",
  description:
    "For anybody; `/status` of the gateway shows it as a page. Through the gateway: all cells, one that does not answer as `away`. What is late is computed when it is asked for, so it is true also while cron is dead; an answer may be 10 seconds old. Nothing in it names a tenant, a domain or a person.",
  tag: TAG,
  permission: PUBLIC,
  problems: ["storage.unavailable"],
  responses: { 200: { description: "The status", content: { "application/json": { schema: statusSchema } } } },
});

const readCellStatus = declareRoute({
  method: "get",
  path: "/v1/status/cell",
  operationId: "readCellStatus",
  summary: "How full the cell is, what waits in it, and the details of its status",
  description:
    "For the operator. Shards are asked now; domains are as cron last saw them, every five minutes in turn. `watched` is what `/v1/status` tells everybody.",
  tag: TAG,
  permission: "cell.read",
  problems: ["storage.unavailable"],
  responses: { 200: { description: "The status", content: { "application/json": { schema: operatorStatusSchema } } } },
});

const addProbeReport = declareRoute({
  method: "post",
  path: "/v1/status/reports",
  operationId: "addProbeReport",
  summary: "Tell a cell what a probe outside found",
  description:
    "For the probes that the operator has named (`npm run ops -- probe`). Through the gateway: `/v1/status/reports/{jurisdiction}`. Signed by the probe's own key as Standard Webhooks 1.0, `v1a`: no other credential. A report counts once.",
  tag: TAG,
  permission: PUBLIC,
  problems: ["auth.required", "rate.limited", "request.malformed", "request.too_large", "storage.unavailable"],
  before: [limitAskers("polls")],
  request: {
    headers: z.object({
      "webhook-id": z.string().min(1).max(100).optional().openapi({ description: "Of the report; signed" }),
      "webhook-timestamp": z.string().max(20).optional().openapi({ description: "Unix seconds" }),
      "webhook-signature": z.string().max(1000).optional().openapi({ description: "`v1a,` and base64" }),
    }),
    body: {
      required: true,
      content: {
        "text/plain": { schema: { type: "string", description: "A `ProbeReport` as JSON, as it was signed" } },
      },
    },
  },
  responses: {
    200: {
      description: "`taken` false: it is not newer than the last one of this probe",
      content: { "application/json": { schema: z.object({ taken: z.boolean() }) } },
    },
  },
});

export function statusRoutes(app: CellApp): void {
  mount(app, readStatus, async (c) => {
    const { config, watched } = c.get("services");
    return c.json({ cells: [publicStatus(await watched(), config.jurisdiction)] }, 200, {
      "Cache-Control": "no-store",
    });
  });

  mount(app, readCellStatus, async (c) => {
    const { config, status, monitoring } = c.get("services");
    const [capacity, view] = await Promise.all([status(), monitoring.view()]);
    const { reachable: _, jurisdiction, ...watched } = publicStatus(view, config.jurisdiction);
    const body = { ...capacityJson(capacity, jurisdiction), watched, ...operatorDetails(view) };
    return c.json(body, 200, { "Cache-Control": "no-store" });
  });

  mount(app, addProbeReport, async (c) => {
    const { config, monitoring, clock } = c.get("services");
    const body = await readText(c, REPORT_BYTES);
    const header = (name: string) => c.req.header(name) ?? "";
    const report: SignedReport = {
      ...{ id: header("webhook-id"), signatures: header("webhook-signature"), body },
      timestampS: Number.parseInt(header("webhook-timestamp"), 10),
    };
    const probe = signerOfReport(report, config.monitoring.probes, clock());
    if (probe === null) throw new AppError("auth.required");
    const { at, code, ms } = readReport(body, { probe, jurisdiction: config.jurisdiction });
    const atMs = Date.parse(at);
    if (Math.abs(clock() - atMs) > LIMITS.probeSkewMs) throw bodyError("request.malformed", "the report is not of now");
    return c.json({ taken: await monitoring.takeReport({ probe, atMs, code, ms }) }, 200);
  });
}

/** A signature proves who signed; that it was meant for this cell, and by this name, stands in the body. */
function readReport(body: string, meant: { probe: string; jurisdiction: string }) {
  const json = parseStrictJson(body, REPORT_DEPTH);
  const parsed = probeReportSchema.safeParse(json.ok ? json.value : null);
  const isMeant = parsed.data?.probe === meant.probe && parsed.data.jurisdiction === meant.jurisdiction;
  if (!parsed.success || !isMeant)
    throw bodyError("request.malformed", "this is no report of this probe for this cell");
  return parsed.data;
}
