import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { platformTenantId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { DescribedRecovery } from "../../services/access/recovery/desk.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { recoverTenantSchema, recoverySchema } from "../schemas/recovery.ts";
import { tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Access of the operator's people";
const PATH = "/v1/tenants/{tenantId}/recovery";
const params = z.object({ tenantId: tenantIdSchema });
const shown = { description: "The recovery", content: { "application/json": { schema: recoverySchema } } };
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];

const recoverTenant = declareRoute({
  method: "post",
  path: PATH,
  operationId: "recoverTenant",
  summary: "Have a new owner invited to a tenant that nobody can get into",
  description:
    "For the operator, who gets no key by it. The invitation goes out 24 hours later, unless the tenant stops it; every owner is told by mail at once, and request and outcome are entries in the tenant's own log.",
  tag: TAG,
  permission: "tenant.recover",
  problems: ["request.malformed", "request.unsupported_media_type", "request.too_large", "access.not_open", ...AWAY],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: recoverTenantSchema } } } },
  responses: { 201: shown },
});

const listRecoveries = declareRoute({
  method: "get",
  path: PATH,
  operationId: "listRecoveries",
  summary: "List recoveries that the operator asked for, and what came of them",
  description: `Newest first, at most ${LIMITS.accessListed}.`,
  tag: TAG,
  permission: "access.read",
  problems: AWAY,
  request: { params },
  responses: {
    200: {
      description: "Newest first",
      content: { "application/json": { schema: z.object({ recoveries: z.array(recoverySchema) }) } },
    },
  },
});

const stopRecovery = declareRoute({
  method: "post",
  path: `${PATH}/stop`,
  operationId: "stopRecovery",
  summary: "Stop the recovery that waits: nobody is invited",
  tag: TAG,
  permission: "access.end",
  problems: ["access.not_open", ...AWAY],
  request: { params },
  responses: { 200: shown },
});

const withdrawRecovery = declareRoute({
  method: "post",
  path: `${PATH}/withdraw`,
  operationId: "withdrawRecovery",
  summary: "Take the recovery that waits back",
  tag: TAG,
  permission: "tenant.recover",
  problems: ["access.not_open", ...AWAY],
  request: { params },
  responses: { 200: shown },
});

export function recoveryRoutes(app: CellApp): void {
  mount(app, recoverTenant, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(recoveryJson(await desk.recoverTenant({ ...c.req.valid("json"), by: askedBy(c) })), 201, NOT_KEPT);
  });

  mount(app, listRecoveries, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json({ recoveries: (await desk.recoveries()).map(recoveryJson) }, 200, NOT_KEPT);
  });

  mount(app, stopRecovery, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(recoveryJson(await desk.stopRecovery(askedBy(c))), 200, NOT_KEPT);
  });

  mount(app, withdrawRecovery, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(recoveryJson(await desk.withdrawRecovery(askedBy(c))), 200, NOT_KEPT);
  });
}

const NOT_KEPT = { "Cache-Control": "no-store" };

/** The platform's tenant is the operator's own and has nobody to bring back. */
async function deskOf(c: Context<HttpEnv>, tenantId: string) {
  const { control, config, desk } = c.get("services");
  const isPlatform = tenantId === platformTenantId(config.jurisdiction);
  if (isPlatform || !(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId);
}

function recoveryJson({ recovery, words }: DescribedRecovery) {
  const { id, state, by, askedAtMs, worksAtMs, closedAtMs, closedBy, invitationId } = recovery;
  return {
    id,
    state,
    reason: words?.reason ?? null,
    owner: words?.owner ?? null,
    requested_at: iso(askedAtMs),
    requested_by: by.id,
    works_at: iso(worksAtMs),
    closed_at: closedAtMs === null ? null : iso(closedAtMs),
    closed_by: closedBy?.id ?? null,
    invitation_id: invitationId,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
