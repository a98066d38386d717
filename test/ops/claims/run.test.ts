/** A run against the claims: what passed, what did not, and what was not there. */
import { expect, test } from "vitest";
import type { Claims } from "../../../src/ops/claims/claims.ts";
import { runOf, titlesOf } from "../../../src/ops/claims/run.ts";

const FILE = "test/a.test.ts";
const claimsOf = (...titles: string[]): Claims => ({
  documents: [],
  claims: [
    { id: "S0-1", kind: "core", says: "", status: "tested", missing: null, tests: [{ file: FILE, titles }] },
    { id: "S0-2", kind: "core", says: "", status: "missing", missing: "", tests: [] },
  ],
  retention: [],
  gdpr: [],
});
const reportOf = (...tests: [path: string, status: string][]) => ({
  startTime: Date.UTC(2026, 10, 21),
  testResults: [
    {
      name: `/repository/${FILE}`,
      assertionResults: tests.map(([path, status]) => {
        const titles = path.split(" > ");
        return { ancestorTitles: titles.slice(0, -1), title: titles.at(-1) ?? "", status };
      }),
    },
    {
      name: "/repository/test/b.test.ts",
      assertionResults: [{ ancestorTitles: [], title: "S0-1 a", status: "failed" }],
    },
  ],
});
const outcome = (title: string, ...tests: [string, string][]) =>
  runOf(claimsOf(title), reportOf(...tests), "/repository").not_passed[0]?.result ?? "passed";

test.each([
  [
    "all of its tests passed",
    "passed",
    [
      ["g > S0-1 a", "passed"],
      ["g > S0-1 a", "passed"],
    ],
  ],
  [
    "one of them failed",
    "failed",
    [
      ["g > S0-1 a", "passed"],
      ["g > S0-1 a", "failed"],
    ],
  ],
  ["it was skipped", "skipped", [["g > S0-1 a", "pending"]]],
  ["it was to do", "skipped", [["g > S0-1 a", "todo"]]],
  [
    "it ran in one runtime and was skipped in another",
    "passed",
    [
      ["g > S0-1 a", "passed"],
      ["g > S0-1 a", "skipped"],
    ],
  ],
  ["the run had no such title", "absent", [["g > S0-1 b", "passed"]]],
  ["it stands in another group", "absent", [["h > S0-1 a", "passed"]]],
  ["a longer title passed", "absent", [["g > S0-1 a and more", "passed"]]],
] as [string, string, [string, string][]][])("a title of which %s is %s", (_, expected, tests) => {
  expect(outcome("g > S0-1 a", ...tests)).toBe(expected);
});

test.each([
  ["S0-1 %s (%i) of $kind", "S0-1 a > b (3) of c"],
  ["S0-1 ${method} that fails (${form}, ${times} in a row)", "S0-1 put that fails (thrown, 2 in a row)"],
  ["S0-1 `${…}` end", "S0-1 `a,b` end"],
  ["S0-1 100 %% of it. [really]", "S0-1 100 % of it. [really]"],
  ["S0-1 in a shared group", "around it > S0-1 in a shared group"],
])("%j is found as %j", (title, ran) => {
  expect(outcome(title, [ran, "passed"])).toBe("passed");
  expect(outcome(title, [ran.replace("S0-1", "S0-2"), "passed"])).toBe("absent");
});

test("a run says when it was and how much of it there was", () => {
  const run = runOf(claimsOf("S0-1 a"), reportOf(["S0-1 a", "passed"], ["S0-9 b", "skipped"]), "/repository");
  expect(run).toEqual({ ran_at: "2026-11-21T00:00:00.000Z", passed: 1, failed: 1, skipped: 1, not_passed: [] });
});

test("each title is looked for once, however many claims it carries", () => {
  const claims = claimsOf("S0-1 S0-2 a", "S0-1 b");
  const [first] = claims.claims;
  if (first) claims.claims.push({ ...first, id: "S0-2" });
  expect(titlesOf(claims).map(({ title }) => title)).toEqual(["S0-1 S0-2 a", "S0-1 b"]);
});
