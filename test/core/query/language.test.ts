import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { explainQueryError } from "../../../src/core/query/language/errors.ts";
import { parseQuery } from "../../../src/core/query/language/parse.ts";
import { printFilter } from "../../../src/core/query/language/print.ts";
import { filterOf, identitiesIn, withoutIdentities } from "../../../src/core/query/people.ts";
import { pseudonymFor, pseudonymsOf, queries } from "./arbitraries.ts";

const NOW = Date.UTC(2026, 10, 21, 9);

function filterFrom(text: string) {
  const parsed = parseQuery(text, NOW);
  if (!parsed.ok) throw new Error(parsed.errors.map((error) => explainQueryError(text, error)).join("\n"));
  return filterOf(parsed.query, pseudonymsOf(identitiesIn(parsed.query)));
}

const clausesOf = (text: string) => filterFrom(text).clauses;
const errorsOf = (text: string) => {
  const parsed = parseQuery(text, NOW);
  return parsed.ok ? [] : parsed.errors;
};

describe("the language says", () => {
  const usr42 = pseudonymFor("usr_42");
  test.each([
    ["action:iam.*", [{ field: "action", anyOf: ["iam.*"], not: false }]],
    ["ACTION:iam.create_user", [{ field: "action", anyOf: ["iam.create_user"], not: false }]],
    ["actor:usr_42", [{ field: "actor", anyOf: ["id:usr_42", `person:${usr42}`], not: false }]],
    ["actor:user:usr_42", [{ field: "actor", anyOf: [`person:${usr42}`], not: false }]],
    ["actor:service:ci", [{ field: "actor", anyOf: ["service:ci"], not: false }]],
    ["actor:service:*", [{ field: "actor", anyOf: ["type:service"], not: false }]],
    ["actor:system:moonseal", [{ field: "actor", anyOf: ["system:moonseal"], not: false }]],
    ["actor:anonymous", [{ field: "actor", anyOf: ["anonymous"], not: false }]],
    [`actor:@${usr42}`, [{ field: "actor", anyOf: [`person:${usr42}`], not: false }]],
    ["target:invoice:inv_9,secret:*", [{ field: "target", anyOf: ["invoice:inv_9", "secret:*"], not: false }]],
    ['target:invoice:"a b"', [{ field: "target", anyOf: ["invoice:a b"], not: false }]],
    ["target:user:usr_42", [{ field: "target", anyOf: [`person:${usr42}`], not: false }]],
    ["subject:usr_42", [{ field: "person", anyOf: [usr42], not: false }]],
    ["-outcome:success", [{ field: "outcome", anyOf: ["denied", "failure", "unknown"], not: false }]],
    ["is:failed", [{ field: "outcome", anyOf: ["denied", "failure", "unknown"], not: false }]],
    ["-is:failed", [{ field: "outcome", anyOf: ["success"], not: false }]],
    ["-caveat:read_only", [{ field: "caveat", anyOf: ["read_only"], not: true }]],
    [`trace:00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`, [{ field: "trace", anyOf: ["a1".repeat(16)], not: false }]],
    ["category:authentication", [{ field: "category", anyOf: ["authentication"], not: false }]],
  ])("%s", (text, clauses) => {
    expect(clausesOf(text)).toEqual(clauses);
  });

  test("values of one qualifier are alternatives, in one term or several; each that is negated excludes", () => {
    expect(clausesOf("action:iam.*,sts.assume")).toEqual(clausesOf("action:iam.* action:sts.assume"));
    expect(clausesOf("-caveat:a -caveat:b")).toEqual([{ field: "caveat", anyOf: ["a", "b"], not: true }]);
  });

  test("AND asks for both: entries that name two people", () => {
    expect(clausesOf("subject:a AND subject:b")).toHaveLength(2);
    expect(clausesOf("subject:a subject:b")).toHaveLength(1);
  });

  test("every word of a text must be there, quoted or not; text: takes alternatives", () => {
    expect(clausesOf("Create user")).toEqual(clausesOf('"create USER"'));
    expect(clausesOf("create user")).toHaveLength(2);
    expect(clausesOf("text:create,user")).toEqual([{ field: "text", anyOf: ["create", "user"], not: false }]);
    expect(clausesOf('"AND" "OR"')).toHaveLength(2);
  });

  test("after is inclusive, before is not, all in UTC; on is a day", () => {
    expect(filterFrom("after:2023-07-10T12:00 before:2023-07-10T12:30")).toMatchObject({
      afterMs: Date.UTC(2023, 6, 10, 12),
      beforeMs: Date.UTC(2023, 6, 10, 12, 30),
    });
    expect(filterFrom("after:2026-11-01T00:00:00+02:00").afterMs).toBe(Date.UTC(2026, 9, 31, 22));
    expect(filterFrom("on:2026-11-01")).toMatchObject({
      afterMs: Date.UTC(2026, 10, 1),
      beforeMs: Date.UTC(2026, 10, 2),
    });
    expect(filterFrom("after:-7d").afterMs).toBe(NOW - 7 * 24 * 60 * 60 * 1000);
    expect(filterFrom("after:2026-11-01 after:2026-11-05").afterMs).toBe(Date.UTC(2026, 10, 5));
  });

  test("nothing at all is everything", () => {
    expect(filterFrom("  ")).toEqual({ clauses: [], afterMs: null, beforeMs: null });
  });
});

