/** `npm run simulate -- --seed N --steps N [--seeds N]`: any number of steps by hand; a failing seed is printed and can be run again. */
import { parseArgs } from "node:util";
import { simulate } from "./support/simulate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "100000" },
    seeds: { type: "string", default: "1" },
  },
});
const first = Number(values.seed ?? Date.now() % 1_000_000);
const steps = Number(values.steps);
const seeds = Number(values.seeds);
if (![first, steps, seeds].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error("usage: npm run simulate -- [--seed N] [--steps N] [--seeds N]");
  process.exit(2);
}

for (let seed = first; seed < first + seeds; seed++) {
  const beganMs = performance.now();
  try {
    const run = await simulate(seed, steps);
    const seconds = (performance.now() - beganMs) / 1000;
    console.log(
      `seed ${seed}: ${run.steps} steps in ${seconds.toFixed(1)} s (${Math.round(run.steps / seconds)} a second)`,
    );
    console.log(
      Object.entries(run.counts)
        .map(([name, count]) => `  ${name}: ${count}`)
        .sort()
        .join("\n"),
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
