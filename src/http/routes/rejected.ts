import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import type { RejectedCount } from "../../services/ports.ts";
import type { CellApp } from "../environment.ts";
import { declareRoute, mount } from "../route.ts";
import { rejectedSchema } from "../schemas/rejected.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const listRejected = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/rejected",
  operationId: "listRejectedEvents",
  summary: "Which events were refused, and how often",
  description: `Counted by reason, action, place and credential; nothing of an event is kept. The ${LIMITS.rejectedKinds} kinds that were seen last. Counts are a lower bound: they are gathered in memory and written behind the answers.`,
  tag: "Entries",
  permission: "event_schema.read",
  problems: ["storage.unavailable"],
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: {
    200: { description: "Seen last first", content: { "application/json": { schema: rejectedSchema } } },
  },
});

export function rejectedRoutes(app: CellApp): void {
  mount(app, listRejected, async (c) => {
    const { domainId } = c.req.valid("param");
    const rejected = await c.get("services").rejectedStore.list(domainId);
    return c.json({ domain_id: domainId, rejected: rejected.map(rejectedJson) }, 200, { "Cache-Control": "no-store" });
  });
}

function rejectedJson({ code, action, pointer, schemaVersion, credentialId, count, firstAt, lastAt }: RejectedCount) {
  return {
    code,
    action: action === "" ? null : action,
    pointer,
    schema_version: schemaVersion === 0 ? null : schemaVersion,
    credential_id: credentialId === "" ? null : credentialId,
    count,
    first_at: firstAt,
    last_at: lastAt,
  };
}