describe("an error points at its column", () => {
  test.each([
    ["acion:iam.*", 1, 5, /no such field/, /action:/],
    ["action:iam.* actr:x", 14, 4, /no such field/, /actor:/],
    ['say "hello', 5, 1, /not closed/, null],
    ["action:", 8, 1, /missing/, null],
    ["action:iam.*,,x.y", 14, 1, /missing/, null],
    ["action:IAM", 8, 3, /no action/, null],
    ["outcome:sucess", 9, 6, /success/, null],
    ["target:inv_9", 8, 5, /<type>:<id>/, null],
    ["actor:service:", 7, 8, /no id/, null],
    ["is:broken", 4, 6, /no such state/, /is:failed/],
    ["after:yesterday", 7, 9, /no time/, null],
    ["on:2026-02-30", 4, 10, /no day/, null],
    ["-after:2026-11-01", 2, 16, /negated/, null],
    ["after:2026-11-02 before:2026-11-01", 25, 10, /no time between/, null],
    ["a1 OR b1", 4, 2, /no OR/, null],
    ["NOT a1", 1, 3, /no NOT/, null],
    ["(action:iam.*)", 1, 14, /parentheses/, null],
    ["AND a1", 1, 3, /between two/, null],
    ["a1 AND", 4, 3, /between two/, null],
    ["-", 1, 1, /nothing/, null],
    ['-"two words"', 2, 11, /single words/, null],
    ["https://example.org", 1, 5, /no such field/, /quotes/],
    ["-!", 2, 1, /no word/, null],
  ])("%s", (text, column, length, message, hint) => {
    const [error] = errorsOf(text);
    expect(error).toMatchObject({ column, length, message: expect.stringMatching(message) });
    if (hint) expect(error?.hint).toMatch(hint);
  });

  test("all of them are said at once, in their order, and a terminal shows carets below the place", () => {
    const text = "acion:x outcome:never";
    const errors = errorsOf(text);
    expect(errors.map(({ column }) => column)).toEqual([1, 17]);
    expect(explainQueryError(text, errors[0] as never)).toBe(
      "acion:x outcome:never\n^^^^^ there is no such field\ndid you mean action:?",
    );
    expect(explainQueryError("a\u001b[31m x:y", errorsOf("a\u001b[31m x:y")[0] as never)).not.toContain("\u001b");
  });
});

describe("printing and parsing are each other's inverse", () => {
  test("of any filter", () => {
    fc.assert(
      fc.property(queries, (query) => {
        const filter = filterOf(query, pseudonymsOf(identitiesIn(query)));
        expect(filterFrom(printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 1000 },
    );
  });

  test("S1-3 what is kept of a query names nobody by an identity id", () => {
    expect(printFilter(withoutIdentities(filterFrom("actor:usr_42 subject:ana target:user:bo")))).toBe(
      `actor:@${pseudonymFor("usr_42")} target:@${pseudonymFor("bo")} subject:@${pseudonymFor("ana")}`,
    );
  });
});

describe("any text is parsed or refused", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom(
      "actor:",
      "action:iam.*",
      "-",
      '"',
      "\\",
      ",",
      ":",
      " ",
      "AND",
      "OR",
      "(",
      ")",
      "after:",
      "-7d",
      "is:failed",
      "@",
    ),
  );
  const texts = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

  test("every word of a text counts as a value, quoted or not: no query costs more than its values", () => {
    const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`);
    const chunked = (count: number) =>
      words(count).map((_, i, all) => (i % 50 === 0 ? `"${all.slice(i, i + 50).join(" ")}"` : ""));
    const read = (count: number) => parseQuery(chunked(count).join(" "), 0);
    expect(read(LIMITS.queryValues).ok).toBe(true);
    const many = read(LIMITS.queryValues + 1);
    expect(many.ok ? [] : many.errors.map(({ message }) => message)).toEqual([
      `a query has at most ${LIMITS.queryValues} values`,
    ]);
  });

  test("without a throw, and every error lies in the text or at its end", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseQuery(text, NOW);
        if (parsed.ok) {
          filterOf(parsed.query, pseudonymsOf(identitiesIn(parsed.query)));
          return;
        }
        expect(parsed.errors.length).toBeGreaterThan(0);
        expect(parsed.errors.length).toBeLessThanOrEqual(LIMITS.queryErrors);
        for (const error of parsed.errors) {
          expect(error.column).toBeGreaterThanOrEqual(1);
          expect(error.column).toBeLessThanOrEqual(text.length + 1);
          expect(error.length).toBeGreaterThanOrEqual(1);
          explainQueryError(text, error);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("what parses means the same after printing", () => {
    fc.assert(
      fc.property(texts, (text) => {
        if (!parseQuery(text, NOW).ok) return;
        const filter = filterFrom(text);
        // Ids of nobody in particular print as they were asked; their pseudonyms are derived again.
        expect(filterFrom(printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 3000 },
    );
  });

  test("in time that grows with its length: the longest texts of one kind take milliseconds", () => {
    for (const unit of ["a", ",", ":", '"', "\\", "- ", "AND ", "a:b ", "action:x,", "text:a ", "after:x ", "(", " "]) {
      const text = unit.repeat(LIMITS.queryChars).slice(0, LIMITS.queryChars);
      const before = performance.now();
      parseQuery(text, NOW);
      expect(performance.now() - before).toBeLessThan(250);
    }
    expect(errorsOf("x".repeat(LIMITS.queryChars + 1))[0]?.column).toBe(LIMITS.queryChars + 1);
  });
});
