import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { ASKED_LISTS, type AskedList } from "../../../src/core/query/asked.ts";
import { normal } from "../../../src/core/query/normal.ts";
import { both, readParts } from "../../../src/core/query/parts.ts";
import { filterOf, identitiesIn } from "../../../src/core/query/people.ts";
import { pseudonymsOf, queries } from "./arbitraries.ts";

const NOW = Date.UTC(2026, 10, 21, 9);

describe("the JSON form", () => {
  test("says all that a list of clauses says, one of each field and sign", () => {
    fc.assert(
      fc.property(queries, (query) => {
        const lists = (not: boolean) =>
          Object.fromEntries(
            (Object.keys(ASKED_LISTS) as AskedList[]).flatMap((list) => {
              const clause = query.clauses.find(({ field, not: is }) => field === ASKED_LISTS[list] && is === not);
              // Alternatives of words are the language's alone.
              const values = list === "text" && !not ? clause?.anyOf.slice(0, 1) : clause?.anyOf;
              return values && values.length > 0 ? [[list, [...values]]] : [];
            }),
          );
        const parts = { ...lists(false), not: lists(true), after: "2026-11-01", before: "-1d" };
        const read = readParts(parts, NOW);
        if (!read.ok) throw new Error(JSON.stringify(read.errors));
        expect(read.query).toMatchObject({ afterMs: Date.UTC(2026, 10, 1), beforeMs: NOW - 86_400_000 });
        const named = new Set(read.query.clauses.map(({ field, not }) => `${field}${not}`));
        expect(named).toEqual(
          new Set(query.clauses.filter(({ anyOf }) => anyOf.length > 0).map(({ field, not }) => `${field}${not}`)),
        );
      }),
    );
  });

  test("bad input is named by its pointer, all of it at once", () => {
    const read = readParts(
      { actions: ["iam.*", "x"], not: { text: ["a b1 c1"] }, after: "x", before: "2026-02-30" },
      NOW,
    );
    expect(read.ok ? [] : read.errors.map(({ pointer }) => pointer)).toEqual([
      "/actions/1",
      "/not/text/0",
      "/after",
      "/before",
    ]);
    const many = readParts({ subjects: Array.from({ length: LIMITS.queryValues + 1 }, (_, i) => `${i}`) }, NOW);
    expect(many).toMatchObject({ ok: false, errors: [{ pointer: "" }] });
    expect(readParts({ after: "2026-11-02", before: "2026-11-02" }, NOW)).toMatchObject({
      ok: false,
      errors: [{ pointer: "/before" }],
    });
  });

  test("both of two queries are the clauses of both in the narrower time, in whatever order", () => {
    fc.assert(
      fc.property(queries, queries, (a, b) => {
        const people = pseudonymsOf(identitiesIn(both(a, b)));
        expect(filterOf(both(a, b), people)).toEqual(filterOf(both(b, a), people));
        expect(filterOf(both(a, a), people)).toEqual(normal(filterOf(a, people)));
      }),
    );
  });
});
