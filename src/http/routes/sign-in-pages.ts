/** The pages of signing in for people, made here and served by every cell. No API route takes their cookies. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Approver } from "../../services/access/people/calls.ts";
import { parseUserCode } from "../../services/access/people/devices.ts";
import type { SessionPrincipal } from "../../services/access/principal.ts";
import { isShownLately } from "../../services/access/step-up.ts";
import { PUBLIC } from "../../services/permissions.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askerOfSession, factorsIn } from "../factors.ts";
import { dropSession, keepDeviceCode, keepSession, sessionToken } from "../pages/cookies.ts";
import { asPage, sameOriginForm } from "../pages/headers.ts";
import { showPage } from "../pages/layout.ts";
import * as pages from "../pages/sign-in.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { emailSchema, jurisdictionParam, personNameSchema } from "../schemas/people.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { acceptLink, afterSignIn, askForLink, confirmLink, issueToken, ownCell, peopleOf } from "../sign-in.ts";

const TAG = "Signing in";
const params = z.object({ jurisdiction: jurisdictionParam });
const shown = { description: "A page", content: { "text/html": { schema: z.string() } } };
const onward = { description: "Done: the page that comes next" };
const code = z.string().max(40);

const AWAY: ErrorCode[] = ["resource.not_found", "storage.unavailable"];
const FORM: ErrorCode[] = [
  "auth.cross_site",
  "request.malformed",
  "request.unsupported_media_type",
  "request.too_large",
  "rate.limited",
];

/** A page that is asked for. */
const shows = <const P extends string, const O extends string, Q extends z.ZodObject>(
  path: P,
  operationId: O,
  summary: string,
  query: Q,
) =>
  declareRoute({
    method: "get",
    path,
    operationId,
    summary,
    tag: TAG,
    permission: PUBLIC,
    problems: AWAY,
    before: [asPage, ownCell],
    request: { params, query },
    responses: { 200: shown, 303: onward },
  });

/** A form of such a page. */
const takes = <const P extends string, const O extends string, F extends z.ZodObject>(
  path: P,
  operationId: O,
  summary: string,
  form: F,
  problems: ErrorCode[] = [],
) =>
  declareRoute({
    method: "post",
    path,
    operationId,
    summary,
    tag: TAG,
    permission: PUBLIC,
    problems: [...AWAY, ...FORM, ...problems],
    before: [sameOriginForm, ownCell, limitAskers("auth")],
    request: { params, body: { required: true, content: { "application/x-www-form-urlencoded": { schema: form } } } },
    responses: { 200: shown, 303: onward },
  });

const PATH = "/v1/auth/{jurisdiction}";
const linkQuery = z.object({ token: z.string().max(200).optional() });
const LINK: ErrorCode[] = ["auth.link_invalid", "tenant.deleting", "keys.unavailable"];

const signInPage = shows(
  `${PATH}/sign-in`,
  "signInPage",
  "Page: sign in; with a tenant's id also by its identity provider",
  z.object({ tenant_id: tenantIdSchema.openapi({ param: { name: "tenant_id", in: "query" } }).optional() }),
);
const signInForm = takes(
  `${PATH}/sign-in`,
  "signInForm",
  "Form: ask for a link",
  z.strictObject({ email: z.string().trim().pipe(emailSchema) }),
);
const linkPage = shows(`${PATH}/link`, "linkPage", "Page: what a link in a mail leads to; uses nothing up", linkQuery);
const linkForm = takes(
  `${PATH}/link`,
  "linkForm",
  "Form: sign in with a link",
  z.strictObject({ token: z.string().max(200) }),
  [...LINK, "auth.link_other_browser"],
);
const invitationPage = shows(`${PATH}/invitation`, "invitationPage", "Page: an invitation; uses nothing up", linkQuery);
const invitationForm = takes(
  `${PATH}/invitation`,
  "invitationForm",
  "Form: accept an invitation",
  z.strictObject({ token: z.string().max(200), name: z.string().trim().max(LIMITS.personNameChars).default("") }),
  [...LINK, "member.exists"],
);
const signedInPage = shows(`${PATH}/signed-in`, "signedInPage", "Page: who is signed in in this browser", z.object({}));
const signOutForm = takes(`${PATH}/sign-out`, "signOutForm", "Form: sign out in this browser", z.strictObject({}));
const devicePage = shows(
  `${PATH}/device`,
  "devicePage",
  "Page: approve a device (RFC 8628 §3.3)",
  z.object({ user_code: code.optional() }),
);
const deviceForm = takes(
  `${PATH}/device/approve`,
  "deviceForm",
  "Form: approve or refuse a device",
  z.strictObject({ user_code: code, decision: z.enum(["approve", "refuse"]) }),
  ["auth.required", "auth.too_many_tries"],
);

