import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { FactorAdded, FactorList, Proof } from "../../services/access/factors/calls.ts";
import type {
  AuthenticationOptions,
  AuthenticationResponseJSON,
  RegistrationOptions,
  RegistrationResponseJSON,
} from "../../services/access/factors/passkeys.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askerIn, factorsOf, onlyPeople } from "../factors.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import * as schemas from "../schemas/factors.ts";
import { jurisdictionParam, memberIdSchema } from "../schemas/people.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { ownCell } from "../sign-in.ts";

const TAG = "Second factors";
const PATH = "/v1/auth/{jurisdiction}";
const NOT_KEPT = { "Cache-Control": "no-store" };
const params = z.object({ jurisdiction: jurisdictionParam });
const passkeyParams = z.object({ jurisdiction: jurisdictionParam, passkeyId: schemas.passkeyIdSchema });
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const OWN: ErrorCode[] = ["auth.forbidden", "resource.not_found", "tenant.deleting", "storage.unavailable"];
const CHANGE: ErrorCode[] = [...OWN, "auth.step_up_required", "keys.unavailable"];
const TRIED: ErrorCode[] = ["auth.factor_wrong", "auth.too_many_tries"];

const answers = <const S extends z.ZodType>(description: string, schema: S) => ({
  200: { description, content: { "application/json": { schema } } },
});
const taking = <const S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { "application/json": { schema } },
});
const own = { tag: TAG, permission: "any_credential" } as const;

const listFactors = declareRoute({
  ...own,
  method: "get",
  path: `${PATH}/factors`,
  operationId: "listFactors",
  summary: "List one's own second factors",
  problems: OWN,
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("The factors; no secret of any", schemas.factorsSchema),
});

const beginTotp = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/factors/totp`,
  operationId: "beginTotp",
  summary: "Begin to add an authenticator app",
  description:
    "The secret counts for nothing until a right code of it was sent to `…/totp/confirm`, within fifteen minutes. Once there is a factor, adding one needs a second factor shown in this session within fifteen minutes.",
  problems: CHANGE,
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("The secret", schemas.totpEnrolmentSchema),
});

const confirmTotp = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/factors/totp/confirm`,
  operationId: "confirmTotp",
  summary: "Finish adding an authenticator app with a code of it",
  description: "Replaces the app that was there. The code also counts as shown in this session.",
  problems: [...BODY, ...CHANGE, ...TRIED],
  before: [ownCell, onlyPeople, strictJsonBody],
  request: { params, body: taking(schemas.confirmTotpSchema) },
  responses: answers("Added", schemas.factorAddedSchema),
});

const removeTotp = declareRoute({
  ...own,
  method: "delete",
  path: `${PATH}/factors/totp`,
  operationId: "removeTotp",
  summary: "Remove one's authenticator app",
  problems: [...CHANGE, "auth.factor_needed"],
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("What is left", schemas.factorsSchema),
});

const newRecoveryCodes = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/factors/recovery-codes`,
  operationId: "newRecoveryCodes",
  summary: "Have ten new recovery codes; the old ones are void",
  problems: [...CHANGE, "auth.mfa_required"],
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("The codes", schemas.recoveryCodesSchema),
});

const passkeyRegistration = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/factors/passkeys/options`,
  operationId: "beginPasskey",
  summary: "Begin to add a passkey: what `navigator.credentials.create` takes",
  problems: CHANGE,
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("The options, good once and for five minutes", schemas.passkeyOptionsSchema),
});

const addPasskey = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/factors/passkeys`,
  operationId: "addPasskey",
  summary: "Finish adding a passkey",
  problems: [...BODY, ...CHANGE, "auth.factor_wrong", "limit.reached"],
  before: [ownCell, onlyPeople, strictJsonBody],
  request: { params, body: taking(schemas.addPasskeySchema) },
  responses: answers("Added", schemas.factorAddedSchema),
});

const renamePasskey = declareRoute({
  ...own,
  method: "patch",
  path: `${PATH}/factors/passkeys/{passkeyId}`,
  operationId: "renamePasskey",
  summary: "Rename a passkey",
  problems: [...BODY, ...CHANGE],
  before: [ownCell, onlyPeople, strictJsonBody],
  request: { params: passkeyParams, body: taking(schemas.renamePasskeySchema) },
  responses: answers("The factors", schemas.factorsSchema),
});

const removePasskey = declareRoute({
  ...own,
  method: "delete",
  path: `${PATH}/factors/passkeys/{passkeyId}`,
  operationId: "removePasskey",
  summary: "Remove a passkey",
  problems: [...CHANGE, "auth.factor_needed"],
  before: [ownCell, onlyPeople],
  request: { params: passkeyParams },
  responses: answers("What is left", schemas.factorsSchema),
});

const passkeyChallenge = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/second-factor/options`,
  operationId: "passkeyChallenge",
  summary: "A challenge to one's passkeys: what `navigator.credentials.get` takes",
  problems: OWN,
  before: [ownCell, onlyPeople],
  request: { params },
  responses: answers("The options, good once, for five minutes, and in this session", schemas.passkeyOptionsSchema),
});

