/**
 * What entries are asked for: the one shape behind the query language, the parameters, the saved filter of an export, and the
 * entry that tells of a query. It holds no personal data: people stand in it as pseudonyms, which the domain's object derives
 * before a filter is made. Entries match when every clause holds and they lie in the time range.
 */
import { OUTCOMES, type Outcome } from "../event.ts";

export const QUERY_FIELDS = [
  /** `service:ci`, `system:moonseal`, `anonymous`, `person:<pseudonym>`, or a type alone: `type:service`. */
  "actor",
  /** A whole action, or a prefix that ends in `.*`: `iam.create_user`, `iam.*`. */
  "action",
  /** `<type>:<id>`, `<type>:*`, or `person:<pseudonym>`. */
  "target",
  /** A pseudonym in hex, whatever the part in the event: actor, on whose behalf, target, subject. */
  "person",
  "outcome",
  /** Of the registry, or of the tenant's own type (`core/actions`). */
  "category",
  /** Trace id of `traceparent`, 32 hex digits. */
  "trace",
  "request",
  "caveat",
  /** One word of the clear text of an entry, as `words.ts` cuts it. */
  "text",
] as const;
export type QueryField = (typeof QUERY_FIELDS)[number];

export interface Clause {
  field: QueryField;
  /** At least one; the clause holds when any of them does. */
  anyOf: readonly string[];
  /** The clause holds when none of them does. */
  not: boolean;
}

export interface EntryFilter {
  clauses: readonly Clause[];
  /** By `occurred_at`, which a client gives, in Unix milliseconds: from `afterMs` on, and before `beforeMs`. */
  afterMs: number | null;
  beforeMs: number | null;
}

export const EVERYTHING: EntryFilter = { clauses: [], afterMs: null, beforeMs: null };

export const isFailure = (outcome: Outcome): boolean => outcome !== "success";

const FAILURES = OUTCOMES.filter(isFailure);

/** Whether outcomes are every one but success, which the language writes `is:failed`. */
export function isEveryFailure(outcomes: readonly string[]): boolean {
  return new Set(outcomes).size === FAILURES.length && FAILURES.every((outcome) => outcomes.includes(outcome));
}
