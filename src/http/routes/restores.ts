/** Bringing a log back from its archive. For the operator: what is in the log is shown to nobody by this. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { AppError } from "../../core/errors.ts";
import { parseId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { RESTORE_REFUSALS, type RestoreView } from "../../services/restore/calls.ts";
import { restoredKey } from "../../services/restore/first-key.ts";
import { mediaType, readBytes, strictJsonBody, unsupportedMediaType } from "../body.ts";
import type { CellApp, CellServices, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  archiveKeySchema,
  lostLogIdSchema,
  putBackSchema,
  restoreSchema,
  restoreWishSchema,
  startedRestoreSchema,
} from "../schemas/restore.ts";

const TAG = "Restores";
const PARAMS = z.object({ logId: lostLogIdSchema });
const BYTES = "application/octet-stream";
const NO_STORE = { "Cache-Control": "no-store" };

const startRestore = declareRoute({
  method: "post",
  path: "/v1/restores/{logId}",
  operationId: "startRestore",
  summary: "Bring a log back from its archive",
  description:
    "Writes what D1 lacks out of the archive, recomputing every hash, compares D1 with the archive byte for byte, and rebuilds the index. D1 may be empty or hold a true beginning. A log whose object is lost is made anew, to be read and verified. One that runs goes on; ask `GET` how far it is.",
  tag: TAG,
  permission: "domain.restore",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "storage.unavailable",
    "tenant.deleting",
  ],
  before: [strictJsonBody],
  request: { params: PARAMS, body: { required: true, content: { "application/json": { schema: restoreWishSchema } } } },
  responses: {
    202: { description: "How it stands", content: { "application/json": { schema: startedRestoreSchema } } },
  },
});

const readRestore = declareRoute({
  method: "get",
  path: "/v1/restores/{logId}",
  operationId: "readRestore",
  summary: "How far a restore is",
  tag: TAG,
  permission: "domain.restore",
  problems: ["storage.unavailable", "tenant.deleting"],
  request: { params: PARAMS },
  responses: { 200: { description: "How it stands", content: { "application/json": { schema: restoreSchema } } } },
});

const putArchiveObject = declareRoute({
  method: "put",
  path: "/v1/restores/{logId}/objects",
  operationId: "putArchiveObject",
  summary: "Put an object of a copy of the archive back into the bucket",
  description:
    "For `npm run ops -- restore --from DIR`. Each object is checked, in the order of their names, and none is ever replaced. Of a log that lives only segments are taken, and only those that its own tree knows.",
  tag: TAG,
  permission: "domain.restore",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "storage.unavailable",
    "tenant.deleting",
  ],
  request: {
    params: PARAMS,
    query: z.object({ key: archiveKeySchema }),
    body: {
      required: true,
      content: {
        [BYTES]: { schema: { type: "string", format: "binary", description: "Its bytes" } },
      },
    },
  },
  responses: { 200: { description: "What came of it", content: { "application/json": { schema: putBackSchema } } } },
});

export function restoreRoutes(app: CellApp): void {
  mount(app, startRestore, async (c) => {
    const { logId } = c.req.valid("param");
    const services = await demandHere(c, logId);
    const { until_seq = null, until, drill } = c.req.valid("json");
    const atMs = until === undefined ? null : Date.parse(until);
    const wish = { by: askedBy(c), until: { seq: until_seq, atMs }, isDrill: drill };
    const view = await services.keeper(logId).restoring.begin(wish);
    const { config, control, clock } = services;
    const api_key = view.tenantMade ? await restoredKey(logId, { config, control, clock, uuid: uuidv7() }) : null;
    return c.json({ ...restoreJson(logId, view), api_key }, 202, NO_STORE);
  });

  mount(app, readRestore, async (c) => {
    const { logId } = c.req.valid("param");
    const services = await demandHere(c, logId);
    const view = await services.keeper(logId).restoring.view();
    if (view === null) throw new AppError("resource.not_found");
    return c.json(restoreJson(logId, view), 200, NO_STORE);
  });

  mount(app, putArchiveObject, async (c) => {
    const { logId } = c.req.valid("param");
    const services = await demandHere(c, logId);
    if (mediaType(c) !== BYTES) throw unsupportedMediaType(BYTES);
    const bytes = await readBytes(c, LIMITS.archiveObjectBytes);
    const answer = await services.keeper(logId).restoring.put({ key: c.req.valid("query").key, bytes });
    const refused = "refused" in answer ? refusalJson(answer.refused) : null;
    return c.json({ stored: "stored" in answer && answer.stored, refused }, 200, NO_STORE);
  });
}

function refusalJson(refused: RestoreView["refused"]) {
  return refused && { ...refused, says: RESTORE_REFUSALS[refused.code] };
}

/** Of this cell, and, for a credential of a tenant, of that tenant: no role of a tenant's holds the permission, and it ends there too. */
async function demandHere(c: Context<HttpEnv>, logId: string): Promise<CellServices> {
  const services = c.get("services");
  const id = parseId(logId);
  if (id?.kind !== "domain" || id.jurisdiction !== services.config.jurisdiction)
    throw new AppError("resource.not_found");
  const { tenantId } = c.get("principal");
  if (tenantId !== null && (await services.domain(logId))?.tenantId !== tenantId) {
    throw new AppError("resource.not_found");
  }
  return services;
}

function restoreJson(domainId: string, view: RestoreView) {
  const { phase, log, isDrill, inserted, compared, lost, refused, workMs } = view;
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    domain_id: domainId,
    ...{ phase, log, drill: isDrill, started_at: instant(view.startedAtMs) },
    ended_at: view.endedAtMs === null ? null : instant(view.endedAtMs),
    ...{ from: view.fromSeq, seq: view.seq, size: view.size, inserted, compared },
    // Of a lost log nothing is known but what comes back.
    entries: log === "lost" ? view.size : view.entries,
    archived_by: view.archiveDueMs === null ? null : instant(view.archiveDueMs),
    entries_per_s: workMs === 0 ? null : Math.round((inserted * 1000) / workMs),
    ...{ checkpoint_size: view.checkpointSize, checkpoint_ours: view.checkpointOurs, lost },
    refused: refusalJson(refused),
  };
}
