/** What of the past is read again in a run. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { codesOfReason, type Finding, reasonOf } from "../../../src/services/self-check/checks.ts";
import { newRecord, WALKED } from "../../../src/services/self-check/record.ts";
import { sampleOf } from "../../../src/services/self-check/sample.ts";

const recordOf = (verified: number) => {
  const record = newRecord(0, 0);
  for (const of of WALKED) record.verified[of] = verified;
  return record;
};

describe.each(WALKED)("the past of the %s", (of) => {
  test("a short one is read whole, from where it is kept", () => {
    expect(sampleOf(of, 10, recordOf(5000), () => 0.5)).toEqual([{ of, why: "round", from: 10, to: 5000 }]);
    expect(sampleOf(of, 5000, recordOf(5000), () => 0.5)).toEqual([]);
  });

  test("a long one is read in turn: the rounds leave nothing out, and begin again at the end", () => {
    const [first, size] = [1000, 1_000_000];
    const record = recordOf(size);
    let reached = first;
    for (let runs = 0; reached < size; runs++) {
      const round = sampleOf(of, first, record, () => 0).find(({ why }) => why === "round");
      expect(round?.from).toBe(reached);
      reached = round?.to ?? 0;
      record.rolling[of] = reached;
      expect(runs).toBeLessThan(size / (LIMITS.selfCheckArchived / 2));
    }
    expect(sampleOf(of, first, record, () => 0)[0]?.from).toBe(first);
  });

  test.each([0, 0.3, 0.999_999_9])("random places lie in what was read once (%d)", (random) => {
    const spots = sampleOf(of, 1000, recordOf(1_000_000), () => random).filter(({ why }) => why === "spot");
    expect(spots.length).toBeGreaterThan(0);
    for (const { from, to } of spots) {
      expect(from).toBeGreaterThanOrEqual(1000);
      expect(to).toBeGreaterThan(from);
      expect(to).toBeLessThanOrEqual(1_000_000);
    }
  });
});

test.each([
  [7, ["ledger:row_missing", "seq:7"]],
  [null, ["ledger:row_missing"]],
])("the reason of a stop names what its alert names (%s)", (seq, codes) => {
  const finding: Finding = { check: "ledger", store: "ledger", fault: "row_missing", seq, place: 0 };
  expect(codesOfReason(reasonOf(finding))).toEqual(codes);
  expect(codesOfReason(`an object was set back ${seq}`)).toEqual([]);
});
