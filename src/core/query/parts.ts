/** The JSON form of a query. */
import { LIMITS } from "../limits.ts";
import {
  ASKED_LISTS,
  type AskedClause,
  type AskedList,
  type AskedLists,
  type AskedParts,
  type AskedQuery,
} from "./asked.ts";
import { readInstant } from "./instants.ts";
import { spell } from "./spelling.ts";

/** `pointer`: into the form. */
export interface PartFault {
  pointer: string;
  detail: string;
}

export type ReadParts = { ok: true; query: AskedQuery } | { ok: false; errors: PartFault[] };

/** `nowMs`: what `-7d` counts from. */
export function readParts(parts: AskedParts, nowMs: number): ReadParts {
  const errors: PartFault[] = [];
  const clauses = [...readLists(parts, false, errors), ...readLists(parts.not ?? {}, true, errors)];
  const time = (name: "after" | "before"): number | null => {
    const text = parts[name];
    if (text === undefined) return null;
    const ms = readInstant(text, nowMs);
    if (ms === null) errors.push({ pointer: `/${name}`, detail: "is no time: 2026-11-01, 2026-11-01T09:30Z, or -7d" });
    return ms;
  };
  const query = { clauses, afterMs: time("after"), beforeMs: time("before") };
  if (query.afterMs !== null && query.beforeMs !== null && query.afterMs >= query.beforeMs) {
    errors.push({ pointer: "/before", detail: "leaves no time behind after" });
  }
  const values = clauses.reduce((sum, { anyOf }) => sum + anyOf.length, 0);
  if (values > LIMITS.queryValues)
    errors.push({ pointer: "", detail: `has ${values} values; at most ${LIMITS.queryValues}` });
  return errors.length > 0 ? { ok: false, errors: errors.slice(0, LIMITS.queryErrors) } : { ok: true, query };
}

function readLists(lists: AskedLists, not: boolean, errors: PartFault[]): AskedClause[] {
  return (Object.keys(ASKED_LISTS) as AskedList[]).flatMap((list) => {
    const values = lists[list];
    if (values === undefined) return [];
    const pointer = (i: number) => `${not ? "/not" : ""}/${list}/${i}`;
    const field = ASKED_LISTS[list];
    const spelled = values.map((value, i) => {
      const read = spell(field, value);
      if ("fault" in read) errors.push({ pointer: pointer(i), detail: read.fault });
      else if (not && read.values.length > 1) {
        errors.push({ pointer: pointer(i), detail: "only single words can be excluded" });
      }
      return "values" in read ? read.values : [];
    });
    const words = spelled.flat();
    if (words.length === 0) return [];
    return field === "text" && !not
      ? words.map((word) => ({ field, anyOf: [word], not }))
      : [{ field, anyOf: words, not }];
  });
}

/** What both ask for. */
export function both(a: AskedQuery, b: AskedQuery): AskedQuery {
  const pick = (how: (...values: number[]) => number, values: (number | null)[]) => {
    const given = values.filter((value) => value !== null);
    return given.length > 0 ? how(...given) : null;
  };
  return {
    clauses: [...a.clauses, ...b.clauses],
    afterMs: pick(Math.max, [a.afterMs, b.afterMs]),
    beforeMs: pick(Math.min, [a.beforeMs, b.beforeMs]),
  };
}
