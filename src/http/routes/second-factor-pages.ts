/** The pages of second factors, for whoever is signed in in this browser. No API route takes their cookie. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { FactorAsker, FactorCalls, Proof } from "../../services/access/factors/calls.ts";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "../../services/access/factors/passkeys.ts";
import { PUBLIC } from "../../services/permissions.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askerOfSession, factorsIn } from "../factors.ts";
import { parsedAs } from "../lengths.ts";
import { sessionToken } from "../pages/cookies.ts";
import { asPage, sameOriginForm } from "../pages/headers.ts";
import { type Fragment, showPage } from "../pages/layout.ts";
import * as pages from "../pages/second-factors.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { assertionSchema, passkeyIdSchema, passkeyName, registrationSchema } from "../schemas/factors.ts";
import { jurisdictionParam } from "../schemas/people.ts";
import { afterSignIn, ownCell } from "../sign-in.ts";

const TAG = "Second factors";
const PATH = "/v1/auth/{jurisdiction}/second-factors";
const params = z.object({ jurisdiction: jurisdictionParam });
const shown = { description: "A page", content: { "text/html": { schema: z.string() } } };
const problems: ErrorCode[] = [
  ...([
    "auth.required",
    "auth.cross_site",
    "request.malformed",
    "auth.step_up_required",
    "auth.factor_needed",
    "auth.factor_wrong",
  ] as const),
  ...([
    "auth.too_many_tries",
    "rate.limited",
    "limit.reached",
    "request.unsupported_media_type",
    "request.too_large",
  ] as const),
  ...(["resource.not_found", "tenant.deleting", "keys.unavailable", "storage.unavailable"] as const),
];

const form = <const P extends string, const O extends string, F extends z.ZodObject>(
  path: P,
  operationId: O,
  summary: string,
  fields: F,
) =>
  declareRoute({
    method: "post",
    path: `${PATH}${path}` as `/v1/auth/{jurisdiction}/second-factors${P}`,
    operationId,
    summary,
    tag: TAG,
    permission: PUBLIC,
    problems,
    before: [sameOriginForm, ownCell, limitAskers("auth")],
    request: { params, body: { required: true, content: { "application/x-www-form-urlencoded": { schema: fields } } } },
    responses: { 200: shown, 303: { description: "Done: the page that comes next" } },
  });

const NOTHING = z.strictObject({});
const code = z.string().trim().min(1).max(40);
/** JSON of what the browser's `toJSON()` gave. */
const credential = z.string().max(12_000);

const listPage = declareRoute({
  method: "get",
  path: PATH,
  operationId: "secondFactorsPage",
  summary: "Page: one's own second factors",
  tag: TAG,
  permission: PUBLIC,
  problems: ["resource.not_found", "tenant.deleting", "storage.unavailable"],
  before: [asPage, ownCell],
  request: { params },
  responses: { 200: shown, 303: { description: "To the page that signs in" } },
});
const showCode = form("/show", "showCodeForm", "Form: show a code or a recovery code", z.strictObject({ code }));
const beginApp = form("/app", "beginTotpForm", "Form: begin to add an authenticator app", NOTHING);
const confirmApp = form(
  "/app/confirm",
  "confirmTotpForm",
  "Form: finish adding it with a code",
  z.strictObject({ code }),
);
const removeApp = form("/app/remove", "removeTotpForm", "Form: remove the authenticator app", NOTHING);
const newCodes = form("/recovery-codes", "newRecoveryCodesForm", "Form: have ten new recovery codes", NOTHING);
const beginPasskey = form("/passkeys/begin", "beginPasskeyForm", "Form: begin to add a passkey", NOTHING);
const addPasskey = form(
  "/passkeys",
  "addPasskeyForm",
  "Form: finish adding a passkey",
  z.strictObject({ name: z.string().trim().pipe(passkeyName), credential }),
);
const removePasskey = form(
  "/passkeys/remove",
  "removePasskeyForm",
  "Form: remove a passkey",
  z.strictObject({ passkey_id: passkeyIdSchema }),
);
const challenge = form("/passkeys/challenge", "passkeyChallengeForm", "Form: begin to show a passkey", NOTHING);
const showPasskey = form("/passkeys/show", "showPasskeyForm", "Form: show a passkey", z.strictObject({ credential }));

