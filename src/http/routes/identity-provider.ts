/** A tenant's own identity provider, and signing in with it. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { newSecret } from "../../services/access/people/secrets.ts";
import type { SsoCalls } from "../../services/access/sso/calls.ts";
import { PUBLIC } from "../../services/permissions.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { browserSecret, keepBrowser, keepSession } from "../pages/cookies.ts";
import { asPage } from "../pages/headers.ts";
import { askedBy } from "../principal.ts";
import { limitAskers } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { presentProvider, providerSchema, setProviderSchema, toWish } from "../schemas/identity-provider.ts";
import { jurisdictionParam } from "../schemas/people.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { afterSignIn, deviceOf, issueToken, ownCell, randomBytes } from "../sign-in.ts";

const TAG = "Identity provider";
const PATH = "/v1/tenants/{tenantId}/identity-provider";
const tenantParams = z.object({ tenantId: tenantIdSchema });
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];
const PROVIDER: ErrorCode[] = ["identity_provider.refused", "identity_provider.unavailable"];
const NOT_KEPT = { "Cache-Control": "no-store" };
const described = (description: string) => ({
  description,
  content: { "application/json": { schema: providerSchema } },
});

const readProvider = declareRoute({
  method: "get",
  path: PATH,
  operationId: "readIdentityProvider",
  summary: "Read which identity provider signs the tenant's people in",
  tag: TAG,
  permission: "identity_provider.read",
  problems: AWAY,
  request: { params: tenantParams },
  responses: { 200: described("The provider") },
});

const setProvider = declareRoute({
  method: "put",
  path: PATH,
  operationId: "setIdentityProvider",
  summary: "Set the identity provider that signs the tenant's people in",
  description:
    "OpenID Connect. It is asked for its configuration at once: what cannot be used is refused. Only members, people with an open invitation and, when `join` says so, people of some domains come in, each with an address that the provider has verified. Links by mail go on working.",
  tag: TAG,
  permission: "identity_provider.manage",
  problems: [...BODY, ...PROVIDER, ...AWAY],
  before: [strictJsonBody],
  request: {
    params: tenantParams,
    body: { required: true, content: { "application/json": { schema: setProviderSchema } } },
  },
  responses: { 200: described("Set") },
});

const removeProvider = declareRoute({
  method: "delete",
  path: PATH,
  operationId: "removeIdentityProvider",
  summary: "Remove the identity provider",
  description: "Sessions that it opened go on until they end or are ended.",
  tag: TAG,
  permission: "identity_provider.manage",
  problems: AWAY,
  request: { params: tenantParams },
  responses: { 204: { description: "Removed" } },
});

const SSO = "/v1/auth/{jurisdiction}/sso/{ssoTenantId}";
const onward = { description: "The page that comes next" };
/** Named apart from `tenantId`: nobody is asked for a credential of the tenant here. */
const ssoParams = z.object({
  jurisdiction: jurisdictionParam,
  ssoTenantId: tenantIdSchema.openapi({ param: { name: "ssoTenantId", in: "path" } }),
});
const PAGE: ErrorCode[] = ["resource.not_found", "rate.limited", "tenant.deleting", ...AWAY, ...PROVIDER];

const beginSso = declareRoute({
  method: "get",
  path: SSO,
  operationId: "beginSingleSignOn",
  summary: "Page: sign in with the tenant's identity provider",
  description: "Sends the browser there, with state, nonce and proof key bound to this browser.",
  tag: TAG,
  permission: PUBLIC,
  problems: PAGE,
  before: [asPage, ownCell, limitAskers("auth")],
  request: { params: ssoParams },
  responses: { 303: onward },
});

const callbackQuery = z.object({
  state: z.string().max(200),
  code: z.string().min(1).max(4096).optional(),
  iss: z.string().max(500).optional(),
});

const finishSso = declareRoute({
  method: "get",
  path: `${SSO}/callback`,
  operationId: "finishSingleSignOn",
  summary: "Page: back from the identity provider",
  tag: TAG,
  permission: PUBLIC,
  problems: [
    ...PAGE,
    "auth.sso_refused",
    "auth.link_invalid",
    "auth.link_other_browser",
    "member.exists",
    "limit.reached",
  ],
  before: [asPage, ownCell, limitAskers("auth")],
  request: { params: ssoParams, query: callbackQuery },
  responses: { 303: onward },
});

export function identityProviderRoutes(app: CellApp): void {
  mount(app, readProvider, async (c) => {
    const provider = await c.get("services").desk(c.req.valid("param").tenantId).sso.identityProvider();
    if (!provider) throw new AppError("resource.not_found");
    return c.json(presentProvider(provider), 200, NOT_KEPT);
  });

  mount(app, setProvider, async (c) => {
    const { sso } = c.get("services").desk(c.req.valid("param").tenantId);
    const wish = toWish(c.req.valid("json"));
    const provider = await sso.setIdentityProvider(wish, askedBy(c), c.get("principal").permissions);
    return c.json(presentProvider(provider), 200, NOT_KEPT);
  });

  mount(app, removeProvider, async (c) => {
    await c.get("services").desk(c.req.valid("param").tenantId).sso.removeIdentityProvider(askedBy(c));
    return c.body(null, 204);
  });

  mount(app, beginSso, async (c) => {
    const secret = browserSecret(c) ?? newSecret(randomBytes);
    const address = await (await ssoOf(c, c.req.valid("param").ssoTenantId)).beginSso(secret);
    keepBrowser(c, secret);
    return c.redirect(address, 303);
  });

  mount(app, finishSso, async (c) => {
    const { state, code = null, iss = null } = c.req.valid("query");
    const sso = await ssoOf(c, c.req.valid("param").ssoTenantId);
    const answer = { state, code, issuer: iss, browserSecret: browserSecret(c), device: deviceOf(c) };
    keepSession(c, (await issueToken(c, await sso.finishSso(answer))).token);
    return c.redirect(afterSignIn(c, `/v1/auth/${c.get("services").config.jurisdiction}/signed-in`), 303);
  });
}

/** An object is asked only about a tenant that there is: a made-up id must not make one. */
async function ssoOf(c: Context<HttpEnv>, tenantId: string): Promise<SsoCalls> {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId).sso;
}
