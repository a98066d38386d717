/** What docs/querying.md shows is what the language takes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { ASKED_FIELDS } from "../../src/core/query/asked.ts";
import { queryErrorDetail } from "../../src/core/query/language/errors.ts";
import { parseQuery, QUALIFIERS } from "../../src/core/query/language/parse.ts";
import { askedFilterSchema } from "../../src/http/schemas/entry-filter.ts";
import { querySchema } from "../../src/http/schemas/entry-query.ts";
import { readAsked } from "../../src/services/query/resolve.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/querying.md"), "utf8");
const NOW = Date.UTC(2026, 10, 21);
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, block]) => block as string);
const examples = blocks("moonseal-query").flatMap((block) => block.trim().split("\n"));
/** The first column of the table of terms. */
const terms = [...text.matchAll(/^\| (`.+?`) \| .+ \|$/gm)].flatMap(([, cell]) =>
  [...(cell as string).matchAll(/`([^`]+)`/g)].map(([, term]) => term as string),
);

const errorsOf = (query: string) => {
  const parsed = parseQuery(query, NOW);
  return parsed.ok ? [] : parsed.errors.map(queryErrorDetail);
};

describe("docs/querying.md", () => {
  test.each(examples)("example: %s", (query) => expect(errorsOf(query)).toEqual([]));
  test.each(terms)("term: %s", (query) => expect(errorsOf(query)).toEqual([]));

  test("shows every field of the language", () => {
    const shown = new Set(terms.flatMap((term) => /^([a-z]+):/.exec(term)?.[1] ?? []));
    expect(shown).toEqual(new Set(QUALIFIERS));
    expect(ASKED_FIELDS.every((field) => shown.has(field))).toBe(true);
  });

  test("its bodies are bodies of the route, and ask for the same as one another", () => {
    const [language, fields] = blocks("json").map((block) => querySchema.parse(JSON.parse(block)));
    const asked = [language, fields].map((body) =>
      readAsked(askedFilterSchema.parse({ q: body?.q, filter: body?.filter }), NOW),
    );
    const sorted = asked.map(({ clauses, ...times }) => ({
      ...times,
      clauses: [...clauses].sort((a, b) => (a.field < b.field ? -1 : 1)),
    }));
    expect(sorted[0]).toEqual(sorted[1]);
  });

  test("its mistake is answered as it says", () => {
    const [said = ""] = blocks("text").map((block) => block.trim());
    expect(errorsOf("acion:iam.*")).toEqual([said]);
  });

  test("its statement that builds an index anew is the one that is tried (test/durable-objects/indexing.test.ts)", () => {
    expect(blocks("sql").map((block) => block.trim().replace(/'dom_\w+'/, "?"))).toEqual([
      "UPDATE audit_index SET from_size = -1, size = -1 WHERE domain_id = ?",
    ]);
  });

  test("its numbers are the limits", () => {
    const number = (value: number) => value.toLocaleString("en-US");
    for (const said of [
      `at most ${LIMITS.entryWords} words an`,
      `cut at 64`,
      `at most ${LIMITS.queryDomains} of a tenant's domains`,
      `up to ${number(LIMITS.countEntries)}`,
      `newest ${number(LIMITS.facetEntries)} that match`,
    ]) {
      expect(text.replaceAll("\n", " ")).toContain(said);
    }
  });
});
