import { z } from "@hono/zod-openapi";
import { PERMISSION_NAMES, PUBLIC, ROLES, TIERS } from "../../services/permissions.ts";
import { FEATURE_NAMES, LIMIT_NAMES } from "../../services/tiers.ts";
import { declaredOperations, permissionsDocument, tiersDocument } from "../catalogue.ts";
import type { CellApp } from "../environment.ts";
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
  mount(app, readTiers, (c) => c.json(tiersDocument(), 200, PUBLIC_CACHE));
}

const EMPTY = { openapi: "3.1.0", info: { title: "", version: "" } };
