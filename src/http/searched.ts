/** The domains of a query, ready to be searched: each with its filter, in which people are its pseudonyms, and its index. */
import { LIMITS } from "../core/limits.ts";
import type { AskedQuery } from "../core/query/asked.ts";
import { identitiesIn } from "../core/query/people.ts";
import type { ColdFindCall } from "../services/log/cold/calls.ts";
import { filterIn } from "../services/query/resolve.ts";
import type { SearchedDomain } from "../services/query/run.ts";
import type { CellServices } from "./environment.ts";
import { invalid } from "./validation.ts";

/**
 * `latest`: copy and index are brought up to the head first. Throws `subject.erased`, `storage.unavailable`, `request.invalid`
 * when people times domains are more than `LIMITS.queryLookUps`.
 */
export async function searchedDomains(
  services: CellServices,
  domainIds: readonly string[],
  query: AskedQuery,
  latest: boolean,
): Promise<SearchedDomain[]> {
  const people = identitiesIn(query).length;
  if (people * domainIds.length > LIMITS.queryLookUps) {
    const detail = `${people} people in ${domainIds.length} domains; name fewer of either`;
    throw invalid([{ pointer: "", detail }]);
  }
  return Promise.all(
    domainIds.map(async (domainId) => {
      const [filter, shards] = await Promise.all([
        filterIn(query, (identityId) => services.log(domainId).person(identityId)),
        latest ? caughtUp(services, domainId) : services.shards(domainId),
      ]);
      const archived = {
        floors: () => services.log(domainId).head(),
        find: (call: Omit<ColdFindCall, "filter">) => services.keeper(domainId).coldFind({ ...call, filter }),
      };
      return { domainId, filter, index: services.entryIndex(domainId, shards), archived };
    }),
  );
}

/** The same of one domain. */
export async function searchedDomain(
  services: CellServices,
  domainId: string,
  query: AskedQuery,
  latest: boolean,
): Promise<SearchedDomain> {
  const [domain] = await searchedDomains(services, [domainId], query, latest);
  return domain as SearchedDomain;
}

async function caughtUp(services: CellServices, domainId: string) {
  const call = { size: null, withinMs: LIMITS.queryCatchUpMs };
  return (await services.keeper(domainId).catchUp(call)).shards;
}

/** The filter of each. */
export const filtersOf = (domains: readonly SearchedDomain[]) =>
  new Map(domains.map(({ domainId, filter }) => [domainId, filter]));
