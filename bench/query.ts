/**
 * `node bench/query.ts [ENTRIES [RUNS]]`: first pages of queries on a log of 10,000 entries and on one of ENTRIES (1,000,000) in the same
 * ledger, warm, each query many times over one connection; what indexing costs beside the copy; what the index takes.
 * Wanted: p50 under 10 ms, and at most twice the time on the large log.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import type { Clause, EntryFilter } from "../src/core/query/filter.ts";
import { REPOSITORY } from "../src/ops/paths.ts";
import { cpuMs, descendants } from "./cpu.ts";
import { table } from "./stats.ts";

const SMALL = 10_000;
const large = Number(process.argv[2] ?? 1_000_000);
const RUNS = Number(process.argv[3] ?? 200);
const ROWS_A_COPY = 1000;
const DAY_MS = 86_400_000;
const BEGAN_MS = Date.parse("2026-01-01T00:00:00.000Z");

const folder = mkdtempSync(path.join(tmpdir(), "bench-query-"));
const bundle = path.join(folder, "worker.js");
await build({
  entryPoints: [path.join(REPOSITORY, "bench/query-worker.ts")],
  outfile: bundle,
  bundle: true,
  format: "esm",
  external: ["node:*"],
});
const { compatibility_date, compatibility_flags } = parse(
  readFileSync(path.join(REPOSITORY, "wrangler.eu.toml"), "utf8"),
);
const others = descendants("workerd");
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: "query",
    modules: [{ type: "ESModule", path: bundle, contents: readFileSync(bundle, "utf8") }],
    modulesRoot: folder,
    compatibilityDate: String(compatibility_date),
    compatibilityFlags: compatibility_flags as string[],
    d1Databases: { LEDGER_00: "bench-query" },
    resourcePersistencePath: path.join(folder, "state"),
    cf: false,
    log: new Log(LogLevel.WARN),
  }),
);
const url = await miniflare.ready;
const processes = descendants("workerd").filter((pid) => !others.includes(pid));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask<T>(body: object): Promise<T> {
  return new Promise((resolve, reject) => {
    request(url.href, { agent, method: "POST" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new Error(`${answer.statusCode}: ${text.slice(0, 300)}`));
      });
    })
      .on("error", reject)
      .end(JSON.stringify(body));
  });
}

/** Every bit of the answer hangs on every bit of the number. */
function mixed(number: number): number {
  let bits = number ^ (number >>> 16);
  bits = Math.imul(bits, 0x21f0aaad);
  bits ^= bits >>> 15;
  bits = Math.imul(bits, 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

/** Entries as an application makes them: 200 actions and 5,000 people of very different frequency, 3 % failures. */
function entryAt(seq: number): object {
  const draw = (salt: number) => mixed(Math.imul(seq + 1, 0x9e3779b1) + Math.imul(salt, 0x85ebca6b)) / 2 ** 32;
  const skewed = (salt: number, of: number) => Math.floor(of * draw(salt) ** 4);
  const action = skewed(1, 200);
  return {
    action: action === 0 ? "user.login" : `area_${action % 12}.verb_${action}`,
    actor:
      draw(2) < 0.2
        ? { type: "service", id: `job-${skewed(3, 20)}` }
        : { type: "user", ref: skewed(4, 5000).toString(16).padStart(64, "0") },
    outcome: draw(5) < 0.97 ? "success" : draw(6) < 0.5 ? "denied" : "failure",
    targets: [{ type: draw(7) < 0.3 ? "secret" : "document", id: `id-${skewed(8, 20_000)}` }],
    metadata: { region: `eu-${skewed(9, 5)}`, note: `word${skewed(10, 3000)} word${skewed(11, 300)}` },
    request_id: `req-${seq}`,
    occurred_at: new Date(BEGAN_MS + Math.floor((seq / large) * 90 * DAY_MS)).toISOString(),
  };
}

async function fill(domainId: string, size: number): Promise<number> {
  const before = cpuMs(processes);
  let prevHash: string | null = null;
  for (let fromSeq = 0; fromSeq < size; fromSeq += ROWS_A_COPY) {
    const entries = Array.from({ length: Math.min(ROWS_A_COPY, size - fromSeq) }, (_, i) => entryAt(fromSeq + i));
    ({ prevHash } = await ask<{ prevHash: string }>({ what: "fill", domainId, entries, fromSeq, prevHash }));
  }
  return cpuMs(processes) - before;
}

async function index(domainId: string): Promise<{ seconds: number; cpu: number }> {
  const [began, before] = [performance.now(), cpuMs(processes)];
  while (!(await ask<{ done: boolean }>({ what: "index", domainId })).done);
  return { seconds: (performance.now() - began) / 1000, cpu: cpuMs(processes) - before };
}

const is = (field: Clause["field"], ...anyOf: string[]): Clause => ({ field, anyOf, not: false });
const isNot = (field: Clause["field"], ...anyOf: string[]): Clause => ({ field, anyOf, not: true });
const NOBODY = (4999).toString(16).padStart(64, "0");
const SOMEBODY = (3).toString(16).padStart(64, "0");
const QUERIES: Record<string, Clause[]> = {
  everything: [],
  "action, frequent": [is("action", "user.login")],
  "action, rare": [is("action", "area_7.verb_199")],
  "action, by prefix": [is("action", "area_3.*")],
  "three actions": [is("action", "user.login", "area_1.verb_1", "area_5.verb_5")],
  "actor, a person": [is("actor", `person:${SOMEBODY}`)],
  "actor, nobody": [is("actor", `person:${NOBODY}f`)],
  "person and failed": [is("person", SOMEBODY), is("outcome", "failure", "denied", "unknown")],
  target: [is("target", "document:id-12")],
  outcome: [is("outcome", "denied")],
  category: [is("category", "authentication")],
  request: [is("request", "req-4711")],
  word: [is("text", "word77")],
  "two words": [is("text", "word7"), is("text", "word5")],
  "prefix, not success": [is("action", "area_3.*"), isNot("outcome", "success")],
  "not by services": [isNot("actor", "type:service")],
  "two frequent ones that never meet": [is("action", "user.login"), is("text", "verb")],
};

interface Measured {
  p50: number;
  p99: number;
  cpu: number;
  rows: number;
}

async function measure(domainId: string, size: number, clauses: Clause[], narrow: boolean): Promise<Measured> {
  const lastMs = BEGAN_MS + Math.floor((size / large) * 90 * DAY_MS);
  const filter: EntryFilter = {
    clauses,
    afterMs: narrow ? lastMs - (lastMs - BEGAN_MS) / 2 : null,
    beforeMs: narrow ? lastMs - (lastMs - BEGAN_MS) / 4 : null,
  };
  const call = { what: "page", domainId, filter, from: { order: "desc", after: null }, limit: 100 };
  const times: number[] = [];
  let rows = 0;
  for (let i = 0; i < RUNS / 10; i++) ({ length: rows } = (await ask<{ rows: unknown[] }>(call)).rows);
  const before = cpuMs(processes);
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    await ask(call);
    times.push(performance.now() - began);
  }
  const cpu = (cpuMs(processes) - before) / RUNS;
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(RUNS / 2)] as number, p99: times[Math.floor(RUNS * 0.99)] as number, cpu, rows };
}

