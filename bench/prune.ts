/**
 * How long it takes to prune a log: `node bench/prune.ts [ENTRIES]`, 200,000 unless told. The goal: bounded steps, none of them over a
 * second of CPU. A step's time from one save of the run to the next is more than its CPU: it waits for the stores.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { REPOSITORY } from "../src/ops/paths.ts";
import { settled } from "./audit.ts";
import { startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";

const ENTRIES = Number(process.argv[2] ?? 200_000);
const folder = path.join(REPOSITORY, ".wrangler/bench/prune");
mkdirSync(folder, { recursive: true });
const bundle = path.join(folder, "worker.js");
await build({
  entryPoints: [path.join(REPOSITORY, "bench/prune-worker.ts")],
  outfile: bundle,
  bundle: true,
  format: "esm",
  target: "es2024",
  external: ["cloudflare:*", "node:*"],
  conditions: ["workerd", "worker", "import"],
});
const cell = await startCell(bundle, undefined, {});
const ledger = await cell.miniflare.getD1Database("LEDGER_00");
const domainId = await cell.domain("prune");
const load = {
  ...{ url: cell.url, token: cell.key, connections: 4, template: bodyTemplate(1000) },
  paths: [`/v1/domains/${domainId}/audit/entries`],
};
for (let size = 0, run = 0; size < ENTRIES; run++) {
  await runLoad({ ...load, seconds: 10, run: `prune${run}` });
  await settled(cell, [domainId]);
  ({ size } = await cell.client.head(domainId));
  console.log(`  ${size} rows of ${ENTRIES}`);
}
const count = async (sql: string) => (await ledger.prepare(sql).first<number>("n")) ?? 0;
const indexed = () => count(`SELECT size AS n FROM audit_index WHERE domain_id = '${domainId}'`);
const rows = () => count(`SELECT count(*) AS n FROM audit_log WHERE domain_id = '${domainId}'`);
while ((await indexed()) < ENTRIES) await sleep(500);
const tenantId = await tenantOf();
const [before, cpuBefore, startedMs] = [await rows(), cpuMs(cell.processes), performance.now()];
const answer = await fetch(`${cell.url}/v1/tenants/${tenantId}/retention/runs`, {
  method: "POST",
  headers: { Authorization: `Bearer ${cell.key}` },
});
if (!answer.ok) throw new Error(`no run: ${answer.status} ${await answer.text()}`);
const done = () =>
  ledger.prepare("SELECT * FROM bench_prune").first<{ steps: number; rows: number; longest: number }>();
let result = await done().catch(() => null);
while (result === null) {
  await sleep(250);
  result = await done().catch(() => null);
}
const [seconds, cpu] = [(performance.now() - startedMs) / 1000, cpuMs(cell.processes) - cpuBefore];
console.log(
  `${result.rows} of ${before} entries left the hot store in ${seconds.toFixed(1)} s (${Math.round(result.rows / seconds)} a second), ` +
    `${result.steps} steps; CPU of all of workerd ${Math.round(cpu)} ms, ${(cpu / result.steps).toFixed(1)} ms a step; ` +
    `the longest step, with what it waited for: ${Math.round(result.longest)} ms`,
);
await cell.stop();
process.exit(0);

async function tenantOf(): Promise<string> {
  const control = await cell.miniflare.getD1Database("CONTROL");
  return (await control.prepare(`SELECT tenant_id AS n FROM domain WHERE id = '${domainId}'`).first<string>("n")) ?? "";
}
