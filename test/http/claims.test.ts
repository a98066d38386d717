/** GET /v1/claims: the stored list with one run, and without any. */
import { describe, expect, test } from "vitest";
import { claimsDocument, claimsWith, type StoredClaims, type StoredRun } from "../../src/http/claims.ts";

const stored: StoredClaims = {
  titles_sha256: "aa",
  documents: [{ id: "S0", title: "A document" }],
  claims: [
    { id: "S0-1", kind: "core", says: "", status: "tested", missing: null, tests: [{ file: "a", titles: ["x", "y"] }] },
    { id: "S0-2", kind: "core", says: "", status: "in_part", missing: "half", tests: [{ file: "a", titles: ["y"] }] },
    { id: "S0-3", kind: "org", says: "", status: "missing", missing: "all", tests: [] },
  ],
  retention: [],
  gdpr: [],
};
const run = (...not_passed: StoredRun["not_passed"][number][]): StoredRun => ({
  ran_at: "2026-11-21T00:00:00.000Z",
  commit: "c0ffee",
  clean: true,
  passed: 2,
  failed: 0,
  skipped: 0,
  titles_sha256: "aa",
  not_passed,
});
const results = (lastRun: StoredRun | null) => claimsWith(stored, lastRun).claims.map(({ result }) => result);

describe("the result of a claim", () => {
  test.each<[string, StoredRun | null, string[]]>([
    ["is the run's, and never of what has no test", run(), ["passed", "passed", "not run here"]],
    [
      "is a failure when one of its tests failed",
      run({ file: "a", title: "x", result: "failed" }),
      ["failed", "passed", "not run here"],
    ],
    [
      "is no pass when one of its tests was skipped",
      run({ file: "a", title: "y", result: "skipped" }),
      ["incomplete", "not run here", "not run here"],
    ],
    [
      "is no pass when the run had no such test",
      run({ file: "a", title: "y", result: "absent" }),
      ["incomplete", "not run here", "not run here"],
    ],
    ["is not known without a run", null, ["not run here", "not run here", "not run here"]],
    [
      "is not known by a run of other titles",
      { ...run(), titles_sha256: "bb" },
      ["not run here", "not run here", "not run here"],
    ],
  ])("%s", (_, lastRun, expected) => {
    expect(results(lastRun)).toEqual(expected);
  });

  test("is counted, and so is what is missing", () => {
    const { counts } = claimsWith(stored, run());
    expect(counts).toEqual({ claims: 3, tested: 1, in_part: 1, missing: 1, passed: 2 });
    expect(claimsWith(stored, null).run).toBeNull();
  });
});

test("the committed list is served whole: every requirement, both matrices, and no run of anybody's", () => {
  const { run: shown, claims, retention_matrix, gdpr_matrix } = claimsDocument();
  expect([claims.length, retention_matrix.length, gdpr_matrix.length]).toEqual([198, 8, 13]);
  expect(shown === null || /^\d{4}-/.test(shown.ran_at)).toBe(true);
});
