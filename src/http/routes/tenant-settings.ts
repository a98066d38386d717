import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import type { Counted } from "../../services/tenancy/room.ts";
import { LIMIT_NAMES, limitsOf } from "../../services/tiers.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { tenantJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { tenantIdSchema, tenantSchema } from "../schemas/resources.ts";
import { changeTierSchema, updateTenantSchema, usageSchema } from "../schemas/tenant-settings.ts";

const TAG = "Tenants";
const params = z.object({ tenantId: tenantIdSchema });

const updateTenant = declareRoute({
  method: "patch",
  path: "/v1/tenants/{tenantId}",
  operationId: "updateTenant",
  summary: "Change a tenant's name and settings",
  description: "What is not in the body stays as it is. The change and its entry in the tenant's log are one.",
  tag: TAG,
  permission: "tenant.update",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "tier.required",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: updateTenantSchema } } } },
  responses: { 200: { description: "As it is now", content: { "application/json": { schema: tenantSchema } } } },
});

const changeTier = declareRoute({
  method: "put",
  path: "/v1/tenants/{tenantId}/tier",
  operationId: "changeTier",
  summary: "Change the tier of a tenant",
  description: "For the operator. A tier that has no room for what is there is refused, naming all of it.",
  tag: TAG,
  permission: "tier.change",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: changeTierSchema } } } },
  responses: { 200: { description: "As it is now", content: { "application/json": { schema: tenantSchema } } } },
});

const readUsage = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/usage",
  operationId: "readUsage",
  summary: "What the tenant has used of what its tier includes",
  tag: TAG,
  permission: "usage.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "The usage", content: { "application/json": { schema: usageSchema } } } },
});

export function tenantSettingsRoutes(app: CellApp): void {
  mount(app, updateTenant, async (c) => {
    const { tenantId } = c.req.valid("param");
    const { name, settings = {} } = c.req.valid("json");
    const desk = c.get("services").desk(tenantId);
    return c.json(tenantJson(await desk.updateTenant({ name: name ?? null, settings, by: askedBy(c) })), 200);
  });

  mount(app, changeTier, async (c) => {
    const { tenantId } = c.req.valid("param");
    const desk = c.get("services").desk(tenantId);
    return c.json(tenantJson(await desk.changeTier(c.req.valid("json").tier, askedBy(c))), 200);
  });

  mount(app, readUsage, async (c) => {
    const { control, desk, entriesOf } = c.get("services");
    const { tenantId } = c.req.valid("param");
    const tenant = await control.tenant(tenantId);
    if (!tenant) throw new AppError("resource.not_found");
    const [counted, domains] = await Promise.all([desk(tenantId).counted(), control.domainsOf(tenantId)]);
    const included = limitsOf(tenant);
    const limits = LIMIT_NAMES.map((limit) => ({
      limit,
      used: limit in counted ? counted[limit as keyof Counted] : null,
      included: included[limit],
    }));
    const entries = await entriesOf(domains.map(({ id }) => id));
    return c.json({ tenant_id: tenantId, tier: tenant.tier, entries, limits }, 200, { "Cache-Control": "no-store" });
  });
}
