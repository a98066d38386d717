/** `npm run storm -- [--rounds N] [--seed S]`: kill -9 under 20 writers, any number of times; a failing seed is printed. */
import path from "node:path";
import { parseArgs } from "node:util";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { killStorm } from "./support/kill-storm.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seed: { type: "string" },
    writers: { type: "string", default: "20" },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const writers = Number(values.writers);
if (![rounds, seed, writers].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error("usage: npm run storm -- [--rounds N] [--seed N] [--writers N]");
  process.exit(2);
}

console.log(`seed ${seed}, ${rounds} rounds, ${writers} writers`);
try {
  const report = await killStorm({
    seed,
    rounds,
    writers,
    state: path.join(REPOSITORY, ".wrangler/storm/by-hand"),
    onRound: (round, { acknowledged, size, inObject, inD1, inArchive, killedAfterMs }) =>
      console.log(
        `round ${round}: killed after ${killedAfterMs} ms; ${acknowledged} acknowledged, ${size} stored (object ${inObject}, D1 ${inD1}, archive ${inArchive})`,
      ),
  });
  console.log(`whole: ${report.events} events of ${report.requests} requests, ${report.inDoubt} answers lost to kills`);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
