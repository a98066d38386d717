/** How many entries a filter asks for, at bounded cost. */
import { LIMITS } from "../../core/limits.ts";
import { isAllInIndex } from "./archived.ts";
import type { IndexCount } from "./ports.ts";
import { type QueryPlace, runQuery, type SearchedDomain } from "./run.ts";

/**
 * By the index, up to `LIMITS.countEntries`. A filter of more clauses than a statement of the index takes is counted by looking at
 * the newest entries that match, at most `LIMITS.facetEntries`. Entries that were pruned and are archived are not counted: then it
 * is not exact.
 */
export async function countOf(domain: SearchedDomain): Promise<IndexCount> {
  const counted = await countIndexed({ ...domain, archived: undefined });
  return { ...counted, exact: counted.exact && (await isAllInIndex(domain, counted.from)) };
}

async function countIndexed(domain: SearchedDomain): Promise<IndexCount> {
  const { domainId, filter, index } = domain;
  if (filter.clauses.length <= LIMITS.indexedClauses) return index.count(filter, LIMITS.countEntries);
  let count = 0;
  let size = 0;
  let from: number | null = null;
  for (let after: QueryPlace | null = null; count < LIMITS.facetEntries; ) {
    const page = await runQuery([domain], "desc", after, Math.min(LIMITS.pageEntries, LIMITS.facetEntries - count));
    count += page.rows.length;
    size = page.sizes.get(domainId) ?? 0;
    from = page.from.get(domainId) ?? null;
    if (page.next === null) return { count, exact: true, size, from };
    // A page without any has looked as far as one request may.
    if (page.rows.length === 0) break;
    after = page.next;
  }
  return { count, exact: false, size, from };
}
