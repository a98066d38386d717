/** What was done at tenant level, for the tenant's own people (S1-6): its reserved domain, and no other tenant's. */
import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AskedParts } from "../../core/query/asked.ts";
import { runQuery } from "../../services/query/run.ts";
import { encodeCursor } from "../cursor.ts";
import { entryPage } from "../entry-page.ts";
import type { CellApp, CellServices } from "../environment.ts";
import { readQuestion } from "../page-question.ts";
import { demandSameFilter, queryCursor, readQueryQuestion } from "../query-question.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { seqQuery, wholeNumber } from "../schemas/query.ts";
import { entryPageSchema } from "../schemas/resources.ts";
import { filtersOf, searchedDomain } from "../searched.ts";
import { pointedAtQuery } from "../validation.ts";

const KIND = "compliance";
/** Bound to another kind: by time, and not by seq. */
const FILTERED_KIND = "compliance_query";

const filterParameters = {
  action: z
    .string()
    .max(128)
    .optional()
    .openapi({ description: "Whole, or a prefix that ends in `.*`", example: "tenant.*" }),
  outcome: z
    .string()
    .max(20)
    .optional()
    .openapi({ description: "`success`, `failure`, `denied`, `unknown`", example: "denied" }),
  category: z.string().max(40).optional().openapi({ description: "Of the registry", example: "credential" }),
  after: z.string().max(40).optional().openapi({ description: "A day, an instant, or `-7d`", example: "2026-11-01" }),
  before: z.string().max(40).optional().openapi({ description: "The same, and not included", example: "2026-12-01" }),
};

const query = z.object({
  order: z.enum(["asc", "desc"]).optional().openapi({ description: "Default `desc`" }),
  from: seqQuery.optional().openapi({ description: "First seq of the range" }),
  to: seqQuery.optional().openapi({ description: "Last seq of the range" }),
  ...filterParameters,
  limit: wholeNumber(1, LIMITS.pageEntries)
    .default(LIMITS.pageEntriesDefault)
    .openapi({ default: LIMITS.pageEntriesDefault }),
  cursor: z.string().max(1000).optional().openapi({ description: "`next_cursor` of the page before" }),
  payload: z.enum(["json", "text"]).default("json").openapi({
    description: "`text`: the exact canonical text that was hashed, as a string",
  }),
});
type Query = z.output<typeof query>;

const readHistory = declareRoute({
  method: "get",
  path: "/admin/compliance/audit",
  operationId: "readComplianceHistory",
  summary: "The caller's own tenant: what its people, its keys and the operator's staff did, newest first",
  description:
    "The entries of the tenant's reserved domain, up to date with the log: by seq, or, with any of `action`, `outcome`, `category`, `after` and `before`, those that match, by when they happened. The tenant is the credential's own; no parameter names another one, and none a person: for that ask `queryEntries` of this domain. People stand here as pseudonyms. Reading this is no entry.",
  tag: "Compliance",
  permission: "compliance.read",
  problems: ["resource.not_found", "storage.unavailable"],
  request: { query },
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
    const asked = c.req.valid("query");
    const isFiltered = Object.keys(filterParameters).some((name) => asked[name as keyof Query] !== undefined);
    const domainId = tenant.tenantDomainId;
    const { rows, next_cursor } = await (isFiltered ? byTime : bySeq)(services, domainId, asked);
    const entries = rows.map((row) => entryJson(row, asked.payload));
    const page = { entries, next_cursor, has_more: next_cursor !== null };
    return c.json({ tenant_id: tenant.id, domain_id: domainId, ...page }, 200, { "Cache-Control": "no-store" });
  });
}

async function bySeq(services: CellServices, domainId: string, asked: Query) {
  const { cursor, from, to, limit } = asked;
  const order = asked.order ?? (cursor === undefined ? ("desc" as const) : undefined);
  const bound = { kind: KIND, domainId, place: "query:" as const };
  const question = readQuestion({ cursor, from, to, order }, bound, () => ({}), {});
  const { page, next } = await entryPage(services, domainId, question, limit, await services.log(domainId).flush());
  return { rows: page, next_cursor: next && encodeCursor(KIND, domainId, next) };
}

async function byTime(services: CellServices, domainId: string, asked: Query) {
  const { cursor, order, limit } = asked;
  const seqs = (["from", "to"] as const).filter((name) => asked[name] !== undefined);
  if (seqs.length > 0) {
    throw new AppError("request.invalid", {
      errors: seqs.map((name) => ({ pointer: `query:${name}`, detail: "is for the list by seq, without a filter" })),
    });
  }
  return pointedAtQuery(async () => {
    const question = readQueryQuestion(
      { filter: filterFrom(asked), cursor, order },
      FILTERED_KIND,
      domainId,
      services.clock(),
    );
    const domain = await searchedDomain(services, domainId, question.query, true);
    const fingerprint = demandSameFilter(question, filtersOf([domain]));
    const { rows, next } = await runQuery([domain], question.order, question.after, limit);
    const state = next && { fingerprint, after: next, mark: "" };
    return {
      rows: rows.map(({ row }) => row),
      next_cursor: state && queryCursor(FILTERED_KIND, domainId, question, state),
    };
  });
}

function filterFrom({ action, outcome, category, after, before }: Query): AskedParts {
  const list = (value: string | undefined) => (value === undefined ? undefined : [value]);
  return { actions: list(action), outcomes: list(outcome), categories: list(category), after, before };
}