const showFactor = declareRoute({
  ...own,
  method: "post",
  path: `${PATH}/second-factor`,
  operationId: "showSecondFactor",
  summary: "Show a second factor",
  description:
    "One of a code, a recovery code and a passkey's answer. Opens what is sensitive to this session for fifteen minutes; requests that answered `auth.mfa_required` or `auth.step_up_required` can be sent again.",
  problems: [...BODY, ...OWN, ...TRIED, "keys.unavailable"],
  before: [ownCell, onlyPeople, strictJsonBody],
  request: { params, body: taking(schemas.secondFactorSchema) },
  responses: answers("Shown", schemas.factorShownSchema),
});

const resetFactors = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/members/{memberId}/factors",
  operationId: "resetMemberFactors",
  summary: "Take away a member's second factors, for a new start",
  description: "Also ends all of their sessions. Nobody does so to a member who holds more than they do themselves.",
  tag: TAG,
  permission: "member.reset_factors",
  problems: ["storage.unavailable"],
  request: { params: z.object({ tenantId: tenantIdSchema, memberId: memberIdSchema }) },
  responses: { 204: { description: "Taken away" } },
});

export function secondFactorRoutes(app: CellApp): void {
  mount(app, listFactors, async (c) => c.json(listJson(await factorsOf(c).list(askerIn(c))), 200, NOT_KEPT));

  mount(app, beginTotp, async (c) => {
    const { secret, uri, qrSvg } = await factorsOf(c).beginTotp(askerIn(c));
    return c.json({ secret, uri, qr_svg: qrSvg }, 200, NOT_KEPT);
  });

  mount(app, confirmTotp, async (c) =>
    c.json(addedJson(await factorsOf(c).confirmTotp(askerIn(c), c.req.valid("json").code)), 200, NOT_KEPT),
  );

  mount(app, removeTotp, async (c) => c.json(listJson(await factorsOf(c).removeTotp(askerIn(c))), 200, NOT_KEPT));

  mount(app, newRecoveryCodes, async (c) =>
    c.json({ recovery_codes: await factorsOf(c).newRecoveryCodes(askerIn(c)) }, 200, NOT_KEPT),
  );

  mount(app, passkeyRegistration, async (c) =>
    c.json(optionsJson(await factorsOf(c).passkeyRegistration(askerIn(c))), 200, NOT_KEPT),
  );

  mount(app, addPasskey, async (c) => {
    const { name, credential } = c.req.valid("json");
    const added = await factorsOf(c).addPasskey(askerIn(c), name, credential as RegistrationResponseJSON);
    return c.json(addedJson(added), 200, NOT_KEPT);
  });

  mount(app, renamePasskey, async (c) => {
    const { passkeyId } = c.req.valid("param");
    const factors = await factorsOf(c).renamePasskey(askerIn(c), passkeyId, c.req.valid("json").name);
    return c.json(listJson(factors), 200, NOT_KEPT);
  });

  mount(app, removePasskey, async (c) =>
    c.json(listJson(await factorsOf(c).removePasskey(askerIn(c), c.req.valid("param").passkeyId)), 200, NOT_KEPT),
  );

  mount(app, passkeyChallenge, async (c) =>
    c.json(optionsJson(await factorsOf(c).passkeyChallenge(askerIn(c))), 200, NOT_KEPT),
  );

  mount(app, showFactor, async (c) => {
    const { shownAt, recoveryCodesLeft } = await factorsOf(c).show(askerIn(c), proofOf(c.req.valid("json")));
    const goodUntil = new Date(Date.parse(shownAt) + LIMITS.stepUpMs).toISOString();
    const shown = { shown_at: shownAt, good_until: goodUntil, recovery_codes_left: recoveryCodesLeft };
    return c.json(shown, 200, NOT_KEPT);
  });

  mount(app, resetFactors, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId, memberId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    await desk(tenantId).resetFactors(memberId, askedBy(c), c.get("principal").permissions);
    return c.body(null, 204);
  });
}

function proofOf(body: z.infer<typeof schemas.secondFactorSchema>): Proof {
  if ("totp" in body) return { totp: body.totp };
  if ("recovery_code" in body) return { recoveryCode: body.recovery_code };
  return { passkey: body.passkey as AuthenticationResponseJSON };
}

const listJson = ({ totpAddedAt, passkeys, recoveryCodesLeft, shownAt }: FactorList) => ({
  totp_added_at: totpAddedAt,
  passkeys: passkeys.map(({ id, name, addedAt, lastUsedAt }) => ({
    id,
    name,
    added_at: addedAt,
    last_used_at: lastUsedAt,
  })),
  recovery_codes_left: recoveryCodesLeft,
  shown_at: shownAt,
});

/** As it is: what has no value is left out by JSON. */
const optionsJson = (options: RegistrationOptions | AuthenticationOptions) =>
  options as unknown as { challenge: string; [member: string]: JsonValue };

const addedJson = ({ factors, recoveryCodes }: FactorAdded) => ({
  factors: listJson(factors),
  recovery_codes: recoveryCodes,
});