try {
  const ledger = await miniflare.getD1Database("LEDGER_00");
  const migrations = path.join(REPOSITORY, "migrations/ledger");
  for (const name of readdirSync(migrations).sort()) {
    const sql = readFileSync(path.join(migrations, name), "utf8");
    for (const statement of splitSqlQuery(sql)) await ledger.prepare(statement).run();
  }
  const logs = { small: "dom_eu_small", large: "dom_eu_large" };
  const bytes = async () => (await ask<{ bytes: number }>({ what: "size", domainId: logs.small })).bytes;
  console.log(`load average ${loadavg()[0]?.toFixed(1)}; ${SMALL} and ${large} entries, ${RUNS} runs each`);
  await fill(logs.small, SMALL);
  await index(logs.small);
  const empty = await bytes();
  const copied = await fill(logs.large, large);
  const filled = await bytes();
  const { seconds, cpu } = await index(logs.large);
  const indexed = await bytes();
  const each = (total: number) => (total / large).toFixed(1);
  console.log(
    `copying: ${each(copied * 1000)} µs of CPU an entry, ${each(filled - empty)} bytes of D1 (entries made there, too)`,
  );
  console.log(
    `indexing: ${Math.round(large / seconds)} entries/s, ${each(cpu * 1000)} µs of CPU an entry, ${each(indexed - filled)} bytes`,
  );
  const rows: string[][] = [];
  for (const [name, clauses] of Object.entries(QUERIES)) {
    for (const narrow of [false, true]) {
      const few = await measure(logs.small, SMALL, clauses, narrow);
      const many = await measure(logs.large, large, clauses, narrow);
      const both = (of: (one: Measured) => number) => [few, many].map((one) => of(one).toFixed(1));
      const line = [
        `${name}${narrow ? ", in a quarter of the time" : ""}`,
        `${few.rows} / ${many.rows}`,
        both(({ p50 }) => p50).join(" / "),
        both(({ p99 }) => p99).join(" / "),
        both(({ cpu: ms }) => ms).join(" / "),
        (many.p50 / few.p50).toFixed(2),
        (many.cpu / few.cpu).toFixed(2),
      ];
      console.log(`  ${line.join("; ")}`);
      rows.push(line);
    }
  }
  console.log(table(["query", "rows", "p50 ms", "p99 ms", "CPU ms", "p50 ratio", "CPU ratio"], rows));
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
} finally {
  agent.destroy();
  await miniflare.dispose();
  rmSync(folder, { recursive: true, force: true });
}
