import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import type { DescribedInvitation, DescribedPerson, PeopleCalls } from "../../services/access/people/calls.ts";
import type { Holding } from "../../services/access/people/roles.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  invitationIdSchema,
  invitationSchema,
  inviteSchema,
  memberIdSchema,
  memberSchema,
  updateMemberSchema,
} from "../schemas/people.ts";
import { tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Members";
const tenantParams = z.object({ tenantId: tenantIdSchema });
const memberParams = z.object({ tenantId: tenantIdSchema, memberId: memberIdSchema });
const invitationParams = z.object({ tenantId: tenantIdSchema, invitationId: invitationIdSchema });
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const MAIL: ErrorCode[] = ["mail.unavailable", "mail.too_many"];
const NOT_KEPT = { "Cache-Control": "no-store" };

const listMembers = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/members",
  operationId: "listMembers",
  summary: "List the members of a tenant",
  tag: TAG,
  permission: "member.list",
  problems: AWAY,
  request: { params: tenantParams },
  responses: {
    200: {
      description: "The members, in the order in which they joined",
      content: { "application/json": { schema: z.object({ members: z.array(memberSchema) }) } },
    },
  },
});

const updateMember = declareRoute({
  method: "patch",
  path: "/v1/tenants/{tenantId}/members/{memberId}",
  operationId: "updateMember",
  summary: "Change the role of a member",
  description:
    "Nobody grants, or changes, a role that holds more than they do themselves; the last owner stays one. Felt by open sessions within a minute.",
  tag: TAG,
  permission: "member.update",
  problems: [...BODY, "member.last_owner", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: memberParams,
    body: { required: true, content: { "application/json": { schema: updateMemberSchema } } },
  },
  responses: { 200: { description: "The member", content: { "application/json": { schema: memberSchema } } } },
});

const removeMember = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/members/{memberId}",
  operationId: "removeMember",
  summary: "Remove a member",
  description: "Their sessions end, what they had invited is withdrawn, and their address and name are forgotten.",
  tag: TAG,
  permission: "member.remove",
  problems: ["member.last_owner", ...AWAY],
  request: { params: memberParams },
  responses: { 204: { description: "Removed" } },
});

const inviteMember = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/invitations",
  operationId: "inviteMember",
  summary: "Invite somebody by mail",
  description:
    "The link in the mail works once, for seven days. Nobody grants a role that holds more than they do themselves.",
  tag: TAG,
  permission: "member.invite",
  problems: [...BODY, "member.exists", "tier.required", "limit.reached", ...MAIL, ...AWAY],
  before: [strictJsonBody],
  request: {
    params: tenantParams,
    body: { required: true, content: { "application/json": { schema: inviteSchema } } },
  },
  responses: { 201: { description: "Invited", content: { "application/json": { schema: invitationSchema } } } },
});

const listInvitations = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/invitations",
  operationId: "listInvitations",
  summary: "List the open invitations of a tenant",
  tag: TAG,
  permission: "member.list",
  problems: AWAY,
  request: { params: tenantParams },
  responses: {
    200: {
      description: "Those that can still be accepted, oldest first",
      content: { "application/json": { schema: z.object({ invitations: z.array(invitationSchema) }) } },
    },
  },
});

const withdrawInvitation = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/invitations/{invitationId}",
  operationId: "withdrawInvitation",
  summary: "Withdraw an invitation",
  tag: TAG,
  permission: "member.invite",
  problems: AWAY,
  request: { params: invitationParams },
  responses: { 204: { description: "Withdrawn: its link is worth nothing any more" } },
});

const resendInvitation = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/invitations/{invitationId}/send",
  operationId: "resendInvitation",
  summary: "Send an invitation again",
  description: "With a new link; the one of the mail before ends. Its seven days begin anew.",
  tag: TAG,
  permission: "member.invite",
  problems: [...MAIL, ...AWAY],
  request: { params: invitationParams },
  responses: { 200: { description: "Sent", content: { "application/json": { schema: invitationSchema } } } },
});

export function memberRoutes(app: CellApp): void {
  mount(app, listMembers, async (c) => {
    const people = await peopleOfTenant(c, c.req.valid("param").tenantId);
    return c.json({ members: (await people.people()).map(memberJson) }, 200, NOT_KEPT);
  });

  mount(app, updateMember, async (c) => {
    const { tenantId, memberId } = c.req.valid("param");
    const people = await peopleOfTenant(c, tenantId);
    const { role } = c.req.valid("json");
    return c.json(memberJson(await people.updatePerson(memberId, role, askedBy(c), holding(c))), 200, NOT_KEPT);
  });

  mount(app, removeMember, async (c) => {
    const { tenantId, memberId } = c.req.valid("param");
    await (await peopleOfTenant(c, tenantId)).removePerson(memberId, askedBy(c), holding(c));
    return c.body(null, 204);
  });

  mount(app, inviteMember, async (c) => {
    const people = await peopleOfTenant(c, c.req.valid("param").tenantId);
    const { email, name, role } = c.req.valid("json");
    const invited = await people.invite({ email, name, role, by: askedBy(c), holding: holding(c) });
    return c.json(invitationJson(invited), 201, NOT_KEPT);
  });

  mount(app, listInvitations, async (c) => {
    const people = await peopleOfTenant(c, c.req.valid("param").tenantId);
    return c.json({ invitations: (await people.invitations()).map(invitationJson) }, 200, NOT_KEPT);
  });

  mount(app, withdrawInvitation, async (c) => {
    const { tenantId, invitationId } = c.req.valid("param");
    await (await peopleOfTenant(c, tenantId)).withdrawInvitation(invitationId, askedBy(c), holding(c));
    return c.body(null, 204);
  });

  mount(app, resendInvitation, async (c) => {
    const { tenantId, invitationId } = c.req.valid("param");
    const people = await peopleOfTenant(c, tenantId);
    return c.json(invitationJson(await people.resendInvitation(invitationId, askedBy(c), holding(c))), 200, NOT_KEPT);
  });
}

const holding = (c: Context<HttpEnv>): Holding => c.get("principal").permissions;

async function peopleOfTenant(c: Context<HttpEnv>, tenantId: string): Promise<PeopleCalls> {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId).people;
}

function memberJson({ id, email, name, role, createdAtMs }: DescribedPerson) {
  return { id, email, name, role, joined_at: new Date(createdAtMs).toISOString() };
}

function invitationJson({ id, email, name, role, by, createdAtMs, expiresAtMs }: DescribedInvitation) {
  const [created_at, expires_at] = [new Date(createdAtMs).toISOString(), new Date(expiresAtMs).toISOString()];
  return { id, email, name, role, invited_by: by, created_at, expires_at };
}
