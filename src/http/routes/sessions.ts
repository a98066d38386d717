import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import type { PeopleCalls } from "../../services/access/people/calls.ts";
import type { Session } from "../../services/access/people/records.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { jurisdictionParam, memberIdSchema, sessionIdSchema, sessionSchema } from "../schemas/people.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { ownCell, peopleOf } from "../sign-in.ts";

const TAG = "Sessions";
const NOT_KEPT = { "Cache-Control": "no-store" };
const listed = {
  description: "Open sessions, newest first",
  content: { "application/json": { schema: z.object({ sessions: z.array(sessionSchema) }) } },
};

const listOwn = declareRoute({
  method: "get",
  path: "/v1/sessions",
  operationId: "listOwnSessions",
  summary: "List the sessions of whoever asks",
  description: "A key and the operator's secret have none.",
  tag: TAG,
  permission: "any_credential",
  problems: ["storage.unavailable"],
  responses: { 200: listed },
});

const endOwn = declareRoute({
  method: "delete",
  path: "/v1/sessions/{sessionId}",
  operationId: "endOwnSession",
  summary: "End one of one's own sessions",
  tag: TAG,
  permission: "any_credential",
  problems: ["resource.not_found", "storage.unavailable"],
  request: { params: z.object({ sessionId: sessionIdSchema }) },
  responses: { 204: { description: "Ended; felt everywhere within a minute" } },
});

const endOthers = declareRoute({
  method: "delete",
  path: "/v1/sessions",
  operationId: "endOtherSessions",
  summary: "End all of one's own sessions but this one",
  tag: TAG,
  permission: "any_credential",
  problems: ["storage.unavailable"],
  responses: {
    200: {
      description: "Ended",
      content: { "application/json": { schema: z.object({ ended: z.int() }) } },
    },
  },
});

const logout = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/logout",
  operationId: "logout",
  summary: "End the session of this request",
  tag: TAG,
  permission: "any_credential",
  problems: ["resource.not_found", "storage.unavailable"],
  before: [ownCell],
  request: { params: z.object({ jurisdiction: jurisdictionParam }) },
  responses: { 204: { description: "Ended; a key or the operator's secret has no session, and nothing happens" } },
});

const listTenants = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/sessions",
  operationId: "listSessions",
  summary: "List the sessions of a tenant's members",
  tag: TAG,
  permission: "session.list",
  problems: ["storage.unavailable"],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    query: z.object({ member_id: memberIdSchema.openapi({ param: { name: "member_id", in: "query" } }).optional() }),
  },
  responses: { 200: listed },
});

const endTenants = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/sessions/{sessionId}",
  operationId: "endSession",
  summary: "End a session of a member",
  tag: TAG,
  permission: "session.revoke",
  problems: ["storage.unavailable"],
  request: { params: z.object({ tenantId: tenantIdSchema, sessionId: sessionIdSchema }) },
  responses: { 204: { description: "Ended; felt everywhere within a minute" } },
});

const endMembers = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/members/{memberId}/sessions",
  operationId: "endMemberSessions",
  summary: "End all sessions of a member",
  tag: TAG,
  permission: "session.revoke",
  problems: ["storage.unavailable"],
  request: { params: z.object({ tenantId: tenantIdSchema, memberId: memberIdSchema }) },
  responses: {
    200: {
      description: "Ended",
      content: { "application/json": { schema: z.object({ ended: z.int() }) } },
    },
  },
});

export function sessionRoutes(app: CellApp): void {
  mount(app, listOwn, async (c) => {
    const own = await ownPeople(c);
    const sessions = own ? await own.people.sessions(own.personId) : [];
    return c.json({ sessions: sessions.map((session) => sessionJson(session, c)) }, 200, NOT_KEPT);
  });

  mount(app, endOwn, async (c) => {
    const own = await ownPeople(c);
    if (!own) throw new AppError("resource.not_found");
    await own.people.endSession(c.req.valid("param").sessionId, askedBy(c), own.personId);
    return c.body(null, 204);
  });

  mount(app, endOthers, async (c) => {
    const own = await ownPeople(c);
    const ended = own ? await own.people.endSessions(own.personId, askedBy(c), own.sessionId) : 0;
    return c.json({ ended }, 200, NOT_KEPT);
  });

  mount(app, logout, async (c) => {
    const own = await ownPeople(c);
    await own?.people.endSession(own.sessionId, askedBy(c), own.personId);
    return c.body(null, 204);
  });

  mount(app, listTenants, async (c) => {
    const people = await peopleOfTenant(c, c.req.valid("param").tenantId);
    const sessions = await people.sessions(c.req.valid("query").member_id ?? null);
    return c.json({ sessions: sessions.map((session) => sessionJson(session, c)) }, 200, NOT_KEPT);
  });

  mount(app, endTenants, async (c) => {
    const { tenantId, sessionId } = c.req.valid("param");
    await (await peopleOfTenant(c, tenantId)).endSession(sessionId, askedBy(c), null);
    return c.body(null, 204);
  });

  mount(app, endMembers, async (c) => {
    const { tenantId, memberId } = c.req.valid("param");
    const ended = await (await peopleOfTenant(c, tenantId)).endSessions(memberId, askedBy(c), null);
    return c.json({ ended }, 200, NOT_KEPT);
  });
}

/** Null for keys and the operator's secret, which have no sessions. */
async function ownPeople(c: Context<HttpEnv>) {
  const { person, tenantId } = c.get("principal");
  const people = person && (await peopleOf(c, tenantId));
  return people ? { people, personId: person.id, sessionId: person.sessionId } : null;
}

async function peopleOfTenant(c: Context<HttpEnv>, tenantId: string): Promise<PeopleCalls> {
  const people = await peopleOf(c, tenantId);
  if (!people) throw new AppError("resource.not_found");
  return people;
}

function sessionJson(session: Session, c: Context<HttpEnv>) {
  const iso = (ms: number) => new Date(ms).toISOString();
  const { id, personId, device, createdAtMs, seenAtMs, expiresAtMs, secondFactorAtMs } = session;
  return {
    id,
    member_id: personId,
    device,
    created_at: iso(createdAtMs),
    last_seen_at: iso(seenAtMs),
    expires_at: iso(expiresAtMs),
    second_factor_at: secondFactorAtMs === null ? null : iso(secondFactorAtMs),
    current: c.get("principal").person?.sessionId === id,
  };
}
