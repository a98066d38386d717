/** A simulation that cannot fail proves nothing: each of these mistakes is seen within a bounded number of steps. */
import { expect, it } from "vitest";
import { FOCUS, MUTANTS, mutant } from "./mutants.ts";
import { SimulationFailure, simulate } from "./support/simulate.ts";

const SEEDS = 8;
const STEPS = 20_000;

it.each(Object.keys(MUTANTS))("sees: %s", async (name) => {
  let caught: unknown = null;
  for (let seed = 1; seed <= SEEDS && caught === null; seed++) {
    caught = await simulate(seed, STEPS, { services: mutant(name), focus: FOCUS[name] ?? {} }).then(
      () => null,
      (error: unknown) => error,
    );
  }
  expect(caught).toBeInstanceOf(SimulationFailure);
  expect((caught as Error).message).toMatch(
    /^seed \d+, step \d+: .+\nagain: npm run simulate -- --seed \d+ --steps \d+\n/,
  );
});