export function signInPageRoutes(app: CellApp): void {
  mount(app, signInPage, (c) =>
    showPage(c, pages.SIGN_IN_TITLE, pages.signInForm(base(c), null, c.req.valid("query").tenant_id)),
  );

  mount(app, signInForm, async (c) => {
    await askForLink(c, c.req.valid("form").email);
    return showPage(c, pages.CHECK_MAIL_TITLE, pages.checkMail(base(c), LIMITS.loginLinkMs / 60_000));
  });

  mount(app, linkPage, (c) => showPage(c, pages.LINK_TITLE, pages.linkForm(base(c), c.req.valid("query").token ?? "")));

  mount(app, linkForm, async (c) => {
    keepSession(c, (await issueToken(c, await confirmLink(c, c.req.valid("form").token))).token);
    return c.redirect(afterSignIn(c, `${base(c)}/signed-in`), 303);
  });

  mount(app, invitationPage, (c) =>
    showPage(c, pages.INVITATION_TITLE, pages.invitationForm(base(c), c.req.valid("query").token ?? "")),
  );

  mount(app, invitationForm, async (c) => {
    const { token, name } = c.req.valid("form");
    const wanted = name === "" ? null : personName(name);
    keepSession(c, (await issueToken(c, await acceptLink(c, token, wanted))).token);
    return c.redirect(afterSignIn(c, `${base(c)}/signed-in`), 303);
  });

  mount(app, signedInPage, async (c) => {
    const session = await sessionOf(c);
    if (!session) return c.redirect(`${base(c)}/sign-in`, 303);
    return showPage(c, pages.SIGNED_IN_TITLE, pages.signedIn(base(c), session));
  });

  mount(app, signOutForm, async (c) => {
    const session = await sessionOf(c);
    const people = session && (await peopleOf(c, session.tenantId));
    const { id, sessionId } = session?.person ?? { id: "", sessionId: "" };
    const by = {
      type: session?.kind === "staff" ? "support" : "user",
      id,
      via: { type: "session", id: sessionId },
    } as const;
    // Ended by somebody else a moment ago is ended too.
    await people?.endSession(sessionId, by, id).catch(ignoreNotFound);
    dropSession(c);
    return showPage(c, pages.SIGNED_OUT_TITLE, pages.signedOut(base(c), session?.tenantId ?? null));
  });

  mount(app, devicePage, async (c) => {
    const typed = c.req.valid("query").user_code;
    const userCode = typed === undefined ? null : parseUserCode(typed);
    const session = await sessionOf(c, true);
    if (!session) {
      if (userCode) keepDeviceCode(c, userCode);
      return showPage(c, pages.SIGN_IN_TITLE, pages.signInForm(base(c), "To approve a device, sign in first."));
    }
    if (typed === undefined) return showPage(c, pages.DEVICE_TITLE, pages.deviceForm(base(c)));
    const waiting = userCode && (await deviceBehind(c, userCode, session));
    if (!userCode || !waiting) return showPage(c, pages.DEVICE_TITLE, pages.noSuchCode(base(c)));
    if (await owesFactor(c, session)) return factorFirst(c, userCode);
    return showPage(c, pages.DEVICE_TITLE, pages.approveForm(base(c), userCode, waiting.device, session));
  });

  mount(app, deviceForm, async (c) => {
    const { user_code, decision } = c.req.valid("form");
    const session = await sessionOf(c, true);
    if (!session) throw new AppError("auth.required");
    const userCode = parseUserCode(user_code);
    if (!userCode || !(await deviceBehind(c, userCode, session))) {
      return showPage(c, pages.DEVICE_TITLE, pages.noSuchCode(base(c)));
    }
    if (decision === "approve" && (await owesFactor(c, session))) {
      return factorFirst(c, userCode);
    }
    const { tenantId, person } = session;
    const by: Approver = { tenantId, personId: person.id, sessionId: person.sessionId };
    const decided = await c.get("services").signingIn.decideDevice(userCode, decision === "approve" ? by : null);
    const body = decided ? pages.deviceDecided(base(c), decision === "approve") : pages.noSuchCode(base(c));
    return showPage(c, pages.DEVICE_TITLE, body);
  });
}

const base = (c: Context<HttpEnv>): string => `/v1/auth/${c.get("services").config.jurisdiction}`;

function factorFirst(c: Context<HttpEnv>, userCode: string) {
  keepDeviceCode(c, userCode);
  return showPage(c, pages.DEVICE_TITLE, pages.factorFirst(base(c)));
}

async function sessionOf(c: Context<HttpEnv>, fresh = false): Promise<SessionPrincipal | null> {
  const token = sessionToken(c);
  return token === null ? null : c.get("services").session(token, fresh);
}

/** Whoever has a second factor shows it, lately, before a device may do all that they may. */
async function owesFactor(c: Context<HttpEnv>, session: SessionPrincipal): Promise<boolean> {
  if (isShownLately(session.person.secondFactorAtMs, c.get("services").clock())) return false;
  const { totpAddedAt, passkeys } = await factorsIn(c, session.tenantId).list(askerOfSession(c, session));
  return session.kind === "staff" || totpAddedAt !== null || passkeys.length > 0;
}

/** Throws `auth.too_many_tries` for a session that has tried too many codes. */
async function deviceBehind(c: Context<HttpEnv>, userCode: string, { person }: SessionPrincipal) {
  const waiting = await c.get("services").signingIn.waitingDevice(userCode, person.sessionId);
  if (waiting === "too_many") {
    throw new AppError("auth.too_many_tries", { retryAfterSeconds: LIMITS.mailWindowMs / 1000 });
  }
  return waiting;
}

function personName(name: string): string {
  const parsed = personNameSchema.safeParse(name);
  if (!parsed.success)
    throw new AppError("request.invalid", { errors: [{ pointer: "form:name", detail: "is no name" }] });
  return parsed.data;
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "resource.not_found")) throw error;
}
