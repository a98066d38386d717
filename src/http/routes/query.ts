import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { countOf } from "../../services/query/count.ts";
import { facetsOf } from "../../services/query/facets.ts";
import { recordRead } from "../../services/query/record-read.ts";
import { readAsked } from "../../services/query/resolve.ts";
import { runQuery } from "../../services/query/run.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { demandSameFilter, queryCursor, readQueryQuestion } from "../query-question.ts";
import { recordOnce } from "../read-mark.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import {
  countAnswerSchema,
  countSchema,
  facetsAnswerSchema,
  facetsSchema,
  queryAnswerSchema,
  querySchema,
} from "../schemas/entry-query.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { filtersOf, searchedDomain } from "../searched.ts";

const KIND = "query";
const TAG = "Entries";
const PROBLEMS: ErrorCode[] = [
  "request.malformed",
  "request.unsupported_media_type",
  "request.too_large",
  "subject.erased",
  "storage.unavailable",
];
const RECORDED =
  "Is itself an entry `audit.read` in the tenant's own log, unless the domain's setting `record_reads` says otherwise.";
const params = z.object({ domainId: domainIdSchema });
const json = <Schema extends z.ZodType>(schema: Schema) => ({ "application/json": { schema } });

const queryEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/query",
  operationId: "queryEntries",
  summary: "Find entries",
  description: `By actor, action, target, subject, outcome, category, time, trace, caveat and words, in the query language (\`q\`) or as fields (\`filter\`). By when they happened, newest first. Identity ids become pseudonyms inside the domain's object. A page may come back short, or empty, with a cursor: the work of one request is bounded. Pages are stable under concurrent appends. Entries that were pruned from the queryable copy come behind all others, read from the archive by seq: \`archived: "skip"\` leaves them out. ${RECORDED}`,
  tag: TAG,
  permission: "entry.read",
  problems: PROBLEMS,
  before: [strictJsonBody],
  request: { params, body: { required: true, content: json(querySchema) } },
  responses: { 200: { description: "A page", content: json(queryAnswerSchema) } },
});

const countEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/query/count",
  operationId: "countEntries",
  summary: "Count the entries of a query",
  description: `By the index, up to ${LIMITS.countEntries}: \`exact\` says whether that is all. ${RECORDED}`,
  tag: TAG,
  permission: "entry.read",
  problems: PROBLEMS,
  before: [strictJsonBody],
  request: { params, body: { required: true, content: json(countSchema) } },
  responses: { 200: { description: "The count", content: json(countAnswerSchema) } },
});

const facetEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/query/facets",
  operationId: "facetEntries",
  summary:
    "What is in the entries of a query: the most frequent actions, actors, outcomes and categories, and how many a day",
  description: `Of whole days alone: from sums, and of every entry. Of any other filter: of its newest entries, at most ${LIMITS.facetEntries}; \`complete\` says which. ${RECORDED}`,
  tag: TAG,
  permission: "entry.read",
  problems: PROBLEMS,
  before: [strictJsonBody],
  request: { params, body: { required: true, content: json(facetsSchema) } },
  responses: { 200: { description: "The facets", content: json(facetsAnswerSchema) } },
});

export function queryRoutes(app: CellApp): void {
  mount(app, queryEntries, async (c) => {
    const services = c.get("services");
    const { domainId } = c.req.valid("param");
    const { limit, payload, archived, consistency, ...asked } = c.req.valid("json");
    const question = readQueryQuestion(asked, KIND, domainId, services.clock());
    const domain = await searchedDomain(services, domainId, question.query, consistency === "latest");
    const fingerprint = demandSameFilter(question, filtersOf([domain]));
    const searched = archived === "skip" ? { ...domain, archived: undefined } : domain;
    const { rows, next, sizes, from } = await runQuery([searched], question.order, question.after, limit);
    const entries = rows.map(({ row }) => entryJson(row, payload));
    const of = [KIND, domainId, fingerprint];
    const read = { kind: "query" as const, filter: domain.filter, more: { order: question.order } };
    const mark = await recordOnce(c, question.mark, of, [c.get("domain")], read);
    const next_cursor = next && queryCursor(KIND, domainId, question, { fingerprint, after: next, mark });
    const searchable_through = (sizes.get(domainId) ?? 0) - 1;
    const searchable = { searchable_from: from.get(domainId) ?? 0, searchable_through };
    return c.json({ entries, next_cursor, has_more: next !== null, ...searchable }, 200, NO_STORE);
  });

  mount(app, countEntries, async (c) => {
    const services = c.get("services");
    const { domainId } = c.req.valid("param");
    const { consistency, ...asked } = c.req.valid("json");
    const query = readAsked(asked, services.clock());
    const domain = await searchedDomain(services, domainId, query, consistency === "latest");
    const { count, exact, size, from } = await countOf(domain);
    await recordRead(services, askedBy(c), c.get("domain"), { kind: "count", filter: domain.filter });
    return c.json({ count, exact, searchable_from: from ?? 0, searchable_through: size - 1 }, 200, NO_STORE);
  });

  mount(app, facetEntries, async (c) => {
    const services = c.get("services");
    const { domainId } = c.req.valid("param");
    const { consistency, values, ...asked } = c.req.valid("json");
    const query = readAsked(asked, services.clock());
    const domain = await searchedDomain(services, domainId, query, consistency === "latest");
    const { complete, looked, kinds, days, size, from } = await facetsOf(domain, values);
    await recordRead(services, askedBy(c), c.get("domain"), { kind: "facets", filter: domain.filter });
    const { action: actions, actor: actors, outcome: outcomes, category: categories } = kinds;
    const answer = { complete, entries_looked_at: looked, actions, actors, outcomes, categories, days };
    return c.json({ ...answer, searchable_from: from ?? 0, searchable_through: size - 1 }, 200, NO_STORE);
  });
}

const NO_STORE = { "Cache-Control": "no-store" };
