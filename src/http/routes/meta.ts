import { z } from "@hono/zod-openapi";
import type { Permission } from "../../services/permissions.ts";
import { PUBLIC } from "../../services/permissions.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";
import { principalSchema, residencySchema } from "../schemas/resources.ts";

const TAG = "Deployment";

const whoami = declareRoute({
  method: "get",
  path: "/v1/whoami",
  operationId: "whoami",
  summary: "Whose credential this is and what it may do",
  tag: TAG,
  permission: "any_credential",
  responses: { 200: { description: "The principal", content: { "application/json": { schema: principalSchema } } } },
});

const residency = declareRoute({
  method: "get",
  path: "/v1/residency",
  operationId: "readResidency",
  summary: "Where each cell keeps its data, as observed, signed",
  description:
    "Through the gateway and without a credential: all cells. With one: the credential's own cell. Reports what was observed, or `unpinned local`, never what was configured.",
  tag: TAG,
  permission: PUBLIC,
  responses: { 200: { description: "The reports", content: { "application/json": { schema: residencySchema } } } },
});

const health = declareRoute({
  method: "get",
  path: "/healthz",
  operationId: "health",
  summary: "Whether this Worker answers",
  tag: TAG,
  permission: PUBLIC,
  responses: {
    200: { description: "It does", content: { "application/json": { schema: z.object({ status: z.literal("ok") }) } } },
  },
});

export function metaRoutes(app: CellApp): void {
  mount(app, whoami, (c) => {
    const { kind, tenantId, keyId, permissions, person, serviceAccountId = null } = c.get("principal");
    const { jurisdiction } = c.get("services").config;
    const held = [...permissions] as Permission[];
    const signedIn = person && {
      id: person.id,
      session_id: person.sessionId,
      role: person.role,
      second_factor_at: person.secondFactorAtMs === null ? null : new Date(person.secondFactorAtMs).toISOString(),
    };
    const ids = { tenant_id: tenantId, key_id: keyId, service_account_id: serviceAccountId };
    return c.json({ kind, jurisdiction, ...ids, permissions: held, person: signedIn }, 200);
  });

  mount(app, residency, async (c) => {
    return c.json({ cells: [await c.get("services").residency()] }, 200, { "Cache-Control": "no-store" });
  });

  mount(app, health, (c) => c.json({ status: "ok" as const }, 200));
}
