import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { PERMISSION_NAMES, type Permission } from "../../services/permissions.ts";
import type { ApiKeyRecord } from "../../services/ports.ts";
import { LAST_END_MS } from "../../services/tenancy/key-room.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv, Principal } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { keyJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { rotatedKeySchema, rotateKeySchema } from "../schemas/keys.ts";
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
      description: `The keys, oldest first, with the newest ${LIMITS.endedKeysKept} that have ended`,
      content: { "application/json": { schema: z.object({ keys: z.array(apiKeySchema) }) } },
    },
  },
});

const readKey = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/keys/{keyId}",
  operationId: "readKey",
  summary: "Read one API key, never its secret",
  tag: TAG,
  permission: "api_key.list",
  request: { params: z.object({ tenantId: tenantIdSchema, keyId: keyIdSchema }) },
  responses: { 200: { description: "The key", content: { "application/json": { schema: apiKeySchema } } } },
});

const rotateKey = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/keys/{keyId}/rotate",
  operationId: "rotateKey",
  summary: "Replace an API key",
  description:
    "Makes a new key with all that the old one has, and ends the old one after `overlap_seconds`. A key with an end lives as long again. Who rotates a key learns a key that can do the same, so needs to hold all of it. Rotated twice, a key has two that replace it.",
  tag: TAG,
  permission: "api_key.rotate",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "api_key.ended",
    "limit.reached",
    "tier.required",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema, keyId: keyIdSchema }),
    body: { required: true, content: { "application/json": { schema: rotateKeySchema } } },
  },
  responses: {
    201: { description: "The new key, and the old one", content: { "application/json": { schema: rotatedKeySchema } } },
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
 * A key grants what it holds, a member what their role holds. The operator makes keys for the platform's tenant only, which is
 * the operator's own (`OPERATOR_PLATFORM_PERMISSIONS`): in another it would be a way around the tenant's approval (S3-35).
 */
function grantableBy({ tenantId, permissions }: Principal): readonly Permission[] {
  return tenantId === null ? PERMISSION_NAMES : permissions;
}

/** Throws `auth.forbidden` for more than the asker holds. */
function demandGrantable(c: Context<HttpEnv>, permissions: readonly Permission[]): void {
  const grantable = grantableBy(c.get("principal"));
  const excess = permissions.find((permission) => !grantable.includes(permission));
  if (!excess) return;
  throw new AppError("auth.forbidden", { detail: `you lack ${excess} in this tenant, so you cannot grant it` });
}

async function ownKey(c: Context<HttpEnv>, tenantId: string, keyId: string): Promise<ApiKeyRecord> {
  const key = await c.get("services").control.key(keyId);
  if (key?.tenantId !== tenantId) throw new AppError("resource.not_found");
  return key;
}

/** Undefined while the object that knows does not answer: it is no reason not to answer the rest. */
export async function lastUses(
  c: Context<HttpEnv>,
  tenantId: string,
): Promise<(keyId: string) => number | null | undefined> {
  try {
    const uses = await c.get("services").rateDesk(tenantId).lastUses();
    return (keyId) => uses[keyId] ?? null;
  } catch {
    return () => undefined;
  }
}

export function keyRoutes(app: CellApp): void {
  mount(app, createKey, async (c) => {
    const { control, desk, clock } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { name, permissions, expires_at, description, allowed_networks, service_account_id } = c.req.valid("json");
    demandGrantable(c, permissions);
    const expiresAt = expires_at === undefined ? null : new Date(expires_at).toISOString();
    const endMs = expiresAt === null ? LAST_END_MS : Date.parse(expiresAt);
    if (endMs <= clock() || endMs > LAST_END_MS) {
      const detail = "must be in the future and before the year 10000 (UTC)";
      throw new AppError("request.invalid", { errors: [{ pointer: "/expires_at", detail }] });
    }
    const wanted = {
      name,
      permissions: [...new Set(permissions)],
      expiresAt,
      description: description ?? null,
      allowedNetworks: allowed_networks ?? null,
      serviceAccountId: service_account_id ?? null,
      by: askedBy(c),
    };
    const { record, key } = await desk(tenantId).createKey(wanted);
    return c.json({ ...keyJson(record, null), key }, 201, { "Cache-Control": "no-store" });
  });

  mount(app, listKeys, async (c) => {
    const { control } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const [keys, used] = await Promise.all([control.keysOf(tenantId), lastUses(c, tenantId)]);
    return c.json({ keys: keys.map((key) => keyJson(key, used(key.id))) }, 200, { "Cache-Control": "no-store" });
  });

  mount(app, rotateKey, async (c) => {
    const { desk } = c.get("services");
    const { tenantId, keyId } = c.req.valid("param");
    const key = await ownKey(c, tenantId, keyId);
    demandGrantable(c, key.permissions);
    const { overlap_seconds: overlapS } = c.req.valid("json");
    const { issued, replaced } = await desk(tenantId).rotateApiKey({ keyId, overlapS, by: askedBy(c) });
    const answer = { api_key: { ...keyJson(issued.record, null), key: issued.key }, replaced: keyJson(replaced) };
    return c.json(answer, 201, { "Cache-Control": "no-store" });
  });

  mount(app, readKey, async (c) => {
    const { tenantId, keyId } = c.req.valid("param");
    const [key, used] = await Promise.all([ownKey(c, tenantId, keyId), lastUses(c, tenantId)]);
    return c.json(keyJson(key, used(key.id)), 200, { "Cache-Control": "no-store" });
  });

  mount(app, revokeKey, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId, keyId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json(keyJson(await desk(tenantId).revokeKey(keyId, askedBy(c))), 200);
  });
}
