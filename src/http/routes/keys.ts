import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { platformTenantId } from "../../core/ids.ts";
import { OWNER_KEY_PERMISSIONS, PERMISSION_NAMES, type Permission } from "../../services/permissions.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, Principal } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { keyJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { apiKeySchema, createKeySchema, issuedKeySchema, keyIdSchema, tenantIdSchema } from "../schemas/resources.ts";

const TAG = "API keys";

const createKey = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/keys",
  operationId: "createKey",
  summary: "Create an API key",
  description:
    "The key stands in this answer and never again: only a keyed hash of it is kept. Nobody grants more than they hold.",
  tag: TAG,
  permission: "api_key.create",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: createKeySchema } } },
  },
  responses: { 201: { description: "Created", content: { "application/json": { schema: issuedKeySchema } } } },
});

const listKeys = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/keys",
  operationId: "listKeys",
  summary: "List API keys, never their secrets",
  tag: TAG,
  permission: "api_key.list",
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: {
    200: {
      description: "The keys, oldest first",
      content: { "application/json": { schema: z.object({ keys: z.array(apiKeySchema) }) } },
    },
  },
});

const revokeKey = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/keys/{keyId}",
  operationId: "revokeKey",
  summary: "Revoke an API key",
  description: "Effective everywhere within 60 seconds. Revoking it again answers the same.",
  tag: TAG,
  permission: "api_key.revoke",
  problems: ["storage.unavailable"],
  request: { params: z.object({ tenantId: tenantIdSchema, keyId: keyIdSchema }) },
  responses: { 200: { description: "The revoked key", content: { "application/json": { schema: apiKeySchema } } } },
});

/**
 * A key grants what it holds. The operator sets tenants up, so grants whatever a tenant's own first key holds; what
 * reaches beyond one tenant only to keys of the platform's tenant, which is the operator's own.
 */
function grantableBy(principal: Principal, onPlatform: boolean): readonly Permission[] {
  if (principal.kind === "api_key") return principal.permissions;
  return onPlatform ? PERMISSION_NAMES : OWNER_KEY_PERMISSIONS;
}

export function keyRoutes(app: CellApp): void {
  mount(app, createKey, async (c) => {
    const { config, control, desk, clock } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { name, permissions, expires_at } = c.req.valid("json");
    const onPlatform = tenantId === platformTenantId(config.jurisdiction);
    const grantable = grantableBy(c.get("principal"), onPlatform);
    const excess = permissions.find((permission) => !grantable.includes(permission));
    if (excess) {
      throw new AppError("auth.forbidden", { detail: `you lack ${excess} in this tenant, so you cannot grant it` });
    }
    const expiresAt = expires_at === undefined ? null : new Date(expires_at).toISOString();
    if (expiresAt !== null && Date.parse(expiresAt) <= clock()) {
      throw new AppError("request.invalid", { errors: [{ pointer: "/expires_at", detail: "must be in the future" }] });
    }
    const wanted = { name, permissions: [...new Set(permissions)], expiresAt, by: askedBy(c) };
    const { record, key } = await desk(tenantId).createKey(wanted);
    return c.json({ ...keyJson(record), key }, 201, { "Cache-Control": "no-store" });
  });

  mount(app, listKeys, async (c) => {
    const { control } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json({ keys: (await control.keysOf(tenantId)).map(keyJson) }, 200, { "Cache-Control": "no-store" });
  });

  mount(app, revokeKey, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId, keyId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json(keyJson(await desk(tenantId).revokeKey(keyId, askedBy(c))), 200);
  });
}
