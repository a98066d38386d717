/** From what was asked to the filter that a domain is searched by. */
import { AppError, type FieldError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AskedFilter, AskedQuery } from "../../core/query/asked.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import { queryErrorDetail } from "../../core/query/language/errors.ts";
import { parseQuery } from "../../core/query/language/parse.ts";
import { both, readParts } from "../../core/query/parts.ts";
import { filterOf, identitiesIn } from "../../core/query/people.ts";
import type { PersonResult } from "../log/reveal/search.ts";

/** Who an identity is in the domain: `DomainLogCalls.person`. */
export type PersonOf = (identityId: string) => Promise<Pick<PersonResult, "pseudonym" | "known" | "erased">>;

/**
 * The filter of a domain. Throws `request.invalid` with pointers `/q` and `/filter/…`, `subject.erased` when somebody in it was
 * erased, and what `personOf` throws. Cost: one call of `personOf` for each person, side by side, at most `LIMITS.queryPeople`.
 */
export async function resolveFilter(
  asked: AskedFilter,
  personOf: PersonOf,
  nowMs: number = Date.now(),
): Promise<EntryFilter> {
  return filterIn(readAsked(asked, nowMs), personOf);
}

/** What was asked, checked; nobody is looked up yet. Throws `request.invalid`. */
export function readAsked({ q, filter }: AskedFilter, nowMs: number): AskedQuery {
  const errors: FieldError[] = [];
  let query: AskedQuery = { clauses: [], afterMs: null, beforeMs: null };
  if (q !== undefined) {
    const parsed = parseQuery(q, nowMs);
    if (parsed.ok) query = both(query, parsed.query);
    else errors.push(...parsed.errors.map((error) => ({ pointer: "/q", detail: queryErrorDetail(error) })));
  }
  if (filter !== undefined) {
    const read = readParts(filter, nowMs);
    if (read.ok) query = both(query, read.query);
    else errors.push(...read.errors.map(({ pointer, detail }) => ({ pointer: `/filter${pointer}`, detail })));
  }
  const people = identitiesIn(query).length;
  if (people > LIMITS.queryPeople) {
    const pointer = q === undefined ? "/filter" : "/q";
    errors.push({ pointer, detail: `names ${people} people; at most ${LIMITS.queryPeople}` });
  }
  if (errors.length > 0) throw new AppError("request.invalid", { errors });
  return query;
}

/** Throws `subject.erased`. */
export async function filterIn(query: AskedQuery, personOf: PersonOf): Promise<EntryFilter> {
  const known = await Promise.all(identitiesIn(query).map(async (id) => [id, await personOf(id)] as const));
  if (known.some(([, { erased }]) => erased)) throw new AppError("subject.erased");
  const filter = filterOf(query, new Map(known.map(([id, { pseudonym }]) => [id, pseudonym])));
  return withoutIdsOf(filter, new Set(known.flatMap(([id, person]) => (person.known ? [`id:${id}`] : []))));
}

/** An id that is a person's here is not also looked for among services: it goes no further, wherever the filter is kept. */
function withoutIdsOf(filter: EntryFilter, ids: ReadonlySet<string>): EntryFilter {
  const clauses = filter.clauses.map((clause) =>
    clause.field === "actor" ? { ...clause, anyOf: clause.anyOf.filter((value) => !ids.has(value)) } : clause,
  );
  return { ...filter, clauses };
}
