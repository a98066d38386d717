/** `npm run bench -- [--quick] [--rows N] [--only append|large|sealing|tree|limits|proof]`: measures on this machine; a whole run writes its tables into README.md. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { APPEND_HEAD, type AppendCase, type AppendResult, appendRows, measureAppend, type Systems } from "./append.ts";
import { bundleCell, startCell, startNoOp } from "./cell.ts";
import { type LargeResult, measureLarge } from "./large.ts";
import { bundleWithoutLimits, measureLimits } from "./limits.ts";
import { GENERATOR } from "./load.ts";
import { PAIR_HEAD, type PairCase, type PairResult, pairRows } from "./pair.ts";
import { startPostgres } from "./postgres.ts";
import { measureProof, PROOF_HEAD, type ProofResult, proofRow } from "./proof.ts";
import { measureSealing } from "./sealing.ts";
import { spread, table } from "./stats.ts";
import { bundleWithoutTree, measureTree } from "./tree.ts";

const README = path.join(import.meta.dirname, "README.md");
const BEGIN = "<!-- results: written by npm run bench -->";
const END = "<!-- end of results -->";

const CASES: readonly AppendCase[] = [
  { events: 1, domains: 1, connections: 50 },
  { events: 1, domains: 50, connections: 50 },
  { events: 1, domains: 1, connections: 1 },
  { events: 100, domains: 1, connections: 10 },
  { events: 100, domains: 50, connections: 10 },
];

const PAIR_CASES: readonly PairCase[] = [
  { events: 1, connections: 50 },
  { events: 100, connections: 10 },
];

const LARGE_HEAD = [
  "entries a segment",
  "rows in D1",
  "copied, rows/s",
  "sustained, events/s",
  "verified in workerd, entries/s",
  "verified in Node, entries/s",
  "read only in Node, rows/s",
  "archive, bytes an entry",
];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rows: { type: "string" },
    only: { type: "string" },
  },
});
const protocol = values.quick ? { rounds: 3, seconds: 3 } : { rounds: 5, seconds: 6 };
const rows = Number(values.rows ?? (values.quick ? 20_000 : 1_000_000));
const loadBefore = loadavg()[0] ?? 0;

const bundle = await bundleCell();
const cell = await startCell(bundle);
const noOp = await startNoOp();
const wants = (part: string) => values.only === undefined || values.only === part;
const postgres = wants("append") ? await startPostgres(cell.key) : null;
const systems: Systems = { cell, noOpUrl: noOp.url, postgres };
const stopAll = async () => {
  await postgres?.stop();
  await noOp.stop();
  await cell.stop();
};
const appended: AppendResult[] = [];
const sealing: PairResult[] = [];
const tree: PairResult[] = [];
const limits: PairResult[] = [];
const large = new Map<number, LargeResult>();
const proof: ProofResult[] = [];
try {
  for (const each of wants("append") ? CASES : []) appended.push(await measureAppend(systems, each, protocol));
  for (const each of wants("sealing") ? PAIR_CASES : []) sealing.push(await measureSealing(cell, each, protocol));
  if (wants("tree")) {
    const without = await startCell(bundleWithoutTree(bundle));
    try {
      for (const each of PAIR_CASES) tree.push(await measureTree(without, cell, each, protocol));
    } finally {
      await without.stop();
    }
  }
  if (wants("limits")) {
    const without = await startCell(bundleWithoutLimits(bundle));
    try {
      for (const each of PAIR_CASES) limits.push(await measureLimits(without, cell, each, protocol));
    } finally {
      await without.stop();
    }
  }
  if (wants("proof")) proof.push(await proofInLargeLog());
  if (wants("large")) {
    for (const segmentEntries of [256, 4096]) {
      large.set(
        segmentEntries,
        await measureLarge(cell, segmentEntries === 256 ? rows : rows / 10, segmentEntries, protocol),
      );
    }
  }
} finally {
  await stopAll();
}

const voids = [...appended, ...sealing, ...tree, ...limits, ...large.values(), ...proof].flatMap(
  (result) => result.voids,
);
const text = report();
console.log(`\n${text}`);
if (values.only === undefined) writeResults(text);
process.exit(voids.length > 0 ? 1 : 0);

/** A cell of its own, with a second one as its witness. */
async function proofInLargeLog(): Promise<ProofResult> {
  const witness = await startCell(bundle);
  const answer = await fetch(`${witness.url}/.well-known/moonseal`);
  const key = ((await answer.json()) as { cells: { witness_key: string }[] }).cells[0]?.witness_key ?? "";
  const WITNESSES = JSON.stringify([{ url: `${witness.url}/witness`, key, independent: false }]);
  const witnessed = await startCell(bundle, undefined, { WITNESSES });
  try {
    return await measureProof(witnessed, key, values.quick ? 100_000 : 1_000_000);
  } finally {
    await witnessed.stop();
    await witness.stop();
  }
}

function report(): string {
  const parts = [`${machine()}\n`];
  parts.push(
    voids.length === 0
      ? "After every run the whole log was recomputed and requests were counted: nothing acknowledged is missing, nothing is stored twice."
      : `**Void runs:**\n\n${voids.map((fault) => `- ${fault}`).join("\n")}`,
  );
  if (appended.length > 0) parts.push(`\n### Append\n\n${table(APPEND_HEAD, appended.flatMap(appendRows))}`);
  if (sealing.length > 0) parts.push(`\n### Sealing\n\n${table(PAIR_HEAD, sealing.flatMap(pairRows))}`);
  if (tree.length > 0) parts.push(`\n### Tree\n\n${table(PAIR_HEAD, tree.flatMap(pairRows))}`);
  if (limits.length > 0) parts.push(`\n### Rate limits\n\n${table(PAIR_HEAD, limits.flatMap(pairRows))}`);
  if (proof.length > 0) parts.push(`\n### Evidence of one entry\n\n${table(PROOF_HEAD, proof.map(proofRow))}`);
  if (large.size > 0) parts.push(`\n### A large log\n\n${table(LARGE_HEAD, [...large].map(largeRow))}`);
  return parts.join("\n");
}

function largeRow([segmentEntries, result]: [number, LargeResult]): string[] {
  return [
    String(segmentEntries),
    result.rows.toLocaleString("en-US"),
    spread(result.drain),
    spread(result.sustained),
    spread(result.verifyInWorkerd),
    spread(result.verifyInNode),
    spread(result.readInNode),
    result.archiveBytes.toFixed(1),
  ];
}

function machine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const lines = [
    `${new Date().toISOString().slice(0, 16)}Z, ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
    `on top of commit ${commit}; load average before the run ${loadBefore.toFixed(1)}, after it ${(loadavg()[0] ?? 0).toFixed(1)}`,
    `load from ${GENERATOR}; ${protocol.rounds} measured rounds of ${protocol.seconds} s after one that is not counted, medians [least-most]`,
    postgres ? `PostgreSQL ${postgres.version}, fsync and synchronous_commit on, pool of 50` : "without PostgreSQL",
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

function writeResults(results: string): void {
  const readme = readFileSync(README, "utf8");
  const [before = "", rest = ""] = readme.split(BEGIN);
  writeFileSync(README, `${before}${BEGIN}\n\n${results}\n\n${END}${rest.split(END)[1] ?? ""}`);
}
