/**
 * `npm run hammer -- [--minutes M] [--url U --domain D]`: appends, reads and verifies at the same time. The key of a
 * deployment that runs already comes from MOONSEAL_KEY. Without an address it starts a cell of its own.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { type HammerSample, hammer } from "./support/hammer.ts";
import { startLocalCell } from "./support/local-cell.ts";

const USAGE = `usage: npm run hammer -- [--minutes M] [--seed N] [--writers N] [--readers N]
       MOONSEAL_KEY=msk_… npm run hammer -- --url http://127.0.0.1:8787 --domain dom_…`;
const options = {
  minutes: { type: "string", default: "1" },
  url: { type: "string" },
  domain: { type: "string" },
  seed: { type: "string" },
  writers: { type: "string", default: "8" },
  readers: { type: "string", default: "2" },
} as const;
const { values } = parseArgs({ options });
const [minutes, seed, writers, readers] = [
  values.minutes,
  values.seed ?? Date.now() % 1e6,
  values.writers,
  values.readers,
].map(Number);
const { MOONSEAL_KEY: key, MOONSEAL_URL, MOONSEAL_DOMAIN } = process.env;
const url = values.url?.replace(/\/+$/, "") ?? MOONSEAL_URL;
const domainId = values.domain ?? MOONSEAL_DOMAIN;
if (![minutes, seed, writers, readers].every((n) => n !== undefined && n >= 0) || (url && !(domainId && key))) {
  console.error(USAGE);
  process.exit(2);
}

const state = path.join(REPOSITORY, ".wrangler/storm/hammer");
const own = url ? null : await startLocalCell({ state, segmentEntries: 256 });
const target = own ?? { url: url ?? "", domain: { domainId: domainId ?? "", key: key ?? "" } };
const line = ({ seconds, appended, read, verified, lag }: HammerSample) =>
  `${seconds.toFixed(0).padStart(4)} s  appended ${appended} (${rate(appended, seconds)}/s)  read ${read} (${rate(read, seconds)}/s)  verified ${verified}  not in D1 yet: ${lag}`;
const rate = (count: number, seconds: number) => Math.round(count / Math.max(seconds, 0.001));

let exitCode = 0;
try {
  console.log(`seed ${seed}, ${minutes} minutes, ${target.url} ${target.domain.domainId}`);
  const report = await hammer({
    ...target,
    durationMs: (minutes ?? 1) * 60_000,
    seed: seed ?? 0,
    writers: writers ?? 8,
    readers: readers ?? 2,
    onSecond: (sample) => console.log(line(sample)),
  });
  console.log(line(report));
  console.log(
    `consistent: ${report.size} entries, ${report.requests} requests, ${report.busy} told to wait, greatest lag ${report.greatestLag}`,
  );
} catch (error) {
  console.error(`INCONSISTENT or broken: ${(error as Error).message}`);
  exitCode = 1;
}
await own?.cell.kill();
process.exit(exitCode);
