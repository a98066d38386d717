/**
 * What is in the entries that a filter asks for. A filter of whole days alone is answered from the sums that the index keeps of
 * each day: its cost grows with the days. Any other is answered by looking at the newest entries that match, at most
 * `LIMITS.facetEntries`, and says so.
 */
import { categoryOf } from "../../core/actions/index.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Payload } from "../../core/payload/payload.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import { DAY_MS } from "../../core/query/instants.ts";
import { spelledValue } from "../../core/query/language/print.ts";
import { mostFrequent } from "../../core/query/tally.ts";
import { isAllInIndex } from "./archived.ts";
import { TALLY_KINDS, type Tallies, type Tally, type TallyKind } from "./ports.ts";
import { dayOf, tallied } from "./postings.ts";
import { payloadOf, type QueryPlace, runQuery, type SearchedDomain } from "./run.ts";

/** Days that an entry can have, of the years 0000 to 9999. */
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;

export interface Facets {
  /** Of every entry that matches; else of the newest `looked`. */
  complete: boolean;
  looked: number;
  kinds: Record<TallyKind, Tally[]>;
  days: { day: string; count: number }[];
  size: number;
  from: number | null;
}

/** `values`: of each kind, the most frequent first. Of what the index knows: with archived entries beside that it is not complete. */
export async function facetsOf(domain: SearchedDomain, values: number): Promise<Facets> {
  const facets = await facetsIndexed({ ...domain, archived: undefined }, values);
  return { ...facets, complete: facets.complete && (await isAllInIndex(domain, facets.from)) };
}

async function facetsIndexed(domain: SearchedDomain, values: number): Promise<Facets> {
  const range = wholeDays(domain.filter);
  const sums = range && (await domain.index.tallies(range, TALLY_KINDS, values));
  return sums?.exact ? ofSums(sums) : ofEntries(domain, values);
}

/** Null: the filter asks for more than whole days. */
function wholeDays({ clauses, afterMs, beforeMs }: EntryFilter): { fromDay: number; toDay: number } | null {
  const isWhole = (ms: number | null) => ms === null || ms % DAY_MS === 0;
  if (clauses.length > 0 || !isWhole(afterMs) || !isWhole(beforeMs)) return null;
  return {
    fromDay: afterMs === null ? FIRST_DAY : afterMs / DAY_MS,
    toDay: beforeMs === null ? LAST_DAY : beforeMs / DAY_MS - 1,
  };
}

function ofSums({ kinds, days, size, from }: Tallies): Facets {
  return {
    complete: true,
    looked: days.reduce((sum, { count }) => sum + count, 0),
    kinds: byKind((kind) => spelled(kind, kinds[kind] ?? [])),
    days: days.map(({ day, count }) => ({ day: nameOf(day), count })),
    size,
    from,
  };
}

async function ofEntries(domain: SearchedDomain, values: number): Promise<Facets> {
  const sums = new Map<TallyKind, Map<string, number>>(TALLY_KINDS.map((kind) => [kind, new Map()]));
  const days = new Map<number, number>();
  let looked = 0;
  let size = 0;
  let from: number | null = null;
  let complete = false;
  for (let after: QueryPlace | null = null; looked < LIMITS.facetEntries; ) {
    const page = await runQuery([domain], "desc", after, Math.min(LIMITS.pageEntries, LIMITS.facetEntries - looked));
    for (const { at, row } of page.rows) {
      add(days, dayOf(at));
      const payload = payloadOf(row) as Payload;
      for (const [kind, value] of tallied(payload, categoryOf(payload.action))) add(sums.get(kind), value);
    }
    looked += page.rows.length;
    size = page.sizes.get(domain.domainId) ?? 0;
    from = page.from.get(domain.domainId) ?? null;
    complete = page.next === null;
    // A page without any has looked as far as one request may.
    if (complete || page.rows.length === 0) break;
    after = page.next;
  }
  return {
    complete,
    looked,
    kinds: byKind((kind) => spelled(kind, mostFrequent(sums.get(kind) ?? new Map(), values))),
    days: [...days].toSorted(([a], [b]) => a - b).map(([day, count]) => ({ day: nameOf(day), count })),
    size,
    from,
  };
}

function byKind(of: (kind: TallyKind) => Tally[]): Record<TallyKind, Tally[]> {
  return Object.fromEntries(TALLY_KINDS.map((kind) => [kind, of(kind)])) as Record<TallyKind, Tally[]>;
}

/** As the query language writes them, so that each can be asked for. */
const spelled = (kind: TallyKind, tallies: readonly Tally[]): Tally[] =>
  tallies.map(({ value, count }) => ({ value: kind === "actor" ? spelledValue("actor", value) : value, count }));

const nameOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

function add<Key>(sums: Map<Key, number> | undefined, key: Key): void {
  sums?.set(key, (sums.get(key) ?? 0) + 1);
}
