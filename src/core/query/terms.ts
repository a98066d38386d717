/**
 * The terms that an index keeps for an entry, and those that it looks for. They only narrow: every row that an index names is
 * judged again by `match.ts`, so that a term too many never shows an entry that does not match.
 */

import { LIMITS } from "../limits.ts";
import type { Payload } from "../payload/payload.ts";
import { type Clause, isEveryFailure, isFailure, type QueryField } from "./filter.ts";
import { CLEAR_ACTOR_TYPES, clearActor, valuesOf } from "./values.ts";

/** Every entry has it. */
export const EVERY_ENTRY = "*";
const FAILED = "failed";

/** Words come last: should an entry have more terms than it may, it loses words. */
const INDEXED: readonly QueryField[] = [
  "actor",
  "action",
  "outcome",
  "category",
  "person",
  "target",
  "trace",
  "request",
  "caveat",
  "text",
];

/** Each once, at most `LIMITS.entryTerms`; an event that was accepted has fewer. `category`: of its action, null: unknown. */
export function termsOf(payload: Payload, category: string | null): string[] {
  const terms = new Set([EVERY_ENTRY]);
  if (valuesOf("outcome", payload, null).some((outcome) => isFailure(outcome as never))) terms.add(FAILED);
  for (const field of INDEXED) {
    for (const value of valuesOf(field, payload, category)) {
      if (field === "actor" && value.startsWith("id:")) continue;
      if (terms.size >= LIMITS.entryTerms) return [...terms];
      terms.add(term(field, value));
    }
  }
  return [...terms];
}

/**
 * Terms of which an entry has one exactly when one of the clause's values is in it. So an entry that a positive clause holds
 * for has one of them, and one that a negated clause holds for has none.
 */
export function clauseTerms({ field, anyOf }: Pick<Clause, "field" | "anyOf">): string[] {
  if (field === "outcome" && isEveryFailure(anyOf)) return [FAILED];
  const values = field === "actor" ? anyOf.flatMap(actorForms) : anyOf;
  return [...new Set(values)].map((value) => term(field, value));
}

const term = (field: QueryField, value: string): string => `${field}=${value}`;

function actorForms(value: string): string[] {
  if (!value.startsWith("id:")) return [value];
  return CLEAR_ACTOR_TYPES.map((type) => clearActor(type, value.slice("id:".length)));
}
