import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import type { DescribedInvitation, DescribedPerson, PeopleCalls } from "../../services/access/people/calls.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askerIn, networkOf, onlyPeople } from "../factors.ts";
import { browserHash } from "../pages/cookies.ts";
import { askedBy } from "../principal.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import * as schemas from "../schemas/factors.ts";
import { invitationIdSchema, invitationSchema, jurisdictionParam, tokenSchema } from "../schemas/people.ts";
import { deviceOf, issueToken, ownCell } from "../sign-in.ts";

const TAG = "Staff";
const NOT_KEPT = { "Cache-Control": "no-store" };
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];
const staffParams = z.object({ staffId: schemas.staffIdSchema });
const authParams = z.object({ jurisdiction: jurisdictionParam });

const listStaff = declareRoute({
  method: "get",
  path: "/v1/staff",
  operationId: "listStaff",
  summary: "List the operator's people in this cell, and who is invited",
  tag: TAG,
  permission: "staff.list",
  problems: AWAY,
  responses: {
    200: {
      description: "In the order in which they joined",
      content: { "application/json": { schema: schemas.staffListSchema } },
    },
  },
});

const inviteStaff = declareRoute({
  method: "post",
  path: "/v1/staff",
  operationId: "inviteStaff",
  summary: "Invite somebody to the operator's people",
  description:
    "They get a link by mail, and add a second factor before anything else: without one every route answers `auth.mfa_required`.",
  tag: TAG,
  permission: "staff.manage",
  problems: [...BODY, ...AWAY, "member.exists", "limit.reached", "mail.unavailable", "mail.too_many"],
  before: [strictJsonBody],
  request: { body: { required: true, content: { "application/json": { schema: schemas.inviteStaffSchema } } } },
  responses: { 201: { description: "Invited", content: { "application/json": { schema: invitationSchema } } } },
});

const withdrawInvitation = declareRoute({
  method: "delete",
  path: "/v1/staff/invitations/{invitationId}",
  operationId: "withdrawStaffInvitation",
  summary: "Take an invitation back",
  tag: TAG,
  permission: "staff.manage",
  problems: AWAY,
  request: { params: z.object({ invitationId: invitationIdSchema }) },
  responses: { 204: { description: "Taken back" } },
});

const removeStaff = declareRoute({
  method: "delete",
  path: "/v1/staff/{staffId}",
  operationId: "removeStaff",
  summary: "Remove somebody from the operator's people",
  description: "Their sessions end; felt everywhere within a minute.",
  tag: TAG,
  permission: "staff.manage",
  problems: AWAY,
  request: { params: staffParams },
  responses: { 204: { description: "Removed" } },
});

const resetFactors = declareRoute({
  method: "delete",
  path: "/v1/staff/{staffId}/factors",
  operationId: "resetStaffFactors",
  summary: "Take away second factors and password, for a new start",
  tag: TAG,
  permission: "staff.manage",
  problems: AWAY,
  request: { params: staffParams },
  responses: { 204: { description: "Taken away; their sessions have ended" } },
});

const login = declareRoute({
  method: "post",
  path: "/v1/auth/{jurisdiction}/staff/login",
  operationId: "loginStaff",
  summary: "Log in with a password: the operator's people only",
  description:
    "Opens a session with one factor, in which every route answers `auth.mfa_required` until `POST /v1/auth/{jurisdiction}/second-factor`. The same answer, and the same work, for an address that is nobody's.",
  tag: TAG,
  permission: PUBLIC,
  problems: [
    ...BODY,
    "resource.not_found",
    "auth.login_failed",
    "auth.too_many_tries",
    "rate.limited",
    "storage.unavailable",
  ],
  before: [ownCell, limitAskers("auth"), strictJsonBody],
  request: {
    params: authParams,
    body: { required: true, content: { "application/json": { schema: schemas.passwordLoginSchema } } },
  },
  responses: { 200: { description: "Logged in", content: { "application/json": { schema: tokenSchema } } } },
});

const setPassword = declareRoute({
  method: "put",
  path: "/v1/auth/{jurisdiction}/staff/password",
  operationId: "setStaffPassword",
  summary: "Set one's own password",
  description: "Needs a second factor that was shown in this session within fifteen minutes.",
  tag: TAG,
  permission: "any_credential",
  problems: [
    ...BODY,
    "auth.forbidden",
    "auth.mfa_required",
    "auth.step_up_required",
    "auth.too_many_tries",
    "resource.not_found",
    ...AWAY,
  ],
  before: [ownCell, onlyPeople, strictJsonBody],
  request: {
    params: authParams,
    body: { required: true, content: { "application/json": { schema: schemas.setPasswordSchema } } },
  },
  responses: { 204: { description: "Set" } },
});

export function staffRoutes(app: CellApp): void {
  mount(app, listStaff, async (c) => {
    const people = peopleOf(c);
    const [staff, invitations] = await Promise.all([people.people(), people.invitations()]);
    return c.json({ staff: staff.map(staffJson), invitations: invitations.map(invitationJson) }, 200, NOT_KEPT);
  });

  mount(app, inviteStaff, async (c) => {
    const wish = { ...c.req.valid("json"), role: null, by: askedBy(c), holding: "any" } as const;
    return c.json(invitationJson(await peopleOf(c).invite(wish)), 201, NOT_KEPT);
  });

  mount(app, withdrawInvitation, async (c) => {
    await peopleOf(c).withdrawInvitation(c.req.valid("param").invitationId, askedBy(c), "any");
    return c.body(null, 204);
  });

  mount(app, removeStaff, async (c) => {
    await peopleOf(c).removePerson(c.req.valid("param").staffId, askedBy(c), "any");
    return c.body(null, 204);
  });

  mount(app, resetFactors, async (c) => {
    await c.get("services").staff.resetFactors(c.req.valid("param").staffId, askedBy(c));
    return c.body(null, 204);
  });

  mount(app, login, async (c) => {
    const where = { device: deviceOf(c), network: networkOf(c), browser: browserHash(c) };
    const signedIn = await c.get("services").staff.login({ ...c.req.valid("json"), ...where });
    return c.json(await issueToken(c, signedIn), 200, NOT_KEPT);
  });

  mount(app, setPassword, async (c) => {
    if (c.get("principal").kind !== "staff") {
      throw new AppError("auth.forbidden", { detail: "only the operator's people have passwords" });
    }
    await c.get("services").staff.setPassword(askerIn(c), c.req.valid("json").password);
    return c.body(null, 204);
  });
}

function peopleOf(c: Context<HttpEnv>): PeopleCalls {
  const { staffPeople } = c.get("services");
  if (!staffPeople) throw new AppError("resource.not_found");
  return staffPeople;
}

const iso = (ms: number) => new Date(ms).toISOString();

const staffJson = ({ id, email, name, createdAtMs }: DescribedPerson) => ({
  id,
  email,
  name,
  joined_at: iso(createdAtMs),
});

const invitationJson = ({ id, email, name, role, by, createdAtMs, expiresAtMs }: DescribedInvitation) => ({
  id,
  email,
  name,
  role,
  invited_by: by,
  created_at: iso(createdAtMs),
  expires_at: iso(expiresAtMs),
});
