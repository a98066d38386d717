/**
 * The process that a storm kills: miniflare with workerd as its child, both in this process's group. Started by
 * `cell-process.ts` with the plan as its argument; says on the IPC channel where each cell listens.
 */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { REPOSITORY } from "../../../src/ops/paths.ts";
import { bundledWorker } from "./bundle.ts";
import {
  BUCKETS,
  bucketName,
  type CellPlan,
  DATABASES,
  databaseId,
  OBJECT_CLASSES,
  type RunPlan,
  settingsOf,
} from "./plan.ts";

const COMPATIBILITY_DATE = "2026-10-20";

/** Of wrangler.eu.toml and wrangler.us.toml. */
const CRON = "*/5 * * * *";

export interface Started {
  /** Address of each Worker by its name. */
  urls: Record<string, string>;
}

const plan = JSON.parse(process.argv[2] ?? "") as RunPlan;
const mf = new Miniflare(
  convertV4MiniflareOptions({
    workers: [...(plan.gateway ? [await gatewayOptions()] : []), ...(await Promise.all(plan.cells.map(cellOptions)))],
    resourcePersistencePath: plan.state,
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    telemetry: { enabled: false },
  }),
);
// Nobody left to serve: workerd ends with this process.
process.once("disconnect", () => process.exit(0));
await mf.ready;
await migrate();
const names = [...(plan.gateway ? ["gateway"] : []), ...plan.cells.map(({ name }) => name)];
const urls = await Promise.all(
  names.map(async (name) => [name, String(await mf.unsafeGetDirectURL(name)).replace(/\/$/, "")]),
);
process.on("message", async (name: string) => {
  const worker = await mf.getWorker(name);
  const { outcome } = await worker.scheduled({ cron: CRON });
  process.send?.({ outcome });
});
process.send?.({ urls: Object.fromEntries(urls) } satisfies Started);

async function gatewayOptions(): Promise<V4WorkerOptions> {
  return {
    ...workerOf("gateway", await bundledWorker("gateway")),
    serviceBindings: { CELL_EU: "moonseal-cell-eu", CELL_US: "moonseal-cell-us" },
  };
}

async function cellOptions(cell: CellPlan): Promise<V4WorkerOptions> {
  const { name, jurisdiction } = cell;
  const classes = Object.entries(OBJECT_CLASSES).map(([binding, className]) => [
    binding,
    { className, useSQLite: true },
  ]);
  return {
    ...workerOf(name, await bundledWorker(jurisdiction)),
    bindings: settingsOf(cell),
    durableObjects: Object.fromEntries(classes),
    d1Databases: Object.fromEntries(DATABASES.map((binding) => [binding, databaseId(binding, jurisdiction)])),
    r2Buckets: Object.fromEntries(BUCKETS.map((binding) => [binding, bucketName(binding, jurisdiction)])),
  };
}

function workerOf(name: string, contents: string): V4WorkerOptions {
  return {
    name,
    modules: [{ type: "ESModule", path: "worker.js", contents }],
    compatibilityDate: COMPATIBILITY_DATE,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

/** Empty databases get the released migrations; others are left as they are. */
async function migrate(): Promise<void> {
  for (const { name } of plan.cells) {
    for (const binding of DATABASES) {
      const database = await mf.getD1Database(binding, name);
      const [tables] = await database.batch<{ n: number }>([
        database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name IN ('tenant', 'audit_log')"),
      ]);
      if (tables?.results[0]?.n) continue;
      const statements = migrationsOf(binding === "CONTROL" ? "control" : "ledger");
      await database.batch(statements.map((sql) => database.prepare(sql)));
    }
  }
}

/** A statement ends where a line ends with a semicolon: a trigger stands on one line (test/migrations/lint.test.ts). */
function migrationsOf(folder: string): string[] {
  const files = globSync(`migrations/${folder}/*.sql`, { cwd: REPOSITORY }).sort();
  const sql = files.map((file) => readFileSync(path.join(REPOSITORY, file), "utf8")).join("\n");
  const code = sql.replaceAll(/^\s*--.*$/gm, "");
  return code
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
