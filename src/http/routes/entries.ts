import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { ENTRY_ID_PATTERN } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { recordRead } from "../../services/query/record-read.ts";
import { encodeCursor } from "../cursor.ts";
import { entryPage } from "../entry-page.ts";
import type { CellApp } from "../environment.ts";
import { findEntry } from "../find-entry.ts";
import { readQuestion } from "../page-question.ts";
import { askedBy } from "../principal.ts";
import { readMark, recordOnce } from "../read-mark.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { seqQuery, wholeNumber } from "../schemas/query.ts";
import { domainIdSchema, entryPageSchema, entrySchema } from "../schemas/resources.ts";

const TAG = "Entries";
const payloadForm = z.enum(["json", "text"]).default("json").openapi({
  description: "`text`: the exact canonical text that was hashed, as a string",
});

const listEntries = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/entries",
  operationId: "listEntries",
  summary: "Read a page of entries, in either direction",
  description:
    "Pages are stable under concurrent appends: a cursor names a seq, never an offset. The queryable copy may be a moment behind the head; `consistency=latest` brings it up to date first. Entries that were pruned from it come out of the archive, in the same order and the same bytes; a page of them may be shorter than `limit`, and the cursor goes on. A list begins at the first entry whose payload is kept, and `first_seq` says so where less was left than was asked for. People stand here as pseudonyms and private values as commitments; `POST …/audit/query` finds entries by what is in them, `POST …/entries/reveal` opens what is private. The first page is itself an entry `audit.read` in the tenant's own log, unless the domain's setting `record_reads` says otherwise.",
  tag: TAG,
  permission: "entry.read",
  problems: ["storage.unavailable"],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    query: z.object({
      order: z.enum(["asc", "desc"]).optional().openapi({ description: "By seq. Default `asc`" }),
      from: seqQuery.optional().openapi({ description: "First seq of the range" }),
      to: seqQuery.optional().openapi({ description: "Last seq of the range" }),
      limit: wholeNumber(1, LIMITS.pageEntries)
        .default(LIMITS.pageEntriesDefault)
        .openapi({ default: LIMITS.pageEntriesDefault }),
      cursor: z.string().max(1000).optional().openapi({ description: "`next_cursor` of the page before" }),
      payload: payloadForm,
      consistency: z.enum(["latest"]).optional(),
    }),
  },
  responses: { 200: { description: "A page", content: { "application/json": { schema: entryPageSchema } } } },
});

const readEntry = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/entries/{seqOrId}",
  operationId: "readEntry",
  summary: "Read one entry by its seq or its id",
  description:
    "Is itself an entry `audit.read` in the tenant's own log, unless the domain's setting `record_reads` says otherwise. An entry that was pruned comes out of the archive, by its seq or by an id that the log made; an id that a client sent is known as long as the queryable copy holds the entry. 410 `entry.expired`: its payload is gone by policy.",
  tag: TAG,
  permission: "entry.read",
  problems: ["storage.unavailable", "entry.expired"],
  request: {
    params: z.object({
      domainId: domainIdSchema,
      seqOrId: z
        .string()
        .regex(ENTRY_ID_PATTERN)
        .openapi({ param: { name: "seqOrId", in: "path" }, example: "42" }),
    }),
    query: z.object({ payload: payloadForm }),
  },
  responses: { 200: { description: "The entry", content: { "application/json": { schema: entrySchema } } } },
});

export function entryRoutes(app: CellApp): void {
  mount(app, listEntries, async (c) => {
    const services = c.get("services");
    const { domainId } = c.req.valid("param");
    const query = c.req.valid("query");
    const question = readQuestion(query, { kind: "entries", domainId, place: "query:" }, readMark, { mark: null });
    const latest = query.consistency === "latest" ? await services.log(domainId).flush() : null;
    const { page, next, firstKept } = await entryPage(services, domainId, question, query.limit, latest);
    const { order, from, to } = question;
    const more = { order, from, ...(to < Number.MAX_SAFE_INTEGER ? { to } : {}) };
    const read = { kind: "list" as const, filter: null, more };
    const mark = await recordOnce(c, question.mark, ["list", domainId, JSON.stringify(more)], [c.get("domain")], read);
    const next_cursor = next && encodeCursor("entries", domainId, { ...next, mark });
    if (next_cursor)
      c.header("Link", `<?cursor=${next_cursor}&limit=${query.limit}&payload=${query.payload}>; rel="next"`);
    const entries = page.map((row) => entryJson(row, query.payload));
    const first = firstKept === null ? {} : { first_seq: firstKept };
    return c.json({ entries, next_cursor, has_more: next !== null, ...first }, 200);
  });

  mount(app, readEntry, async (c) => {
    const { domainId, seqOrId } = c.req.valid("param");
    const services = c.get("services");
    const row = await findEntry(services, domainId, seqOrId);
    if (!row) throw new AppError("resource.not_found");
    await recordRead(services, askedBy(c), c.get("domain"), { kind: "entry", filter: null, more: { seq: row.seq } });
    return c.json(entryJson(row, c.req.valid("query").payload), 200);
  });
}
