/** The real cell, bundled as a deployment would bundle it, in miniflare without wrangler's proxy; and an empty Worker beside it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { MoonsealClient } from "../src/client/index.ts";
import { REPOSITORY } from "../src/ops/paths.ts";
import { runWrangler } from "../src/ops/wrangler.ts";
import { testBindings } from "../test/support/bindings.ts";
import { descendants } from "./cpu.ts";

const WORK = path.join(REPOSITORY, ".wrangler/bench");
const OBJECTS = {
  DOMAIN_LOG: "DomainLog",
  DOMAIN_KEEPER: "DomainKeeper",
  TENANT_DESK: "TenantDesk",
  CELL_DESK: "CellDesk",
  RATE_DESK: "RateDesk",
  WITNESS_LOG: "WitnessLog",
};

export interface BenchCell {
  url: string;
  /** Where its databases are, as files. */
  state: string;
  miniflare: Miniflare;
  /** Of workerd. */
  processes: number[];
  key: string;
  client: MoonsealClient;
  /** A new log. `segmentEntries`: of one archive object. */
  domain(name: string, segmentEntries?: number): Promise<string>;
  stop(): Promise<void>;
}

/** Bundles with the project's own wrangler; the file's path. */
export async function bundleCell(): Promise<string> {
  const folder = path.join(WORK, "bundle");
  const config = path.join(REPOSITORY, "wrangler.eu.toml");
  const { code, output } = await runWrangler(REPOSITORY, ["deploy", "--dry-run", "-c", config, "--outdir", folder]);
  if (code !== 0) throw new Error(`the cell could not be bundled:\n${output}`);
  return path.join(folder, "cell.js");
}

/** A fresh cell with one tenant. `inspectorPort` opens workerd's debugger, for profiles; `settings` are added to its own. */
export async function startCell(
  bundle: string,
  inspectorPort?: number,
  settings: Record<string, string> = {},
): Promise<BenchCell> {
  const { compatibility_date, compatibility_flags } = parse(
    readFileSync(path.join(REPOSITORY, "wrangler.eu.toml"), "utf8"),
  );
  mkdirSync(WORK, { recursive: true });
  const state = mkdtempSync(path.join(WORK, "state-"));
  const others = descendants("workerd");
  const bindings = { ...testBindings("eu"), JURISDICTION: "eu", ...settings };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "cell",
      modules: [{ type: "ESModule", path: bundle, contents: readFileSync(bundle, "utf8") }],
      modulesRoot: path.dirname(bundle),
      compatibilityDate: String(compatibility_date),
      compatibilityFlags: compatibility_flags as string[],
      bindings,
      durableObjects: Object.fromEntries(
        Object.entries(OBJECTS).map(([binding, className]) => [binding, { className, useSQLite: true }]),
      ),
      d1Databases: { CONTROL: "bench-control", LEDGER_00: "bench-ledger-00" },
      r2Buckets: { LOG: "bench-log", KEYS: "bench-keys" },
      resourcePersistencePath: state,
      cf: false,
      log: new Log(LogLevel.WARN),
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
    }),
  );
  const url = (await miniflare.ready).origin;
  await migrate(miniflare, "CONTROL", "migrations/control");
  await migrate(miniflare, "LEDGER_00", "migrations/ledger");
  const operator = new MoonsealClient({ baseUrl: url, apiKey: bindings.OPERATOR_SECRET });
  const { tenant, api_key } = await operator.createTenant({ name: "Bench", jurisdiction: "eu", tier: "enterprise" });
  const client = new MoonsealClient({ baseUrl: url, apiKey: api_key.key });
  return {
    url,
    state,
    miniflare,
    processes: descendants("workerd").filter((pid) => !others.includes(pid)),
    key: api_key.key,
    client,
    domain: async (name, segment_entries) => {
      const wanted = { name, ...(segment_entries === undefined ? {} : { segment_entries }) };
      return (await client.createDomain(tenant.id, wanted)).id;
    },
    stop: async () => {
      await miniflare.dispose();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** The least that a Worker can do with the same request: read the body, answer a few bytes. */
const NO_OP = `export default { async fetch(request) {
  await request.arrayBuffer();
  return new Response('{"receipts":[]}', { status: 201, headers: { "content-type": "application/json" } });
} };`;

export async function startNoOp(): Promise<{ url: string; stop: () => Promise<void> }> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "no-op",
      modules: true,
      script: NO_OP,
      compatibilityDate: "2026-10-20",
      cf: false,
    }),
  );
  return { url: (await miniflare.ready).origin, stop: () => miniflare.dispose() };
}

async function migrate(miniflare: Miniflare, binding: string, folder: string): Promise<void> {
  const database = await miniflare.getD1Database(binding);
  for (const name of readdirSync(path.join(REPOSITORY, folder)).sort()) {
    const sql = readFileSync(path.join(REPOSITORY, folder, name), "utf8");
    for (const statement of splitSqlQuery(sql)) await database.prepare(statement).run();
  }
}
