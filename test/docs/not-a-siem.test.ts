/** S0-35: what is claimed and what is not: entries can be taken elsewhere, and nothing here watches them or raises an alarm. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ApiDocument, operationsOf } from "../../src/http/document/schema.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const api = JSON.parse(read("docs/openapi.json")) as ApiDocument;
const operations = operationsOf(api).map(({ operation }) => operation.operationId);
const pages = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
/** What a SIEM does, said of this product: words of praise, not of an operator's own monitoring (docs/monitoring.md). */
const CLAIMS =
  /\b(?:anomal(?:y|ies) detect|threat detect|detects? (?:threats|anomalies|intrusions)|correlation rules?|SOAR|UEBA)/i;

describe("S0-35 not a SIEM", () => {
  test("the README says so, and says how entries get to one", () => {
    const paragraph =
      read("README.md")
        .split("\n\n")
        .find((text) => text.includes("not a SIEM")) ?? "";
    for (const way of ["docs/tailing.md", "docs/exporting.md", "docs/querying.md"]) expect(paragraph).toContain(way);
    expect(paragraph).toMatch(/no\s+alert/);
  });

  test("each of the ways is there", () => {
    expect(operations).toEqual(expect.arrayContaining(["exportEntries", "tailEntries", "listEntries", "queryEntries"]));
  });

  test.each(pages)("%s claims no detection of its own", (name) => expect(read(name)).not.toMatch(CLAIMS));

  test("no operation makes a rule that alerts", () => {
    expect(operations.filter((id) => /alert|detect|alarm/i.test(id))).toEqual([]);
  });
});
