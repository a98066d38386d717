/** Finding entries by what is in them (docs/querying.md). Identity ids go in bodies, never into addresses. */
import { auditPath, type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type {
  CountQuery,
  EntryCount,
  EntryFacets,
  EntryPage,
  FacetQuery,
  HistoryQuery,
  PayloadForm,
  Query,
  QueryPage,
  TenantQuery,
  TenantQueryPage,
} from "./types.ts";

export class QueryClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** May be short, or empty, and still have `next_cursor`: the work of one request is bounded. */
  page<P extends PayloadForm = "json">(
    domainId: string,
    query: Query<P> = {},
    options: CallOptions = {},
  ): Promise<QueryPage<P>> {
    return this.#requests.postAgain(queryPath(domainId), query, options);
  }

  /** Pages to the last one: none of their entries comes twice or is left out, whatever is appended meanwhile. */
  pages<P extends PayloadForm = "json">(
    domainId: string,
    query: Query<P> = {},
    options: CallOptions = {},
  ): AsyncGenerator<QueryPage<P>> {
    return pagesOf((asked) => this.page(domainId, asked, options), query);
  }

  /** Of all of a tenant's domains, or of `domain_ids`. */
  tenantPage<P extends PayloadForm = "json">(
    tenantId: string,
    query: TenantQuery<P> = {},
    options: CallOptions = {},
  ): Promise<TenantQueryPage<P>> {
    return this.#requests.postAgain(`${tenantPath(tenantId)}/audit/query`, query, options);
  }

  tenantPages<P extends PayloadForm = "json">(
    tenantId: string,
    query: TenantQuery<P> = {},
    options: CallOptions = {},
  ): AsyncGenerator<TenantQueryPage<P>> {
    return pagesOf((asked) => this.tenantPage(tenantId, asked, options), query);
  }

  /** The tenant's own history of administration; without `action` to `before` by seq, which `from` and `to` are about. */
  history<P extends PayloadForm = "json">(
    query: HistoryQuery<P> = {},
    options: CallOptions = {},
  ): Promise<EntryPage<P> & { tenant_id: string; domain_id: string }> {
    return this.#requests.get("/admin/compliance/audit", { ...query }, options);
  }

  /** Up to a bound: `exact` says whether that is all. */
  count(domainId: string, query: CountQuery = {}, options: CallOptions = {}): Promise<EntryCount> {
    return this.#requests.postAgain(`${queryPath(domainId)}/count`, query, options);
  }

  facets(domainId: string, query: FacetQuery = {}, options: CallOptions = {}): Promise<EntryFacets> {
    return this.#requests.postAgain(`${queryPath(domainId)}/facets`, query, options);
  }
}

const queryPath = (domainId: string) => `${auditPath(domainId)}/query`;

/** Only the first page waits for the newest entries: the others go on from where it is. */
async function* pagesOf<Asked extends { cursor?: string | undefined }, Page extends { next_cursor: string | null }>(
  pageOf: (asked: Asked) => Promise<Page>,
  asked: Asked,
): AsyncGenerator<Page> {
  let next: Asked = asked;
  for (;;) {
    const page = await pageOf(next);
    yield page;
    if (page.next_cursor === null) return;
    next = { ...asked, cursor: page.next_cursor, consistency: undefined };
  }
}
