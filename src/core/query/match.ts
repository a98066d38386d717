/** Whether an entry is one that a filter asks for: the truth, whatever an index says. */
import type { Payload } from "../payload/payload.ts";
import type { Clause, EntryFilter, QueryField } from "./filter.ts";
import { valuesOf } from "./values.ts";

/** `category`: of the entry's action (`core/actions`), null when nobody knows it. Each field is read once, however many clauses ask for it. */
export function matches(filter: EntryFilter, payload: Payload, category: string | null): boolean {
  const read = new Map<QueryField, ReadonlySet<string>>();
  const valuesIn = (field: QueryField) => {
    const values = read.get(field) ?? new Set(valuesOf(field, payload, category));
    read.set(field, values);
    return values;
  };
  return isInTime(filter, payload) && filter.clauses.every((clause) => holds(clause, valuesIn));
}

function isInTime({ afterMs, beforeMs }: EntryFilter, { occurred_at }: Pick<Payload, "occurred_at">): boolean {
  if (afterMs === null && beforeMs === null) return true;
  const at = Date.parse(String(occurred_at));
  return (afterMs === null || at >= afterMs) && (beforeMs === null || at < beforeMs);
}

function holds({ field, anyOf, not }: Clause, valuesIn: (field: QueryField) => ReadonlySet<string>): boolean {
  const values = valuesIn(field);
  return anyOf.some((value) => values.has(value)) !== not;
}
