import { z } from "@hono/zod-openapi";
import { ACTION_CATEGORIES, ACTION_SENSITIVITIES, ACTION_SURFACES } from "../../core/actions/action.ts";
import { ACTION_FAMILIES, WRITERS } from "../../core/actions/index.ts";
import { PERMISSION_NAMES, PUBLIC, ROLES, TIERS } from "../../services/permissions.ts";
import { FEATURE_NAMES, LIMIT_NAMES } from "../../services/tiers.ts";
import { declaredOperations, permissionsDocument, tiersDocument } from "../catalogue.ts";
import type { CellApp } from "../environment.ts";
import { eventTypesDocument } from "../event-types.ts";
import { declareRoute, mount } from "../route.ts";

const TAG = "Deployment";
const PUBLIC_CACHE = { "Cache-Control": "public, max-age=300" };

const permission = z.object({
  name: z.enum(PERMISSION_NAMES),
  says: z.string(),
  roles: z.array(z.enum(ROLES)).openapi({ description: "Roles of a tenant's members that hold it, least first" }),
  operator_only: z.boolean(),
  sensitive: z.boolean().openapi({ description: "Asks a person for a second factor of the last fifteen minutes" }),
  operations: z.array(z.string()).openapi({ description: "Operations that declare it" }),
});

const readPermissions = declareRoute({
  method: "get",
  path: "/v1/permissions",
  operationId: "readPermissions",
  summary: "Every permission, with the roles that hold it and the operations that need it",
  tag: TAG,
  permission: PUBLIC,
  responses: {
    200: {
      description: "The table",
      content: {
        "application/json": {
          schema: z
            .object({
              roles: z.array(z.enum(ROLES)).openapi({ description: "From least to most" }),
              super_admin: z
                .array(z.enum(PERMISSION_NAMES))
                .openapi({ description: "What it takes to answer people who ask for their own" }),
              permissions: z.array(permission),
            })
            .openapi("Permissions"),
        },
      },
    },
  },
});

const eventType = z
  .object({
    name: z.string().openapi({ example: "api_key.rotated" }),
    family: z.enum(ACTION_FAMILIES),
    description: z.string(),
    category: z.enum(ACTION_CATEGORIES),
    does: z.enum(["read", "write"]),
    sensitivity: z.enum(ACTION_SENSITIVITIES),
    surfaces: z.array(z.enum(ACTION_SURFACES)).openapi({ description: "The doors that it comes through" }),
    people: z
      .array(z.string())
      .openapi({ description: "JSON Pointers of the event's fields that may be about people" }),
    written_by: z
      .enum(WRITERS)
      .openapi({ description: "product: this software writes it about itself, and no client can send it" }),
  })
  .openapi("EventType");

const readEventTypes = declareRoute({
  method: "get",
  path: "/v1/event-types",
  operationId: "readEventTypes",
  summary: "Every action type that is known, with what it means",
  description: "All of them, or those that everything asked for holds for. Other actions are accepted too.",
  tag: TAG,
  permission: PUBLIC,
  request: {
    query: z.strictObject({
      category: z.enum(ACTION_CATEGORIES).optional(),
      surface: z.enum(ACTION_SURFACES).optional(),
      written_by: z.enum(WRITERS).optional(),
    }),
  },
  responses: {
    200: { description: "The types", content: { "application/json": { schema: z.array(eventType) } } },
  },
});

const limits = z.object(
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, z.int()])) as Record<(typeof LIMIT_NAMES)[number], z.ZodInt>,
);

const readTiers = declareRoute({
  method: "get",
  path: "/v1/tiers",
  operationId: "readTiers",
  summary: "What each tier includes",
  tag: TAG,
  permission: PUBLIC,
  responses: {
    200: {
      description: "The tiers, least first",
      content: {
        "application/json": {
          schema: z
            .object({
              tiers: z.array(z.object({ name: z.enum(TIERS), features: z.array(z.enum(FEATURE_NAMES)), limits })),
              features: z.array(z.object({ name: z.enum(FEATURE_NAMES), says: z.string(), from: z.enum(TIERS) })),
              limits: z.array(
                z.object({
                  name: z.enum(LIMIT_NAMES),
                  says: z.string(),
                  most: z.int().openapi({ description: "What a tenant may set for itself, where its tier lets it" }),
                }),
              ),
            })
            .openapi("Tiers"),
        },
      },
    },
  },
});

export function catalogueRoutes(app: CellApp): void {
  let permissions: ReturnType<typeof permissionsDocument> | undefined;
  mount(app, readPermissions, (c) => {
    permissions ??= permissionsDocument(declaredOperations(app.getOpenAPI31Document(EMPTY)));
    return c.json(permissions, 200, PUBLIC_CACHE);
  });
  mount(app, readEventTypes, (c) => {
    const { category, surface, written_by: writtenBy } = c.req.valid("query");
    return c.json(eventTypesDocument({ category, surface, writtenBy }), 200, PUBLIC_CACHE);
  });
  mount(app, readTiers, (c) => c.json(tiersDocument(), 200, PUBLIC_CACHE));
}

const EMPTY = { openapi: "3.1.0", info: { title: "", version: "" } };
