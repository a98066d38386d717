/** The check of the claims bites: one case for each sentence that has stopped being true. */
import { describe, expect, test } from "vitest";
import { type ClaimSources, claimsOf } from "../../../src/ops/claims/claims.ts";
import { parseRequirements } from "../../../src/ops/claims/requirements.ts";
import { testTitles } from "../../../src/ops/claims/test-titles.ts";

const REQUIREMENTS = `# Requirements

## S0 — A document (2)

- **S0-1** [core] One.
- **S0-2** [org] Two.
`;
const ROW = { id: "x", subject: "X", asks: "", here: "", code: ["src"], tests: ["test/a.test.ts > g"] };
const sources = (changed: Partial<ClaimSources> = {}): ClaimSources => ({
  documents: parseRequirements(REQUIREMENTS),
  tests: testTitles("test/a.test.ts", `describe("g", () => { test("S0-1 a", f) }); test("b", f)`),
  missing: { "S0-2": "Not built yet" },
  inPart: {},
  retention: [ROW],
  gdpr: [],
  exists: (file) => file === "src",
  ...changed,
});
const faultsOf = (changed: Partial<ClaimSources>) => claimsOf(sources(changed)).faults;

test("nothing is found where all of it is so", () => {
  const { claims, faults } = claimsOf(sources());
  expect(faults).toEqual([]);
  expect(claims.claims.map(({ id, status, missing }) => [id, status, missing])).toEqual([
    ["S0-1", "tested", null],
    ["S0-2", "missing", "Not built yet"],
  ]);
  expect(claims.retention[0]?.tests).toEqual([{ file: "test/a.test.ts", titles: ["g > S0-1 a"] }]);
});

test("what tests leave out is said beside them", () => {
  const { claims, faults } = claimsOf(sources({ inPart: { "S0-1": "half" } }));
  expect(faults).toEqual([]);
  expect(claims.claims[0]).toMatchObject({ status: "in_part", missing: "half" });
});

describe("S4-38 S2-36 it is a fault", () => {
  test.each<[string, Partial<ClaimSources>, RegExp]>([
    [
      "that a requirement lost its last test",
      { tests: testTitles("test/a.test.ts", `describe("g", () => { test("a", f) })`) },
      /S0-1 is carried by no test/,
    ],
    [
      "that nobody says why there is no test",
      { missing: {} },
      /S0-2 is carried by no test, and MISSING does not say why/,
    ],
    [
      "that a test has overtaken what is missing",
      { missing: { "S0-1": "x", "S0-2": "y" } },
      /S0-1 is carried by tests/,
    ],
    [
      "that a part is said to be missing of what has no test",
      { inPart: { "S0-2": "x" } },
      /S0-2 is carried by no test, and IN_PART/,
    ],
    [
      "that a test carries a number of nothing",
      { tests: testTitles("test/a.test.ts", `test("S0-1 S0-3 a", f); describe("g", () => { test("b", f) })`) },
      /^S0-3 is no requirement/,
    ],
    [
      "that a matrix names a test that is not there",
      { retention: [{ ...ROW, tests: ["test/a.test.ts > g > S0-1"] }] },
      /there is no test test\/a\.test\.ts > g > S0-1$/m,
    ],
    [
      "that one of several is not there",
      { gdpr: [{ ...ROW, tests: [...ROW.tests, "test/b.test.ts"] }] },
      /there is no test test\/b/,
    ],
    [
      "that a matrix names a file that is not there",
      { gdpr: [{ ...ROW, code: ["src", "src/gone.ts"] }] },
      /there is no src\/gone\.ts/,
    ],
    [
      "that a row names no test and says nothing about it",
      { gdpr: [{ ...ROW, tests: [] }] },
      /names no test, and not what is missing/,
    ],
  ])("%s", (_, changed, fault) => {
    expect(faultsOf(changed).join("\n")).toMatch(fault);
  });
});

describe("a list of requirements is refused", () => {
  test.each([
    ["with a number left out", REQUIREMENTS.replace("S0-2", "S0-3"), /S0-2 is expected/],
    ["with a line lost", REQUIREMENTS.replace("- **S0-2** [org] Two.\n", ""), /has 1 requirements, and says 2/],
    ["with a kind that is none", REQUIREMENTS.replace("[org]", "[maybe]"), /S0-2 is expected/],
    ["with a requirement of another document", REQUIREMENTS.replace("S0-2", "S1-2"), /S0-2 is expected/],
    [
      "with text between",
      REQUIREMENTS.replace("- **S0-2**", "And then\n- **S0-2**"),
      /S0-2 is expected, not: And then/,
    ],
  ])("%s", (_, markdown, refusal) => {
    expect(() => parseRequirements(markdown)).toThrow(refusal);
  });
});
