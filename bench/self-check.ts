/**
 * The self-check of one large log at rest: entries a second in each store, by the keeper's own account, and the
 * processor time of the whole runtime. `node bench/self-check.ts [--rows N] [--rounds N] [--whole]`; `--whole`: each run reads all of each
 * store, where it would read a sample with its random places.
 */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { REPOSITORY } from "../src/ops/paths.ts";
import { settled } from "./audit.ts";
import { type BenchCell, bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";
import { table } from "./stats.ts";

const { values } = parseArgs({
  options: { rows: { type: "string" }, rounds: { type: "string" }, whole: { type: "boolean" } },
});
const rows = Number(values.rows ?? 200_000);
/** Rarely: each look costs the runtime as much as hundreds of entries. */
const POLL_MS = 1000;
/** The least that a cell takes: the second run reads what the load has brought since the first. */
const INTERVAL_S = 10;
const WITHIN_MS = 10 * 60_000;

const bundle = values.whole ? await bundleWhole() : await bundleCell();
const cell = await startCell(bundle, undefined, { SELF_CHECK_INTERVAL_S: String(INTERVAL_S) });
try {
  const domainId = await grown(cell);
  // Everything was read while the log grew, or is in this run, so the next ones are of a log at rest.
  await wholeRun(cell, domainId);
  const lines: string[][] = [];
  for (let round = 1; round <= Number(values.rounds ?? 3); round++) {
    const beforeMs = cpuMs(cell.processes);
    const { read } = await wholeRun(cell, domainId);
    const spentMs = cpuMs(cell.processes) - beforeMs;
    for (const store of ["ledger", "archive", "mirror"] as const) {
      const { entries, took_ms } = read[store];
      lines.push([
        ...[`${round}`, store, entries.toLocaleString("en-US"), took_ms.toFixed(0)],
        ((entries / took_ms) * 1000).toFixed(0),
      ]);
    }
    const all = read.ledger.entries + read.archive.entries + read.mirror.entries;
    console.log(
      `run ${round}: ${spentMs} ms of processor, ${((spentMs * 1000) / all).toFixed(1)} µs an entry of a store`,
    );
  }
  console.log(table(["run", "store", "entries", "ms", "entries/s"], lines));
} finally {
  await cell.stop();
}

async function bundleWhole(): Promise<string> {
  const outfile = path.join(REPOSITORY, ".wrangler/bench/self-check/worker.js");
  await build({
    entryPoints: [path.join(REPOSITORY, "bench/self-check-worker.ts")],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*", "node:*"],
    conditions: ["workerd", "worker", "import"],
  });
  return outfile;
}

async function grown(bench: BenchCell): Promise<string> {
  const { client, url, key } = bench;
  const domainId = await bench.domain("self-check");
  const load = { url, paths: [`/v1/domains/${domainId}/audit/entries`], token: key, template: bodyTemplate(1000) };
  for (let size = 0, burst = 0; size < rows; burst++) {
    await runLoad({ ...load, connections: 4, seconds: Math.min(10, Math.ceil(rows / 40_000)), run: `grow${burst}` });
    await settled(bench, [domainId]);
    ({ size } = await client.head(domainId));
    console.log(`  ${size} rows of ${rows}`);
  }
  return domainId;
}

/** The first run that begins from now on and is over; it must be well. */
async function wholeRun({ client }: BenchCell, domainId: string) {
  const sinceMs = Date.now();
  for (;;) {
    const health = await client.domainHealth(domainId);
    if (health.state === "bad") throw new Error(JSON.stringify(health.checks.filter(({ state }) => state === "bad")));
    const { last_run: run } = health;
    if (run && Date.parse(run.started_at) >= sinceMs) return run;
    if (Date.now() > sinceMs + WITHIN_MS) throw new Error("no run comes to its end");
    await sleep(POLL_MS);
  }
}
