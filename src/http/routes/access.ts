import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { makeId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AccessWish, DescribedAccess } from "../../services/access/grants/calls.ts";
import type { AccessReach } from "../../services/access/grants/grant.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  accessIdSchema,
  accessSchema,
  approveAccessSchema,
  breakGlassSchema,
  requestAccessSchema,
} from "../schemas/access.ts";
import { tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Access of the operator's people";
const PATH = "/v1/tenants/{tenantId}/access";
const ofTenant = z.object({ tenantId: tenantIdSchema });
const params = z.object({ tenantId: tenantIdSchema, accessId: accessIdSchema });
const shown = { description: "The access", content: { "application/json": { schema: accessSchema } } };
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];

const requestAccess = declareRoute({
  method: "post",
  path: PATH,
  operationId: "requestAccess",
  summary: "Ask a tenant for access, for a time and with a reason",
  description:
    "For the operator's people, each for themselves. Nothing opens before the tenant approves. Every step is an entry in the tenant's own log.",
  tag: TAG,
  permission: "access.request",
  problems: [...BODY, "limit.reached", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: ofTenant,
    body: { required: true, content: { "application/json": { schema: requestAccessSchema } } },
  },
  responses: { 201: shown },
});

const breakGlass = declareRoute({
  method: "post",
  path: `${PATH}/break-glass`,
  operationId: "breakGlass",
  summary: "Take access at once; the tenant's owners are told at once",
  description:
    "For an emergency: open from now on, never for what is private about people, and one at a time for each person. The entry in the tenant's log and the mails to its owners are written in the same transaction. The tenant can end it; then nobody takes another for 24 hours.",
  tag: TAG,
  permission: "access.break_glass",
  problems: [...BODY, "limit.reached", "access.not_open", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: ofTenant,
    body: { required: true, content: { "application/json": { schema: breakGlassSchema } } },
  },
  responses: { 201: shown },
});

const listAccess = declareRoute({
  method: "get",
  path: PATH,
  operationId: "listAccess",
  summary: "List who of the operator asked for access, and what came of it",
  description: `Newest first, at most ${LIMITS.accessListed}; all of them are in the tenant's log. One of the operator's people sees their own.`,
  tag: TAG,
  permission: "access.read",
  problems: AWAY,
  request: { params: ofTenant },
  responses: {
    200: {
      description: "Newest first",
      content: { "application/json": { schema: z.object({ access: z.array(accessSchema) }) } },
    },
  },
});

const readAccess = declareRoute({
  method: "get",
  path: `${PATH}/{accessId}`,
  operationId: "readAccess",
  summary: "Read an access",
  tag: TAG,
  permission: "access.read",
  problems: AWAY,
  request: { params },
  responses: { 200: shown },
});

const approveAccess = declareRoute({
  method: "post",
  path: `${PATH}/{accessId}/approve`,
  operationId: "approveAccess",
  summary: "Approve a request, or less than was asked for",
  description:
    "It opens from now on until its time is over. A key that the operator made does not approve, nor does a member who is the same person.",
  tag: TAG,
  permission: "access.approve",
  problems: [...BODY, "access.not_open", ...AWAY],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: approveAccessSchema } } } },
  responses: { 200: shown },
});

const denyAccess = declareRoute({
  method: "post",
  path: `${PATH}/{accessId}/deny`,
  operationId: "denyAccess",
  summary: "Refuse a request",
  tag: TAG,
  permission: "access.approve",
  problems: ["access.not_open", ...AWAY],
  request: { params },
  responses: { 200: shown },
});

const endAccess = declareRoute({
  method: "post",
  path: `${PATH}/{accessId}/end`,
  operationId: "endAccess",
  summary: "End an access at once, break-glass too",
  description: "The next request of that person is refused. Ending it again answers the same.",
  tag: TAG,
  permission: "access.end",
  problems: ["access.not_open", ...AWAY],
  request: { params },
  responses: { 200: shown },
});

const withdrawAccess = declareRoute({
  method: "post",
  path: `${PATH}/{accessId}/withdraw`,
  operationId: "withdrawAccess",
  summary: "Take a request of one's own back, or end what it opened",
  tag: TAG,
  permission: "access.request",
  problems: ["access.not_open", ...AWAY],
  request: { params },
  responses: { 200: shown },
});

