/** How many entries a filter asks for, at bounded cost. */
import { LIMITS } from "../../core/limits.ts";
import type { IndexCount } from "./ports.ts";
import { type MergedPlace, runQuery, type SearchedDomain } from "./run.ts";

/**
 * By the index, up to `LIMITS.countEntries`. A filter of more clauses than a statement of the index takes is counted by looking at
 * the newest entries that match, at most `LIMITS.facetEntries`.
 */
export async function countOf(domain: SearchedDomain): Promise<IndexCount> {
  const { domainId, filter, index } = domain;
  if (filter.clauses.length <= LIMITS.indexedClauses) return index.count(filter, LIMITS.countEntries);
  let count = 0;
  let size = 0;
  for (let after: MergedPlace | null = null; count < LIMITS.facetEntries; ) {
    const page = await runQuery([domain], "desc", after, Math.min(LIMITS.pageEntries, LIMITS.facetEntries - count));
    count += page.rows.length;
    size = page.sizes.get(domainId) ?? 0;
    if (page.next === null) return { count, exact: true, size };
    // A page without any has looked as far as one request may.
    if (page.rows.length === 0) break;
    after = page.next;
  }
  return { count, exact: false, size };
}
