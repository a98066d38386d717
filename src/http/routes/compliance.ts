/** What was done at tenant level, for the tenant's own people (S1-6): its reserved domain, and no other tenant's. */
import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { encodeCursor } from "../cursor.ts";
import { entryPage } from "../entry-page.ts";
import type { CellApp } from "../environment.ts";
import { readQuestion } from "../page-question.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { wholeNumber } from "../schemas/query.ts";
import { entryPageSchema } from "../schemas/resources.ts";

const readHistory = declareRoute({
  method: "get",
  path: "/admin/compliance/audit",
  operationId: "readComplianceHistory",
  summary: "The caller's own tenant: what its people, its keys and the operator's staff did, newest first",
  description:
    "The entries of the tenant's reserved domain, up to date with the log. The tenant is the credential's own; no parameter names another one. People stand here as pseudonyms.",
  tag: "Compliance",
  permission: "compliance.read",
  problems: ["resource.not_found", "storage.unavailable"],
  request: {
    query: z.object({
      limit: wholeNumber(1, LIMITS.pageEntries)
        .default(LIMITS.pageEntriesDefault)
        .openapi({ default: LIMITS.pageEntriesDefault }),
      cursor: z.string().max(1000).optional().openapi({ description: "`next_cursor` of the page before" }),
    }),
  },
  responses: {
    200: {
      description: "A page",
      content: {
        "application/json": { schema: entryPageSchema.extend({ tenant_id: z.string(), domain_id: z.string() }) },
      },
    },
  },
});

export function complianceRoutes(app: CellApp): void {
  mount(app, readHistory, async (c) => {
    const services = c.get("services");
    const { tenantId } = c.get("principal");
    const tenant = tenantId === null ? null : await services.control.tenant(tenantId);
    if (!tenant) throw new AppError("resource.not_found");
    const { limit, cursor } = c.req.valid("query");
    const domainId = tenant.tenantDomainId;
    const asked = cursor === undefined ? { order: "desc" as const } : { cursor };
    const question = readQuestion(asked, { kind: "compliance", domainId, place: "query:" }, () => ({}), {});
    const { page, next } = await entryPage(services, domainId, question, limit, await services.log(domainId).flush());
    const entries = page.map((row) => entryJson(row, "json"));
    const next_cursor = next && encodeCursor("compliance", domainId, next);
    return c.json({ tenant_id: tenant.id, domain_id: domainId, entries, next_cursor, has_more: next !== null }, 200, {
      "Cache-Control": "no-store",
    });
  });
}
