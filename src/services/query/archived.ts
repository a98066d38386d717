/**
 * The part of a query that no index answers: entries that were pruned from the queryable copy. They come behind everything that the
 * index finds, domain by domain and by seq, so that a walk is complete at a bounded cost a page. By seq and not by when they happened:
 * to sort them, all of the archive would have to be read first.
 */
import { LIMITS } from "../../core/limits.ts";
import type { ColdFind, ColdFindCall } from "../log/cold/calls.ts";
import type { Floors } from "../log/cold/floors.ts";
import type { EntryOrder } from "./ports.ts";
import type { FoundPage, FoundRow, SearchedDomain } from "./run.ts";

/** What a domain's archive is asked. */
export interface ArchivedEntries {
  floors(): Promise<Floors>;
  find(call: Omit<ColdFindCall, "filter">): Promise<ColdFind>;
}

/** Behind the index: the domain that is read, and the seq to go on at; null: at its beginning. */
export interface ArchivedPlace {
  domainId: string;
  archived: number | null;
}

/** Where the archived part begins, once the index has nothing more. `from`: the first entry that the copy of each domain holds. */
export async function firstArchived(
  domains: readonly SearchedDomain[],
  from: ReadonlyMap<string, number | null>,
): Promise<ArchivedPlace | null> {
  for (const { domainId, archived } of byId(domains)) {
    // A copy that begins with entry 0 was never pruned: nobody is asked.
    if (!archived || from.get(domainId) === 0) continue;
    const { firstHot, firstKept } = await archived.floors();
    if (firstHot > firstKept) return { domainId, archived: null };
  }
  return null;
}

/** Whether everything that is kept of a domain is in its index. */
export async function isAllInIndex({ archived }: SearchedDomain, from: number | null): Promise<boolean> {
  if (from === 0 || !archived) return true;
  const { firstHot, firstKept } = await archived.floors();
  return firstHot === firstKept;
}

/** One page: what one look into the archive finds (`LIMITS.coldFindSegments`), or of several domains where they hold little. */
export async function archivedPage(
  domains: readonly SearchedDomain[],
  order: EntryOrder,
  after: ArchivedPlace,
  limit: number,
): Promise<FoundPage> {
  const rows: FoundRow[] = [];
  const from = new Map<string, number | null>();
  const sizes = new Map(
    await Promise.all(domains.map(async ({ domainId, index }) => [domainId, await index.size()] as const)),
  );
  let looked = 0;
  for (const { domainId, archived } of byId(domains)) {
    if (domainId < after.domainId || !archived) continue;
    const next = domainId === after.domainId ? after.archived : null;
    if (rows.length >= limit || looked >= LIMITS.coldFindEntries) {
      return { rows, next: { domainId, archived: next }, sizes, from };
    }
    const found = await archived.find({ order, next, limit: limit - rows.length });
    from.set(domainId, found.firstHot);
    looked += found.looked;
    for (const row of found.rows) rows.push({ domainId, at: Date.parse(JSON.parse(row.payload).occurred_at), row });
    if (found.next !== null) return { rows, next: { domainId, archived: found.next }, sizes, from };
  }
  return { rows, next: null, sizes, from };
}

const byId = (domains: readonly SearchedDomain[]) => domains.toSorted((a, b) => (a.domainId < b.domainId ? -1 : 1));
