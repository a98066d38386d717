import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { keyJson, serviceAccountJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import {
  createServiceAccountSchema,
  describeServiceAccountSchema,
  serviceAccountIdSchema,
  serviceAccountSchema,
  serviceAccountWithKeysSchema,
} from "../schemas/keys.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { lastUses } from "./keys.ts";

const TAG = "API keys";
const BODY_PROBLEMS = ["request.malformed", "request.unsupported_media_type", "request.too_large"] as const;
const params = z.object({ tenantId: tenantIdSchema, serviceAccountId: serviceAccountIdSchema });
const one = { "application/json": { schema: serviceAccountSchema } };

const createServiceAccount = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/service-accounts",
  operationId: "createServiceAccount",
  summary: "Create a service account",
  description:
    "A machine of the tenant, which API keys are made for (`service_account_id`). What its keys ask for is its doing in the tenant's log, whichever of them it was.",
  tag: TAG,
  permission: "service_account.manage",
  problems: [...BODY_PROBLEMS, "limit.reached", "storage.unavailable"],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: createServiceAccountSchema } } },
  },
  responses: { 201: { description: "Created", content: one } },
});

const listServiceAccounts = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/service-accounts",
  operationId: "listServiceAccounts",
  summary: "List service accounts",
  tag: TAG,
  permission: "service_account.list",
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: {
    200: {
      description: `Oldest first, with the newest ${LIMITS.removedAccountsKept} that were removed`,
      content: { "application/json": { schema: z.object({ service_accounts: z.array(serviceAccountSchema) }) } },
    },
  },
});

const readServiceAccount = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/service-accounts/{serviceAccountId}",
  operationId: "readServiceAccount",
  summary: "Read a service account and its keys, never their secrets",
  tag: TAG,
  permission: "service_account.list",
  request: { params },
  responses: {
    200: { description: "The account", content: { "application/json": { schema: serviceAccountWithKeysSchema } } },
  },
});

const describeServiceAccount = declareRoute({
  method: "patch",
  path: "/v1/tenants/{tenantId}/service-accounts/{serviceAccountId}",
  operationId: "describeServiceAccount",
  summary: "Rename or describe a service account",
  tag: TAG,
  permission: "service_account.manage",
  problems: [...BODY_PROBLEMS, "storage.unavailable"],
  before: [strictJsonBody],
  request: {
    params,
    body: { required: true, content: { "application/json": { schema: describeServiceAccountSchema } } },
  },
  responses: { 200: { description: "The account as it is now", content: one } },
});

const removeServiceAccount = declareRoute({
  method: "delete",
  path: "/v1/tenants/{tenantId}/service-accounts/{serviceAccountId}",
  operationId: "removeServiceAccount",
  summary: "Remove a service account and revoke its keys",
  description: "Effective everywhere within 60 seconds. Removing it again answers the same.",
  tag: TAG,
  permission: "service_account.manage",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "The removed account", content: one } },
});

export function serviceAccountRoutes(app: CellApp): void {
  mount(app, createServiceAccount, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { name, description = null } = c.req.valid("json");
    const account = await desk(tenantId).createServiceAccount({ name, description, by: askedBy(c) });
    return c.json(serviceAccountJson(account), 201);
  });

  mount(app, listServiceAccounts, async (c) => {
    const { control } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json({ service_accounts: (await control.serviceAccountsOf(tenantId)).map(serviceAccountJson) }, 200);
  });

  mount(app, readServiceAccount, async (c) => {
    const { control } = c.get("services");
    const { tenantId, serviceAccountId } = c.req.valid("param");
    const account = await control.serviceAccount(tenantId, serviceAccountId);
    if (!account) throw new AppError("resource.not_found");
    const [all, used] = await Promise.all([control.keysOf(tenantId), lastUses(c, tenantId)]);
    const keys = all.filter((key) => key.serviceAccountId === account.id).map((key) => keyJson(key, used(key.id)));
    return c.json({ ...serviceAccountJson(account), keys }, 200);
  });

  mount(app, describeServiceAccount, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId, serviceAccountId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { name, description } = c.req.valid("json");
    const words = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
    return c.json(
      serviceAccountJson(await desk(tenantId).describeServiceAccount(serviceAccountId, words, askedBy(c))),
      200,
    );
  });

  mount(app, removeServiceAccount, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId, serviceAccountId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json(serviceAccountJson(await desk(tenantId).removeServiceAccount(serviceAccountId, askedBy(c))), 200);
  });
}
