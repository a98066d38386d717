/**
 * `node bench/cold.ts [ENTRIES [RUNS]]`: pages of 100 entries that were pruned, out of the archive, beside pages out of D1; and a query
 * over archived entries, which no index answers. Times are from outside, over one connection, less those of an empty call.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { LIMITS } from "../src/core/limits.ts";
import { REPOSITORY } from "../src/ops/paths.ts";
import { table } from "./stats.ts";

const ENTRIES = Number(process.argv[2] ?? 20_480);
const RUNS = Number(process.argv[3] ?? 100);
const SEGMENT = LIMITS.segmentEntriesDefault;
const PAGE = 100;

const folder = mkdtempSync(path.join(tmpdir(), "bench-cold-"));
const bundle = path.join(folder, "worker.js");
const entryPoints = [path.join(REPOSITORY, "bench/cold-worker.ts")];
await build({ entryPoints, outfile: bundle, bundle: true, format: "esm", external: ["node:*"] });
const settings = parse(readFileSync(path.join(REPOSITORY, "wrangler.eu.toml"), "utf8"));
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: "cold",
    modules: [{ type: "ESModule", path: bundle, contents: readFileSync(bundle, "utf8") }],
    modulesRoot: folder,
    compatibilityDate: String(settings.compatibility_date),
    compatibilityFlags: settings.compatibility_flags as string[],
    d1Databases: { LEDGER_00: "bench-cold" },
    r2Buckets: { LOG: "bench-cold" },
    resourcePersistencePath: path.join(folder, "state"),
    cf: false,
    log: new Log(LogLevel.WARN),
  }),
);

try {
  const url = await miniflare.ready;
  const ask = async <T>(body: object): Promise<T> => {
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    return (await answer.json()) as T;
  };
  const ledger = await miniflare.getD1Database("LEDGER_00");
  const migrations = path.join(REPOSITORY, "migrations/ledger");
  for (const file of readdirSync(migrations).sort()) {
    for (const sql of splitSqlQuery(readFileSync(path.join(migrations, file), "utf8"))) await ledger.prepare(sql).run();
  }
  let prevHash: string | undefined;
  for (let fromSeq = 0; fromSeq < ENTRIES; fromSeq += SEGMENT) {
    ({ prevHash } = await ask<{ prevHash: string }>({ what: "fill", fromSeq, count: SEGMENT, prevHash }));
  }

  const timed = async (calls: object[]): Promise<{ p50: number; p99: number; total: number }> => {
    const times: number[] = [];
    for (const call of calls) {
      const began = performance.now();
      await ask(call);
      times.push(performance.now() - began);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
    return { p50: at(0.5), p99: at(0.99), total: times.reduce((sum, ms) => sum + ms, 0) };
  };
  const pages = Array.from({ length: RUNS }, (_, i) => ({ fromSeq: ((i * 7919) % (ENTRIES - PAGE)) | 0, count: PAGE }));
  const walk = Array.from({ length: Math.min(RUNS, Math.floor(ENTRIES / PAGE)) }, (_, i) => i * PAGE);
  await timed(
    pages.slice(0, 10).flatMap((page) => [
      { what: "hot", ...page },
      { what: "cold", ...page },
    ]),
  );
  const empty = await timed(pages.map((page) => ({ what: "nothing", ...page })));
  const hot = await timed(pages.map((page) => ({ what: "hot", ...page })));
  const cold = await timed(pages.map((page) => ({ what: "cold", ...page })));
  const walked = await timed(walk.map((fromSeq) => ({ what: "cold", cached: true, fromSeq, count: PAGE })));
  const line = (name: string, { p50, p99 }: { p50: number; p99: number }) => {
    const own = Math.max(0, p50 - empty.p50);
    return [name, own.toFixed(1), p99.toFixed(1), (own / Math.max(0.1, hot.p50 - empty.p50)).toFixed(1)];
  };
  console.log(
    `load average ${loadavg()[0]?.toFixed(1)}; ${ENTRIES} entries, segments of ${SEGMENT}, an empty call ${empty.p50.toFixed(1)} ms`,
  );
  console.log(
    table(
      ["page of 100", "p50 ms", "p99 ms", "times hot"],
      [line("hot", hot), line("archived, anywhere", cold), line("archived, one after the other", walked)],
    ),
  );
  const began = performance.now();
  let looked = 0;
  let calls = 0;
  for (let next: number | null = 0; next !== null; calls++) {
    const found: { next: number | null; looked: number } = await ask({
      what: "find",
      fromSeq: next,
      count: ENTRIES - next,
    });
    looked += found.looked;
    next = found.next;
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`a query over ${looked} archived entries: ${calls} requests, ${(looked / seconds).toFixed(0)} entries/s`);
} finally {
  await miniflare.dispose();
  rmSync(folder, { recursive: true, force: true });
}
