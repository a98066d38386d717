/** The gateway and both cells for the demonstration: in this process's own runtime, on a port of their own, with their own state. */

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { parse, type TomlTable } from "smol-toml";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { formatOperatorSecret } from "../core/api-key.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { localConfig } from "./local-config.ts";
import { committedConfig, REPOSITORY, WORKERS, type WorkerName } from "./paths.ts";
import { freshSecret, RAW_SECRETS } from "./secrets.ts";
import { runWrangler } from "./wrangler.ts";

/** What is used of a database: enough to do what the owner of the account could. */
export interface LocalDatabase {
  prepare(sql: string): {
    bind(...values: unknown[]): ReturnType<LocalDatabase["prepare"]>;
    run(): Promise<{ meta: { changes: number } }>;
    all<T>(): Promise<{ results: T[] }>;
  };
}

export interface DemoCells {
  url: string;
  operatorSecrets: Record<Jurisdiction, string>;
  ledger(jurisdiction: Jurisdiction): Promise<LocalDatabase>;
  stop(): Promise<void>;
}

/** Starts in an empty `folder`. Nothing of `npm start` is touched or needed. */
export async function startDemoCells(folder: string): Promise<DemoCells> {
  const bundles = await Promise.all(WORKERS.map((worker) => bundle(worker, folder)));
  const operatorSecrets = Object.fromEntries(
    JURISDICTIONS.map((jurisdiction) => [jurisdiction, formatOperatorSecret(jurisdiction, randomBytes(32))]),
  ) as Record<Jurisdiction, string>;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: WORKERS.map((worker, i) => workerOptions(worker, bundles[i] as string, operatorSecrets)),
      resourcePersistencePath: path.join(folder, "state"),
      cf: false,
      log: new Log(LogLevel.NONE),
    }),
  );
  const { origin } = await miniflare.ready;
  const database = (jurisdiction: Jurisdiction, binding: string) =>
    miniflare.getD1Database(binding, nameOf(jurisdiction)) as unknown as Promise<LocalDatabase>;
  for (const jurisdiction of JURISDICTIONS) {
    await migrate(await database(jurisdiction, "CONTROL"), "migrations/control");
    await migrate(await database(jurisdiction, "LEDGER_00"), "migrations/ledger");
  }
  return {
    url: origin,
    operatorSecrets,
    ledger: (jurisdiction) => database(jurisdiction, "LEDGER_00"),
    stop: () => miniflare.dispose(),
  };
}

const configOf = (worker: WorkerName): TomlTable => {
  const file = committedConfig(REPOSITORY, worker);
  return localConfig(parse(readFileSync(file, "utf8")), REPOSITORY, REPOSITORY);
};
const nameOf = (worker: WorkerName) => String(configOf(worker).name);

/** The Worker as a deployment would bundle it. */
async function bundle(worker: WorkerName, folder: string): Promise<string> {
  const outdir = path.join(folder, worker);
  const command = ["deploy", "--dry-run", "-c", committedConfig(REPOSITORY, worker), "--outdir", outdir];
  const { code, output } = await runWrangler(REPOSITORY, command);
  if (code !== 0) throw new Error(`${worker} could not be bundled:\n${output.trim()}`);
  return path.join(outdir, `${path.basename(String(configOf(worker).main), ".ts")}.js`);
}

function workerOptions(worker: WorkerName, script: string, operatorSecrets: Record<Jurisdiction, string>) {
  const config = configOf(worker);
  const common = {
    name: nameOf(worker),
    modules: [{ type: "ESModule" as const, path: script, contents: readFileSync(script, "utf8") }],
    modulesRoot: path.dirname(script),
    compatibilityDate: String(config.compatibility_date),
    compatibilityFlags: (config.compatibility_flags ?? []) as string[],
  };
  if (worker === "gateway") {
    const services = (config.services as TomlTable[]).map(({ binding, service }) => [binding, service]);
    return { ...common, serviceBindings: Object.fromEntries(services) };
  }
  const objects = (config.durable_objects as TomlTable).bindings as TomlTable[];
  const named = (list: unknown, name: string) =>
    Object.fromEntries((list as TomlTable[]).map((each) => [String(each.binding), String(each[name])]));
  const secrets = RAW_SECRETS.map((name) => [name, freshSecret(name)]);
  return {
    ...common,
    bindings: {
      ...(config.vars as Record<string, string>),
      ...Object.fromEntries(secrets),
      OPERATOR_SECRET: operatorSecrets[worker],
    },
    durableObjects: Object.fromEntries(
      objects.map(({ name, class_name }) => [String(name), { className: String(class_name), useSQLite: true }]),
    ),
    d1Databases: named(config.d1_databases, "database_name"),
    r2Buckets: named(config.r2_buckets, "bucket_name"),
  };
}

async function migrate(database: LocalDatabase, folder: string): Promise<void> {
  for (const name of readdirSync(path.join(REPOSITORY, folder)).sort()) {
    const sql = readFileSync(path.join(REPOSITORY, folder, name), "utf8");
    for (const statement of splitSqlQuery(sql)) await database.prepare(statement).run();
  }
}
