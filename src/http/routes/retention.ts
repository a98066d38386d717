import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { durationOf } from "../../core/retention/duration.ts";
import type { ResourceName } from "../../core/retention/resources.ts";
import { versionOf } from "../../services/retention/change.ts";
import { strictJsonBody } from "../body.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { demandMatch } from "../etag.ts";
import { askedBy } from "../principal.ts";
import { iso, plannedJson, retentionEtag, retentionJson, runJson } from "../retention-json.ts";
import { declareRoute, mount } from "../route.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import {
  dryRunSchema,
  resourceSchema,
  retentionSchema,
  runSchema,
  runsSchema,
  setRetentionSchema,
} from "../schemas/retention.ts";

const TAG = "Retention";
const PATH = "/v1/tenants/{tenantId}/retention";
const params = z.object({ tenantId: tenantIdSchema });
const ofResource = z.object({ tenantId: tenantIdSchema, resource: resourceSchema });
const policies = { description: "What holds now", content: { "application/json": { schema: retentionSchema } } };
const headers = z.object({
  "if-match": z.string().optional().openapi({ description: "The `ETag` of what is to be changed. Required." }),
});
const CHANGE = ["precondition.required", "precondition.failed", "limit.reached", "storage.unavailable"] as const;

const readRetention = declareRoute({
  method: "get",
  path: PATH,
  operationId: "readRetention",
  summary: "How long what is kept, and why",
  description: "Send the `ETag` of the answer as `If-Match` to change it.",
  tag: TAG,
  permission: "retention.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: policies },
});

const setRetention = declareRoute({
  method: "put",
  path: `${PATH}/{resource}`,
  operationId: "setRetention",
  summary: "Change how long something is kept",
  description:
    "Takes effect at the next run, or at `effective_from`. The change and its entry in the tenant's log are one. Nothing that a legal hold keeps goes because of it.",
  tag: TAG,
  permission: "retention.manage",
  problems: ["request.malformed", "request.unsupported_media_type", "request.too_large", ...CHANGE],
  before: [strictJsonBody],
  request: {
    params: ofResource,
    headers,
    body: { required: true, content: { "application/json": { schema: setRetentionSchema } } },
  },
  responses: { 200: policies },
});

const resetRetention = declareRoute({
  method: "delete",
  path: `${PATH}/{resource}`,
  operationId: "resetRetention",
  summary: "Keep something as long as the tier says again",
  tag: TAG,
  permission: "retention.manage",
  problems: CHANGE,
  request: { params: ofResource, headers },
  responses: { 200: policies },
});

const listRuns = declareRoute({
  method: "get",
  path: `${PATH}/runs`,
  operationId: "listRetentionRuns",
  summary: "What retention did, newest first",
  tag: TAG,
  permission: "retention.read",
  problems: ["storage.unavailable"],
  request: {
    params,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(LIMITS.retentionRunsPage).default(20),
      cursor: z.string().max(500).optional(),
    }),
  },
  responses: { 200: { description: "The runs", content: { "application/json": { schema: runsSchema } } } },
});

const startRun = declareRoute({
  method: "post",
  path: `${PATH}/runs`,
  operationId: "startRetentionRun",
  summary: "Run retention now",
  description:
    "Over what the tenant has beside its logs. A run that is under way stays the one. What the first turn leaves, the tenant's object finishes by its alarm.",
  tag: TAG,
  permission: "retention.manage",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 202: { description: "How far it is", content: { "application/json": { schema: runSchema } } } },
});

const dryRun = declareRoute({
  method: "post",
  path: `${PATH}/dry-run`,
  operationId: "dryRunRetention",
  summary: "What would go if retention ran now; nothing goes",
  tag: TAG,
  permission: "retention.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "What would go", content: { "application/json": { schema: dryRunSchema } } } },
});

const NOT_KEPT = { "Cache-Control": "no-store" };

export function retentionRoutes(app: CellApp): void {
  mount(app, readRetention, async (c) => {
    const view = await (await retentionOf(c, c.req.valid("param").tenantId)).policies();
    return c.json(retentionJson(view), 200, { ...NOT_KEPT, ETag: retentionEtag(view) });
  });

  mount(app, setRetention, async (c) => {
    const { tenantId, resource } = c.req.valid("param");
    const { duration, effective_from } = c.req.valid("json");
    const effectiveFromMs = effective_from === undefined ? null : Date.parse(effective_from);
    const view = await change(c, tenantId, { resource, duration: durationOf(duration) }, effectiveFromMs);
    return c.json(retentionJson(view), 200, { ...NOT_KEPT, ETag: retentionEtag(view) });
  });

  mount(app, resetRetention, async (c) => {
    const { tenantId, resource } = c.req.valid("param");
    const view = await change(c, tenantId, { resource, duration: null }, null);
    return c.json(retentionJson(view), 200, { ...NOT_KEPT, ETag: retentionEtag(view) });
  });

  mount(app, listRuns, async (c) => {
    const { tenantId } = c.req.valid("param");
    const { limit, cursor } = c.req.valid("query");
    const isNumber = (state: unknown) => (Number.isSafeInteger(state) ? (state as number) : null);
    const before =
      cursor === undefined
        ? null
        : decodeCursor(cursor, "retention_runs", tenantId, (state) => isNumber(Number(state)));
    const runs = await (await retentionOf(c, tenantId)).runs(before, limit + 1);
    const page = runs.slice(0, limit);
    const last = runs.length > limit ? page.at(-1) : undefined;
    const next = last ? encodeCursor("retention_runs", tenantId, String(last.number)) : null;
    return c.json({ runs: page.map(runJson), next_cursor: next }, 200, NOT_KEPT);
  });

  mount(app, startRun, async (c) => {
    const retention = await retentionOf(c, c.req.valid("param").tenantId);
    return c.json(runJson(await retention.run(askedBy(c))), 202, NOT_KEPT);
  });

  mount(app, dryRun, async (c) => {
    const { tenantId } = c.req.valid("param");
    const { atMs, resources } = await (await retentionOf(c, tenantId)).dryRun();
    return c.json({ tenant_id: tenantId, at: iso(atMs), resources: resources.map(plannedJson) }, 200, NOT_KEPT);
  });
}

async function retentionOf(c: Context<HttpEnv>, tenantId: string) {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId).retention;
}

async function change(
  c: Context<HttpEnv>,
  tenantId: string,
  change: { resource: ResourceName; duration: ReturnType<typeof durationOf> | null },
  effectiveFromMs: number | null,
) {
  const retention = await retentionOf(c, tenantId);
  const current = await retention.policies();
  demandMatch(c.req.header("If-Match"), retentionEtag(current));
  const of = versionOf(current.rows);
  return retention.change({ domainId: null, changes: [change], effectiveFromMs, of, by: askedBy(c) });
}
