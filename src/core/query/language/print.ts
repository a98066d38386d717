/** A filter as text of the language: what stands in entries about queries, and in manifests. People stand in it as pseudonyms. */
import { type Clause, type EntryFilter, isEveryFailure, type QueryField } from "../filter.ts";
import { normal } from "../normal.ts";

/** Parsed again, without anybody to ask about people, it is the same filter in its normal form. */
export function printFilter(filter: EntryFilter): string {
  const { clauses, afterMs, beforeMs } = normal(filter);
  const groups: Clause[][] = [[]];
  for (const clause of clauses) groupFor(clause, groups).push(clause);
  const times = [
    ...(afterMs === null ? [] : [`after:${new Date(afterMs).toISOString()}`]),
    ...(beforeMs === null ? [] : [`before:${new Date(beforeMs).toISOString()}`]),
  ];
  const [first = [], ...others] = groups.map((group) => group.map(printClause));
  return [[...first, ...times], ...others].map((terms) => terms.join(" ")).join(" AND ");
}

/** The first group in which no clause would be taken for an alternative of this one. */
function groupFor(clause: Clause, groups: Clause[][]): Clause[] {
  const key = mergingKey(clause);
  const group = groups.find((others) => key === null || !others.some((other) => mergingKey(other) === key));
  if (group) return group;
  const added: Clause[] = [];
  groups.push(added);
  return added;
}

/** Null: it stands for itself wherever it is. */
function mergingKey(clause: Clause): string | null {
  return clause.not || clause.field === "text" || isFailed(clause) ? null : clause.field;
}

function printClause(clause: Clause): string {
  const sign = clause.not ? "-" : "";
  if (isFailed(clause)) return "is:failed";
  const [only, second] = clause.anyOf;
  if (clause.field === "text" && second === undefined) return `${sign}${only}`;
  const name = clause.field === "person" ? "subject" : clause.field;
  return `${sign}${name}:${clause.anyOf.map((value) => spelledValue(clause.field, value)).join(",")}`;
}

/** One value of a field, as it stands behind the name and a colon. */
export const spelledValue = (field: QueryField, value: string): string => quoted(spelling(field, value));

function spelling(field: QueryField, value: string): string {
  if (field === "person") return `@${value}`;
  if (field !== "actor" && field !== "target") return value;
  const rest = value.slice(value.indexOf(":") + 1);
  if (value.startsWith("person:") && value !== "person:*") return `@${rest}`;
  if (field === "actor" && value.startsWith("type:")) return `${rest}:*`;
  return field === "actor" && value.startsWith("id:") ? rest : value;
}

/** White space, commas and quotes would end a value. */
function quoted(value: string): string {
  return /[\s,"]/u.test(value) ? `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : value;
}

const isFailed = ({ field, anyOf, not }: Clause): boolean => field === "outcome" && !not && isEveryFailure(anyOf);
