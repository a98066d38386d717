/**
 * F17: the log under a seeded scheduler that decides everything: clients, clock, the fate of every call, evictions, crashes,
 * restores. 100,000 steps here; any number by hand with `npm run simulate`.
 */
import { describe, expect, it } from "vitest";
import { REGRESSIONS } from "./seeds.ts";
import type { Counts } from "./support/scheduler.ts";
import { simulate } from "./support/simulate.ts";

const SEEDS = [101, 102, 103, 104, 105, 106, 107, 108, 109, 110];
const STEPS = 10_000;

const counts: Counts = {};

describe(`${SEEDS.length * STEPS} steps: nothing acknowledged is lost, doubled, reordered or forked`, () => {
  it.each(SEEDS)(`seed %i`, async (seed) => {
    const run = await simulate(seed, STEPS);
    expect(run.steps).toBe(STEPS);
    for (const [what, count] of Object.entries(run.counts)) counts[what] = (counts[what] ?? 0) + count;
  });

  it("met every kind of fault and of answer, so that the runs above say something", () => {
    const atLeast: Counts = {
      entries: 5000,
      "answer accepted": 3000,
      "answer replayed": 1000,
      "answer idempotency.key_reused": 50,
      "answer entry.id_conflict": 20,
      "answer storage.unavailable": 50,
      "answer backlog.full": 10,
      "answer domain.stopped": 10,
      "fault lost": 500,
      "fault lost again": 100,
      "fault answer_lost": 50,
      "fault answer_lost again": 50,
      "fault late": 50,
      "fault late again": 50,
      "fault lost answer": 500,
      late_write: 100,
      evict: 300,
      clock_jump: 100,
      outage: 20,
      ledger_restore: 50,
      guards: 5,
      disaster: 5,
      stopped: 3,
    };
    const met = Object.fromEntries(Object.keys(atLeast).map((what) => [what, counts[what] ?? 0]));
    for (const [what, least] of Object.entries(atLeast)) expect(met, what).toSatisfy(() => (met[what] ?? 0) >= least);
  });
});

it("the same seed gives the same run, and another one another run", async () => {
  const [first, again] = [await simulate(7, 3000), await simulate(7, 3000)];
  expect(again).toEqual(first);
  expect(await simulate(8, 3000)).not.toEqual(first);
});

it.each(REGRESSIONS)("seed $seed stays good: $found", async ({ seed, steps }) => {
  await simulate(seed, steps);
});
