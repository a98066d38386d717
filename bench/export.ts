/**
 * Exports of one large log: entries a second from asking until the file is there, the most memory of workerd meanwhile, and what the
 * verifier needs for the file. `node bench/export.ts [--rows N] [--keep FILE]`
 */
import { execFileSync } from "node:child_process";
import { createWriteStream, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { settled } from "./audit.ts";
import { type BenchCell, bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";
import { table } from "./stats.ts";

const { values } = parseArgs({ options: { rows: { type: "string" }, keep: { type: "string" } } });
const rows = Number(values.rows ?? 200_000);
const POLL_MS = 250;

interface ExportJson {
  id: string;
  status: string;
  failure: string | null;
  bytes: number;
  progress: { entries: number };
}

const CASES: readonly { name: string; body: object }[] = [
  { name: "ndjson", body: {} },
  { name: "ndjson, json, csv", body: { formats: ["json", "csv"] } },
  { name: "a filter, every entry", body: { q: "after:2000-01-01" } },
  { name: "a filter, no entry", body: { q: "action:nobody.did" } },
];

const cell = await startCell(await bundleCell());
try {
  const domainId = await grown(cell);
  const lines: string[][] = [];
  for (const { name, body } of CASES) lines.push([name, ...(await measured(cell, domainId, body))]);
  const head = [
    "export",
    "entries",
    "MB",
    "entries/s",
    "cpu s",
    "workerd before, MB",
    "most, MB",
    "verify s",
    "verify, MB",
  ];
  console.log(table(head, lines));
} finally {
  await cell.stop();
}

async function grown({ client, url, key, ...rest }: BenchCell): Promise<string> {
  const bench = { client, url, key, ...rest };
  const domainId = await bench.domain("export", 4096);
  const load = { url, paths: [`/v1/domains/${domainId}/audit/entries`], token: key, template: bodyTemplate(1000) };
  for (let size = 0, burst = 0; size < rows; burst++) {
    await runLoad({ ...load, connections: 4, seconds: Math.min(10, Math.ceil(rows / 40_000)), run: `grow${burst}` });
    await settled(bench, [domainId], 4096);
    ({ size } = await client.head(domainId));
    console.log(`  ${size} rows of ${rows}`);
  }
  return domainId;
}

async function measured({ url, key, processes }: BenchCell, domainId: string, body: object): Promise<string[]> {
  const ask = async (rest: string, sent?: object) => {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const init = sent ? { method: "POST", headers, body: JSON.stringify(sent) } : { headers };
    return (await fetch(`${url}/v1/domains/${domainId}/exports${rest}`, init)).json();
  };
  const before = residentMb(processes);
  const [cpuBefore, began] = [cpuMs(processes), performance.now()];
  let { export: made } = (await ask("", { to: rows - 1, ...body })) as { export: ExportJson };
  let most = before;
  while (made.status === "queued" || made.status === "running") {
    await sleep(POLL_MS);
    most = Math.max(most, residentMb(processes));
    made = (await ask(`/${made.id}`)) as ExportJson;
  }
  if (made.status !== "done") throw new Error(`${made.status}: ${made.failure}`);
  const seconds = (performance.now() - began) / 1000;
  const cpu = (cpuMs(processes) - cpuBefore) / 1000;
  const file = values.keep ?? path.join(tmpdir(), `${made.id}.zip`);
  const { url: link } = (await ask(`/${made.id}/link`, {})) as { url: string };
  const answer = await fetch(new URL(new URL(link).pathname + new URL(link).search, url));
  await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(file));
  const [verifySeconds, verifyMb] = verifying(file);
  return [
    String(made.progress.entries),
    (statSync(file).size / 1e6).toFixed(0),
    (rows / seconds).toFixed(0),
    cpu.toFixed(1),
    before.toFixed(0),
    most.toFixed(0),
    verifySeconds,
    verifyMb,
  ];
}

/** Resident memory of these processes together. */
function residentMb(pids: readonly number[]): number {
  const kb = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0));
  return kb.reduce((sum, each) => sum + each, 0) / 1024;
}

/** In a process of its own, which says how much it has used. Nobody is trusted, so it exits 3 when all else is right. */
function verifying(file: string): [string, string] {
  const script = `
    import { NODE } from "./src/cli/verify/trust.ts";
    import { NO_TRUST } from "./src/verifier/policy.ts";
    import { verifyExportAt } from "./src/cli/verify/export-files.ts";
    const began = performance.now();
    const report = verifyExportAt(process.argv[1], NO_TRUST, NODE);
    if (report?.verdict !== "could_not_check") throw new Error(JSON.stringify(report?.steps));
    console.log(((performance.now() - began) / 1000).toFixed(1), (process.resourceUsage().maxRSS / 1024).toFixed(0));`;
  const args = ["--input-type=module", "-e", script, file];
  const said = execFileSync(process.execPath, args, { cwd: path.join(import.meta.dirname, ".."), encoding: "utf8" });
  const [seconds = "", mb = ""] = said.trim().split(" ");
  return [seconds, mb];
}