export function accessRoutes(app: CellApp): void {
  mount(app, requestAccess, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    const asked = c.req.valid("json");
    const answerWithinMs =
      asked.answer_within_seconds === undefined ? LIMITS.accessAnswerMs : asked.answer_within_seconds * 1000;
    return c.json(accessJson(await desk.requestAccess({ ...wishOf(c, asked), answerWithinMs })), 201, NOT_KEPT);
  });

  mount(app, breakGlass, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json(accessJson(await desk.breakGlass(wishOf(c, c.req.valid("json")))), 201, NOT_KEPT);
  });

  mount(app, listAccess, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json({ access: (await desk.accesses(ownOnly(c))).map(accessJson) }, 200, NOT_KEPT);
  });

  mount(app, readAccess, async (c) => {
    const { tenantId, accessId } = c.req.valid("param");
    return c.json(accessJson(await (await deskOf(c, tenantId)).access(accessId, ownOnly(c))), 200, NOT_KEPT);
  });

  mount(app, approveAccess, async (c) => {
    const { tenantId, accessId } = c.req.valid("param");
    const desk = await deskOf(c, tenantId);
    const { permissions, domains, duration_seconds } = c.req.valid("json");
    const wish = {
      ...(permissions ? { permissions: [...new Set(permissions)] } : {}),
      ...(domains ? { domains: [...new Set(domains)] } : {}),
      ...(duration_seconds === undefined ? {} : { durationMs: duration_seconds * 1000 }),
    };
    return c.json(accessJson(await desk.approveAccess(accessId, { ...wish, by: askedBy(c) })), 200, NOT_KEPT);
  });

  mount(app, denyAccess, async (c) => {
    const { tenantId, accessId } = c.req.valid("param");
    return c.json(accessJson(await (await deskOf(c, tenantId)).denyAccess(accessId, askedBy(c))), 200, NOT_KEPT);
  });

  mount(app, endAccess, async (c) => {
    const { tenantId, accessId } = c.req.valid("param");
    return c.json(accessJson(await (await deskOf(c, tenantId)).endAccess(accessId, askedBy(c))), 200, NOT_KEPT);
  });

  mount(app, withdrawAccess, async (c) => {
    const { tenantId, accessId } = c.req.valid("param");
    staffIdOf(c);
    return c.json(accessJson(await (await deskOf(c, tenantId)).withdrawAccess(accessId, askedBy(c))), 200, NOT_KEPT);
  });
}

const NOT_KEPT = { "Cache-Control": "no-store" };

async function deskOf(c: Context<HttpEnv>, tenantId: string) {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId);
}

/** A person asks for themselves: a secret that several share could not say who reads. */
function staffIdOf(c: Context<HttpEnv>): string {
  const { kind, person } = c.get("principal");
  if (kind === "staff" && person) return person.id;
  throw new AppError("auth.forbidden", { detail: "only one of the operator's people, signed in, asks for access" });
}

/** One of the operator's people is shown their own, the tenant and the operator's secret everybody's. */
function ownOnly(c: Context<HttpEnv>): string | null {
  return c.get("principal").kind === "staff" ? staffIdOf(c) : null;
}

type Asked = Pick<z.output<typeof breakGlassSchema>, "reason" | "permissions" | "domains" | "duration_seconds">;

function wishOf(c: Context<HttpEnv>, { reason, permissions, domains, duration_seconds }: Asked): AccessWish {
  return {
    id: makeId("accessGrant", c.get("services").config.jurisdiction, uuidv7()),
    staffId: staffIdOf(c),
    reason,
    permissions: [...new Set(permissions)],
    domains: domains === "all" ? null : [...new Set(domains)],
    durationMs: duration_seconds * 1000,
    by: askedBy(c),
  };
}

function accessJson({ grant, reason }: DescribedAccess) {
  const { id, kind, state, staffId, asked, answerByMs, granted, usedAtMs, changes } = grant;
  return {
    ...{ id, kind, state, staff_id: staffId, reason },
    asked: { ...reachJson(asked), duration_seconds: asked.durationMs / 1000 },
    answer_by: answerByMs === null ? null : iso(answerByMs),
    granted: granted && { ...reachJson(granted), from: iso(granted.fromMs), until: iso(granted.untilMs) },
    first_used_at: usedAtMs === null ? null : iso(usedAtMs),
    changes: changes.map(({ kind, atMs, by }) => ({ kind, at: iso(atMs), by: by.id })),
  };
}

const reachJson = ({ permissions, domains }: AccessReach) => ({
  permissions: [...permissions],
  domains: domains === null ? ("all" as const) : [...domains],
});

const iso = (ms: number) => new Date(ms).toISOString();
