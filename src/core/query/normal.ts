/** One form for filters that ask the same, so that they can be compared, printed and bound to a cursor. */
import { OUTCOMES } from "../event.ts";
import { type Clause, type EntryFilter, QUERY_FIELDS, type QueryField } from "./filter.ts";

/** Fields of which an entry has at most one value: two clauses about one are what both allow. */
const SINGLE: readonly QueryField[] = ["outcome", "category", "trace", "request"];

/**
 * The same entries match. Values stand once and in order; what excludes outcomes says which are left; clauses of a field that
 * exclude are one; clauses stand by field, those that exclude behind the others.
 */
export function normal({ clauses, afterMs, beforeMs }: EntryFilter): EntryFilter {
  const positive = merged(clauses.map(asPositive).filter(({ not }) => !not));
  const excluding = clauses.map(asPositive).filter(({ not }) => not);
  const excluded = QUERY_FIELDS.flatMap((field): Clause[] => {
    const values = excluding.filter((clause) => clause.field === field).flatMap(({ anyOf }) => anyOf);
    return values.length > 0 ? [{ field, anyOf: sorted(values), not: true }] : [];
  });
  return { clauses: [...positive, ...excluded].toSorted(byField), afterMs, beforeMs };
}

/** When no value is left the clauses stand as they are: no entry matches. */
function merged(clauses: readonly Clause[]): Clause[] {
  return QUERY_FIELDS.flatMap((field) => {
    const own = clauses.filter((clause) => clause.field === field).map(({ anyOf }) => sorted(anyOf));
    const shared = SINGLE.includes(field)
      ? (own[0] ?? []).filter((value) => own.every((of) => of.includes(value)))
      : [];
    const kept = shared.length > 0 ? [shared] : own;
    const distinct = new Map(kept.map((anyOf) => [JSON.stringify(anyOf), anyOf]));
    return [...distinct.values()].map((anyOf): Clause => ({ field, anyOf, not: false }));
  });
}

/** An entry has always one outcome, of four. */
function asPositive(clause: Clause): Clause {
  if (clause.field !== "outcome" || !clause.not) return clause;
  const left = OUTCOMES.filter((outcome) => !clause.anyOf.includes(outcome));
  return left.length > 0 ? { field: "outcome", anyOf: left, not: false } : clause;
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].toSorted();

function byField(a: Clause, b: Clause): number {
  const [left, right] = [JSON.stringify(a.anyOf), JSON.stringify(b.anyOf)];
  const fields = QUERY_FIELDS.indexOf(a.field) - QUERY_FIELDS.indexOf(b.field);
  return fields || Number(a.not) - Number(b.not) || (left < right ? -1 : left > right ? 1 : 0);
}