export function secondFactorPageRoutes(app: CellApp): void {
  mount(app, listPage, async (c) => {
    const own = await ownFactors(c);
    if (!own) return c.redirect(`${base(c)}/sign-in`, 303);
    const factors = await own.factors.list(own.asker);
    return showPage(c, pages.FACTORS_TITLE, pages.factorsBody(base(c), factors, own.isStaff));
  });

  mount(app, showCode, async (c) => {
    const { factors, asker } = await demandOwn(c);
    const { code } = c.req.valid("form");
    const digits = code.replaceAll(/\s/g, "");
    const proof: Proof = /^\d{6}$/.test(digits) ? { totp: digits } : { recoveryCode: code };
    const again = (wrong: string) => pages.showForm(base(c), wrong, false);
    return orAgain(c, pages.FACTORS_TITLE, again, async () => {
      await factors.show(asker, proof);
      return onward(c);
    });
  });

  mount(app, beginApp, async (c) => {
    const { factors, asker } = await demandOwn(c);
    return showPage(c, pages.APP_TITLE, pages.appForm(base(c), await factors.beginTotp(asker)));
  });

  mount(app, confirmApp, async (c) => {
    const { factors, asker } = await demandOwn(c);
    const digits = c.req.valid("form").code.replaceAll(/\s/g, "");
    const again = (wrong: string) => pages.appCodeForm(base(c), wrong);
    return orAgain(c, pages.APP_TITLE, again, async () =>
      codesOrList(c, (await factors.confirmTotp(asker, digits)).recoveryCodes),
    );
  });

  mount(app, removeApp, async (c) => {
    const { factors, asker } = await demandOwn(c);
    await factors.removeTotp(asker);
    return toList(c);
  });

  mount(app, newCodes, async (c) => {
    const { factors, asker } = await demandOwn(c);
    return codesOrList(c, await factors.newRecoveryCodes(asker));
  });

  mount(app, beginPasskey, async (c) => {
    const { factors, asker } = await demandOwn(c);
    c.set("pageScripts", pages.PASSKEY_SCRIPT_SOURCE);
    return showPage(c, pages.PASSKEY_TITLE, pages.passkeyForm(base(c), await factors.passkeyRegistration(asker)));
  });

  mount(app, addPasskey, async (c) => {
    const { factors, asker } = await demandOwn(c);
    const { name, credential } = c.req.valid("form");
    const response = parsed(credential, registrationSchema) as RegistrationResponseJSON;
    return codesOrList(c, (await factors.addPasskey(asker, name, response)).recoveryCodes);
  });

  mount(app, removePasskey, async (c) => {
    const { factors, asker } = await demandOwn(c);
    await factors.removePasskey(asker, c.req.valid("form").passkey_id);
    return toList(c);
  });

  mount(app, challenge, async (c) => {
    const { factors, asker } = await demandOwn(c);
    c.set("pageScripts", pages.PASSKEY_SCRIPT_SOURCE);
    return showPage(c, pages.USE_PASSKEY_TITLE, pages.usePasskeyForm(base(c), await factors.passkeyChallenge(asker)));
  });

  mount(app, showPasskey, async (c) => {
    const { factors, asker } = await demandOwn(c);
    const passkey = parsed(c.req.valid("form").credential, assertionSchema) as AuthenticationResponseJSON;
    await factors.show(asker, { passkey });
    return onward(c);
  });
}

const base = (c: Context<HttpEnv>): string => `/v1/auth/${c.get("services").config.jurisdiction}`;
const list = (c: Context<HttpEnv>): string => `${base(c)}/second-factors`;
const toList = (c: Context<HttpEnv>) => c.redirect(list(c), 303);
/** Back to the device that waited for it. */
const onward = (c: Context<HttpEnv>) => c.redirect(afterSignIn(c, list(c)), 303);

interface OwnFactors {
  factors: FactorCalls;
  asker: FactorAsker;
  isStaff: boolean;
}

async function ownFactors(c: Context<HttpEnv>): Promise<OwnFactors | null> {
  const token = sessionToken(c);
  const session = token === null ? null : await c.get("services").session(token);
  if (!session) return null;
  const isStaff = session.kind === "staff";
  return { factors: factorsIn(c, session.tenantId), asker: askerOfSession(c, session), isStaff };
}

async function demandOwn(c: Context<HttpEnv>): Promise<OwnFactors> {
  const own = await ownFactors(c);
  if (!own) throw new AppError("auth.required");
  return own;
}

/** A wrong code is said above the form that asks again. */
async function orAgain(
  c: Context<HttpEnv>,
  title: string,
  again: (wrong: string) => Fragment,
  run: () => Promise<Response>,
): Promise<Response> {
  try {
    return await run();
  } catch (error) {
    if (!isAppError(error) || error.code !== "auth.factor_wrong") throw error;
    return showPage(c, title, again("That was not right. Take the next code of the app."), 403);
  }
}

function codesOrList(c: Context<HttpEnv>, codes: readonly string[] | null) {
  const next = afterSignIn(c, list(c));
  return codes === null ? c.redirect(next, 303) : showPage(c, pages.CODES_TITLE, pages.codesBody(next, codes));
}

function parsed<S extends z.ZodType>(text: string, schema: S): z.output<S> {
  let json: JsonValue = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: the schema says so.
  }
  const result = parsedAs(schema, json);
  if (result !== null) return result;
  throw new AppError("request.invalid", { errors: [{ pointer: "form:credential", detail: "is no passkey" }] });
}
