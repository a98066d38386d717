import { describe, expect, it } from "vitest";
import {
  CODE_TRIES,
  DAY_MS,
  PASSWORD_TRIES,
  type TryPolicy,
  waitMs,
} from "../../../../src/services/access/factors/tries.ts";

/** Somebody who tries again in the very millisecond in which they may: the times of their failures over some days. */
function patient(policies: TryPolicy[], days: number): number[] {
  const failures: number[] = [];
  let nowMs = 1_800_000_000_000;
  const endMs = nowMs + days * DAY_MS;
  while (nowMs < endMs) {
    const wait = Math.max(...policies.map((policy) => waitMs(policy, failures, nowMs)));
    if (wait > 0) nowMs += wait;
    else failures.push(nowMs++);
  }
  return failures;
}

/** The most failures in any 24 hours. */
const mostInADay = (failures: number[]) =>
  Math.max(...failures.map((from) => failures.filter((at) => at >= from && at < from + DAY_MS).length));

/** A code of six digits, of which three are right at any moment. */
const RIGHT = 3e-6;

describe("a code cannot be guessed, and nobody is locked out for good", () => {
  it("a stranger with any number of networks is right within a day with less than 10^-4", () => {
    const guesses = mostInADay(patient([CODE_TRIES.person], 5));
    expect(guesses).toBe(24);
    expect(1 - (1 - RIGHT) ** guesses).toBeLessThan(1e-4);
  });

  it("nor is a thief of a known browser who guesses there and elsewhere", () => {
    const guesses = mostInADay(patient([CODE_TRIES.person], 5)) + mostInADay(patient([CODE_TRIES.browser], 5));
    expect(1 - (1 - RIGHT) ** guesses).toBeLessThan(1e-4);
  });

  it("five tries are free, then each failure doubles the wait", () => {
    const times = patient([CODE_TRIES.network], 1);
    const gaps = times.slice(1).map((at, i) => Math.round((at - (times[i] as number)) / 60_000));
    expect(gaps.slice(0, 11)).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64]);
  });

  it.each(Object.entries({ ...CODE_TRIES, ...PASSWORD_TRIES }))(
    "%s: a day without failures gives every try back",
    (_, policy) => {
      const failures = patient([policy], 2);
      const last = failures.at(-1) as number;
      expect(waitMs(policy, failures, last)).toBeGreaterThan(0);
      expect(waitMs(policy, failures, last + DAY_MS)).toBe(0);
    },
  );

  it("a right code in between brings no tries back: failures count over a day that slides", () => {
    const policy = CODE_TRIES.person;
    const failures = Array.from({ length: policy.perDay }, (_, i) => i * 1000);
    const lastMs = (policy.perDay - 1) * 1000;
    expect(waitMs(policy, failures, lastMs + policy.maxWaitMs)).toBe(DAY_MS - lastMs - policy.maxWaitMs);
  });
});
