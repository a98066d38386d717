import { z } from "@hono/zod-openapi";
import { EVERYTHING } from "../../core/query/filter.ts";
import { strictJsonBody } from "../body.ts";
import { encodeCursor } from "../cursor.ts";
import type { CellApp } from "../environment.ts";
import { readQuestion } from "../page-question.ts";
import { readMark, recordOnce } from "../read-mark.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { domainIdSchema, entryPageSchema } from "../schemas/resources.ts";
import { searchSchema } from "../schemas/reveal.ts";

const KIND = "search";

const searchEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/entries/search",
  operationId: "searchEntries",
  summary: "Read the entries of a person",
  description:
    "By the id under which events named the person: as actor, on whose behalf, target or subject. It stands in the body and becomes a pseudonym inside the domain's object. Everything that was committed before is found. Somebody whom no entry names: an empty page; somebody who was erased: `subject.erased`. What is private stays closed. The first page is itself an entry `audit.read` in the tenant's own log, unless the domain's setting `record_reads` says otherwise.",
  tag: "Entries",
  permission: "entry.read",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "subject.erased",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    body: { required: true, content: { "application/json": { schema: searchSchema } } },
  },
  responses: { 200: { description: "A page", content: { "application/json": { schema: entryPageSchema } } } },
});

export function searchRoutes(app: CellApp): void {
  mount(app, searchEntries, async (c) => {
    const { domainId } = c.req.valid("param");
    const { identity_id: identityId, limit, payload, ...asked } = c.req.valid("json");
    const question = readQuestion(asked, { kind: KIND, domainId, place: "/" }, readState, { ref: null, mark: null });
    const services = c.get("services");
    const { rows, ref, next } = await services.keeper(domainId).search({ ...question, identityId, limit });
    const filter = { ...EVERYTHING, clauses: [{ field: "person" as const, anyOf: [ref], not: false }] };
    const of = [KIND, domainId, ref, question.order, `${question.from}`, `${question.to}`];
    const mark = await recordOnce(c, question.mark, of, [c.get("domain")], { kind: "search", filter });
    const next_cursor = next === null ? null : encodeCursor(KIND, domainId, { ...question, ref, next, mark });
    const entries = rows.map((row) => entryJson(row, payload));
    return c.json({ entries, next_cursor, has_more: next !== null }, 200, { "Cache-Control": "no-store" });
  });
}

/** A cursor names whom it was made for by the pseudonym. */
function readState(state: Record<string, unknown>): { ref: string | null; mark: string | null } | null {
  const { ref } = state;
  return typeof ref === "string" && /^[0-9a-f]{64}$/.test(ref) ? { ref, ...readMark(state) } : null;
}
