import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { DomainRecord } from "../../services/ports.ts";
import { isRecorded } from "../../services/query/record-read.ts";
import { runQuery } from "../../services/query/run.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, CellServices } from "../environment.ts";
import { demandSameFilter, queryCursor, readQueryQuestion } from "../query-question.ts";
import { recordOnce } from "../read-mark.ts";
import { entryJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { tenantQueryAnswerSchema, tenantQuerySchema } from "../schemas/entry-query.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { filtersOf, searchedDomains } from "../searched.ts";
import { invalid } from "../validation.ts";

const KIND = "tenant_query";

const queryTenantEntries = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/audit/query",
  operationId: "queryTenantEntries",
  summary: "Find entries across a tenant's domains",
  description: `As \`queryEntries\`, merged by when entries happened, then by domain and seq. At most ${LIMITS.queryDomains} domains at a time; \`domain_ids\` names which, the reserved domain too. A person has another pseudonym in each domain: ask by identity id. One entry \`audit.read\` names every domain that was searched.`,
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
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: tenantQuerySchema } } },
  },
  responses: { 200: { description: "A page", content: { "application/json": { schema: tenantQueryAnswerSchema } } } },
});

export function tenantQueryRoutes(app: CellApp): void {
  mount(app, queryTenantEntries, async (c) => {
    const services = c.get("services");
    const { tenantId } = c.req.valid("param");
    const { limit, payload, archived, consistency, domain_ids, ...asked } = c.req.valid("json");
    const question = readQueryQuestion(asked, KIND, tenantId, services.clock());
    const records = await domainsToSearch(services, tenantId, domain_ids);
    const ids = records.map(({ id }) => id);
    const domains = await searchedDomains(services, ids, question.query, consistency === "latest");
    const fingerprint = demandSameFilter(question, filtersOf(domains));
    const heads = await Promise.all(ids.map((id) => services.log(id).head()));
    const searchedIn = archived === "skip" ? domains.map((domain) => ({ ...domain, archived: undefined })) : domains;
    const { rows, next, sizes, from } = await runQuery(searchedIn, question.order, question.after, limit);
    const entries = rows.map(({ domainId, row }) => ({ domain_id: domainId, ...entryJson(row, payload) }));
    // The filter is told as the first domain that the entry names has it: pseudonyms are another's in each.
    const told = filtersOf(domains).get(records.find(isRecorded)?.id ?? "") ?? null;
    const read = { kind: "query" as const, filter: told, more: { order: question.order } };
    const mark = await recordOnce(c, question.mark, [KIND, tenantId, fingerprint], records, read);
    const next_cursor = next && queryCursor(KIND, tenantId, question, { fingerprint, after: next, mark });
    const searched = ids.map((domain_id, i) => {
      const size = sizes.get(domain_id) ?? 0;
      const searchable_from = from.get(domain_id) ?? 0;
      return { domain_id, searchable_from, searchable_through: size - 1, behind: size < (heads[i]?.size ?? 0) };
    });
    return c.json({ entries, next_cursor, has_more: next !== null, domains: searched }, 200, {
      "Cache-Control": "no-store",
    });
  });
}

/** The tenant's, by id. Throws `resource.not_found` for a tenant that is not there, `request.invalid` for another's domain. */
async function domainsToSearch(
  { control }: CellServices,
  tenantId: string,
  wanted: readonly string[] | undefined,
): Promise<DomainRecord[]> {
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  const own = (await control.domainsOf(tenantId)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const faults = (wanted ?? []).flatMap((id, i) =>
    own.some((domain) => domain.id === id)
      ? []
      : [{ pointer: `/domain_ids/${i}`, detail: "is no domain of the tenant" }],
  );
  if (faults.length > 0) throw invalid(faults);
  const searched = own.filter(({ id, kind }) => (wanted === undefined ? kind === "client" : wanted.includes(id)));
  if (searched.length <= LIMITS.queryDomains) return searched;
  const detail = `the tenant has ${searched.length} domains; name at most ${LIMITS.queryDomains}`;
  throw invalid([{ pointer: "/domain_ids", detail }]);
}
