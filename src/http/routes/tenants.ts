import { z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { AppError } from "../../core/errors.ts";
import { makeId, platformTenantId } from "../../core/ids.ts";
import { strictJsonBody } from "../body.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import type { CellApp } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { keyJson, tenantJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { wholeNumber } from "../schemas/query.ts";
import { createdTenantSchema, createTenantSchema, tenantIdSchema, tenantSchema } from "../schemas/resources.ts";

const TAG = "Tenants";

const createTenant = declareRoute({
  method: "post",
  path: "/v1/tenants",
  operationId: "createTenant",
  summary: "Create a tenant in a jurisdiction, with its first API key",
  description:
    "For the operator of the cell. The key stands in this answer and never again. The jurisdiction is for life: there is no field, route or support case that changes it.",
  tag: TAG,
  permission: "tenant.create",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "storage.unavailable",
    "mail.unavailable",
    "mail.too_many",
  ],
  before: [strictJsonBody],
  request: { body: { required: true, content: { "application/json": { schema: createTenantSchema } } } },
  responses: { 201: { description: "Created", content: { "application/json": { schema: createdTenantSchema } } } },
});

const listTenants = declareRoute({
  method: "get",
  path: "/v1/tenants",
  operationId: "listTenants",
  summary: "List the tenants of this jurisdiction",
  tag: TAG,
  permission: "tenant.list",
  request: {
    query: z.object({
      cursor: z.string().max(1000).optional(),
      limit: wholeNumber(1, 200).default(50).openapi({ default: 50 }),
    }),
  },
  responses: {
    200: {
      description: "A page of tenants",
      content: {
        "application/json": {
          schema: z.object({ tenants: z.array(tenantSchema), next_cursor: z.string().nullable() }),
        },
      },
    },
  },
});

const readTenant = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}",
  operationId: "readTenant",
  summary: "Read a tenant",
  tag: TAG,
  permission: "tenant.read",
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: { 200: { description: "The tenant", content: { "application/json": { schema: tenantSchema } } } },
});

export function tenantRoutes(app: CellApp): void {
  mount(app, createTenant, async (c) => {
    const { config, desk } = c.get("services");
    const { name, jurisdiction, tier, owner = null } = c.req.valid("json");
    // The gateway sends such a request nowhere; a client of the cell's own address gets the same answer.
    if (jurisdiction !== config.jurisdiction) throw new AppError("resource.not_found");
    const tenantId = makeId("tenant", jurisdiction, uuidv7());
    const { tenant, issued } = await desk(tenantId).createTenant({ name, tier, owner, by: askedBy(c) });
    const api_key = { ...keyJson(issued.record), key: issued.key };
    return c.json({ tenant: tenantJson(tenant), api_key }, 201, { "Cache-Control": "no-store" });
  });

  mount(app, listTenants, async (c) => {
    const { config, control } = c.get("services");
    const { cursor, limit } = c.req.valid("query");
    const after = cursor ? decodeCursor(cursor, "tenants", "", (id) => (typeof id === "string" ? id : null)) : null;
    // The reserved tenant of the platform domain sorts first and is not a customer.
    const tenants = await control.tenants(after ?? platformTenantId(config.jurisdiction), limit);
    const last = tenants.length === limit ? tenants.at(-1) : undefined;
    return c.json(
      { tenants: tenants.map(tenantJson), next_cursor: last ? encodeCursor("tenants", "", last.id) : null },
      200,
    );
  });

  mount(app, readTenant, async (c) => {
    const tenant = await c.get("services").control.tenant(c.req.valid("param").tenantId);
    if (!tenant) throw new AppError("resource.not_found");
    return c.json(tenantJson(tenant), 200);
  });
}
