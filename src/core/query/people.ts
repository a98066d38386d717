/** The people in a query: whom it names by an identity id, and the filter in which they are pseudonyms. */
import { ACTOR_TYPES, PERSON_TYPES } from "../event.ts";
import type { AskedClause, AskedQuery } from "./asked.ts";
import type { Clause, EntryFilter } from "./filter.ts";
import { normal } from "./normal.ts";
import { pseudonymIn } from "./spelling.ts";
import { clearActor } from "./values.ts";

/** Actors of these types are people. */
const PERSON_ACTORS: readonly string[] = ["user", "support"];

/** The identity ids that must become pseudonyms, each once. */
export function identitiesIn({ clauses }: AskedQuery): string[] {
  return [
    ...new Set(clauses.flatMap((clause) => clause.anyOf.flatMap((value) => identityIn(clause.field, value) ?? []))),
  ];
}

/** In its normal form. `pseudonyms`: of every identity in it, lower-case hex. */
export function filterOf(
  { clauses, afterMs, beforeMs }: AskedQuery,
  pseudonyms: ReadonlyMap<string, string>,
): EntryFilter {
  const clause = ({ field, anyOf, not }: AskedClause): Clause => ({
    field: field === "subject" ? "person" : field,
    anyOf: anyOf.flatMap((value) => valuesFor(field, value, pseudonyms)),
    not,
  });
  return normal({ clauses: clauses.map(clause), afterMs, beforeMs });
}

/**
 * A filter without the ids that may be those of people: an id that an actor was asked for by, without its type, stands there
 * beside the pseudonym that it has if it is a person's. What is kept of a query, and shown, is this.
 */
export function withoutIdentities(filter: EntryFilter): EntryFilter {
  const clause = (asked: Clause): Clause => {
    const people = asked.anyOf.filter((value) => !value.startsWith("id:"));
    return asked.field === "actor" && people.length > 0 ? { ...asked, anyOf: people } : asked;
  };
  return { ...filter, clauses: filter.clauses.map(clause) };
}

/** Null: the value names nobody, or by a pseudonym. */
function identityIn(field: AskedClause["field"], value: string): string | null {
  if (field !== "actor" && field !== "target" && field !== "subject") return null;
  if (field === "subject") return pseudonymIn(value) === null || !value.startsWith("@") ? value : null;
  if (pseudonymOf(field, value) !== null) return null;
  const [type, id] = apart(value);
  if (field === "target") return PERSON_TYPES.includes(type) && id !== "*" ? id : null;
  if (value === "anonymous") return null;
  if (!isTyped(type)) return value;
  return PERSON_ACTORS.includes(type) && id !== "*" ? id : null;
}

function valuesFor(field: AskedClause["field"], value: string, pseudonyms: ReadonlyMap<string, string>): string[] {
  const known = pseudonymOf(field, value);
  const identity = known === null ? identityIn(field, value) : null;
  const pseudonym = known ?? (identity === null ? null : pseudonyms.get(identity));
  if (pseudonym === undefined) throw new Error("a person of the query has no pseudonym");
  if (field === "subject") return [pseudonym as string];
  if (pseudonym !== null) return identity === value ? [`id:${value}`, `person:${pseudonym}`] : [`person:${pseudonym}`];
  if (field !== "actor" || value === "anonymous") return [value];
  const [type, id] = apart(value);
  return id === "*" ? [`type:${type}`] : [clearActor(type, id)];
}

/** Of `@<hex>`, and behind the type of a person. */
function pseudonymOf(field: AskedClause["field"], value: string): string | null {
  if (field !== "actor" && field !== "target" && field !== "subject") return null;
  if (value.startsWith("@")) return pseudonymIn(value);
  const people = field === "actor" ? PERSON_ACTORS : field === "target" ? PERSON_TYPES : [];
  return people.includes(apart(value)[0]) ? pseudonymIn(value) : null;
}

const isTyped = (type: string): boolean => (ACTOR_TYPES as readonly string[]).includes(type);

/** `""` is the type of what has none. */
function apart(value: string): [type: string, id: string] {
  const colon = value.indexOf(":");
  return colon < 0 ? ["", value] : [value.slice(0, colon), value.slice(colon + 1)];
}
