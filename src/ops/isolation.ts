/**
 * Whether three wrangler configurations keep the jurisdictions apart: "physical isolation, not a policy check". Whoever
 * adds a resource gets a fault until this file says what may stand on both sides of the border.
 */
import type { TomlTable, TomlValue } from "smol-toml";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { isCellSecret } from "./secrets.ts";

export type Configurations = { gateway: TomlTable } & Record<Jurisdiction, TomlTable>;

const GATEWAY_KEYS = ["name", "main", "compatibility_date", "services", "observability", "assets"];
/** The verifier's page: files without a binding, so code cannot read or write them. */
const GATEWAY_ASSETS = { directory: "./public" };

/** Values that both cells share because they name code and not a place. Everything else must differ. */
const SHARED = [
  /^main$/,
  /^compatibility_date$/,
  /^compatibility_flags\[\d+\]$/,
  /^durable_objects\.bindings\[\d+\]\.(?:name|class_name)$/,
  /^exports\.\w+\.(?:type|storage)$/,
  /^(?:d1_databases|r2_buckets)\[\d+\]\.binding$/,
  // One service for every account: it stores nothing of a cell's.
  /^send_email\[\d+\]\.name$/,
  /^d1_databases\[\d+\]\.migrations_dir$/,
  /^triggers\.crons\[\d+\]$/,
  /^vars\.(?:LOG_HOST|PUBLIC_ORIGIN|MAIL_FROM|BACKLOG_BYTES|RETENTION_INTERVAL_S|RETENTION_BATCH|SELF_CHECK_INTERVAL_S|TOKEN_(?:AUDIENCE|ALGORITHM|LIFETIME_S))$/,
];
/** Public keys, and addresses of others. They may be the same in both cells, or not. */
const OF_OTHERS =
  /^vars\.(?:WITNESSED_LOGS|WITNESSES|WITNESSES_REQUIRED|PROBE_KEYS|LOG_RETIRED_KEYS|TOKEN_RETIRED_KEYS)$/;

/** What breaks the isolation, one line each; empty when nothing does. Pure. */
export function isolationFaults({ gateway, ...cells }: Configurations): string[] {
  return [
    ...gatewayFaults(gateway, cells),
    ...JURISDICTIONS.flatMap((jurisdiction) => cellFaults(jurisdiction, cells[jurisdiction])),
    ...sharedFaults(cells),
    ...differenceFaults(cells),
  ];
}

function gatewayFaults(gateway: TomlTable, cells: Record<Jurisdiction, TomlTable>): string[] {
  const faults = Object.keys(gateway)
    .filter((key) => !GATEWAY_KEYS.includes(key))
    .map((key) => `gateway: ${key} is no part of a gateway, which has two service bindings and nothing else`);
  if (JSON.stringify(gateway.assets ?? GATEWAY_ASSETS) !== JSON.stringify(GATEWAY_ASSETS)) {
    faults.push("gateway: assets are not exactly the folder public, without a binding");
  }
  const expected = JURISDICTIONS.map((jurisdiction) => ({
    binding: `CELL_${jurisdiction.toUpperCase()}`,
    service: cells[jurisdiction].name,
  }));
  if (JSON.stringify(gateway.services) !== JSON.stringify(expected)) {
    faults.push("gateway: services are not exactly one binding to each cell");
  }
  return faults;
}

function cellFaults(jurisdiction: Jurisdiction, cell: TomlTable): string[] {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string) => holds || faults.push(`${jurisdiction}: ${fault}`);
  const vars = table(cell.vars);
  expect(vars.JURISDICTION === jurisdiction, "vars.JURISDICTION is not the file's jurisdiction");
  expect(vars.DO_JURISDICTION === jurisdiction, "vars.DO_JURISDICTION does not pin the objects");
  expect(vars.UNPINNED_LOCAL === undefined, "UNPINNED_LOCAL belongs to generated local configurations only");
  for (const name of Object.keys(vars)) expect(!isCellSecret(name), `vars.${name} is a secret`);
  expect(cell.workers_dev === false && cell.preview_urls === false, "has a public address");
  for (const key of ["routes", "route", "services", "env", "dispatch_namespaces", "hyperdrive", "kv_namespaces"]) {
    expect(cell[key] === undefined, `${key}: a cell has no such thing`);
  }
  for (const bucket of tables(cell.r2_buckets)) {
    expect(bucket.jurisdiction === jurisdiction, `bucket ${bucket.binding} is not pinned to ${jurisdiction}`);
  }
  for (const database of tables(cell.d1_databases)) {
    expect(typeof database.preview_database_id === "string", `database ${database.binding} has no local id of its own`);
  }
  for (const [path, value] of leaves(cell)) {
    expect(!/\.(?:remote|script_name|preview_bucket_name)$/.test(path), `${path} leads out of the cell (${value})`);
  }
  return faults;
}

function sharedFaults(cells: Record<Jurisdiction, TomlTable>): string[] {
  const [eu, us] = JURISDICTIONS.map((jurisdiction) => leaves(cells[jurisdiction]).filter(([path]) => isPlace(path)));
  const inUs = new Map(us?.map(([path, value]) => [value, path]));
  return (eu ?? [])
    .filter(([, value]) => inUs.has(value))
    .map(([path, value]) => `both cells name ${value} (${path}, ${inUs.get(value)})`);
}

/** The same classes, bindings and settings on both sides; only names that carry the jurisdiction and provisioned ids differ. */
function differenceFaults(cells: Record<Jurisdiction, TomlTable>): string[] {
  const shape = (jurisdiction: Jurisdiction) =>
    leaves(cells[jurisdiction], true)
      .filter(([path]) => !path.endsWith(".database_id") && !OF_OTHERS.test(path))
      // A shared value may contain the word by chance: log.customer.eu is the log host of both cells.
      .map(
        ([path, value]) =>
          `${path} = ${isPlace(path) ? String(value).replace(new RegExp(`\\b${jurisdiction}\\b`, "g"), "‹here›") : value}`,
      );
  const [eu, us] = JURISDICTIONS.map((jurisdiction) => new Set(shape(jurisdiction)));
  if (!eu || !us) return [];
  const onOneSide = [...eu].filter((line) => !us.has(line)).concat([...us].filter((line) => !eu.has(line)));
  return onOneSide.map((line) => `only one of the cells has ${line}`);
}

function isPlace(path: string): boolean {
  return !OF_OTHERS.test(path) && !SHARED.some((shared) => shared.test(path));
}

/** Every string of a configuration (with `all`, every scalar) with its path. */
function leaves(value: TomlValue | undefined, all = false, path = ""): [path: string, value: unknown][] {
  if (Array.isArray(value)) return value.flatMap((item, i) => leaves(item, all, `${path}[${i}]`));
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    return Object.entries(value).flatMap(([key, child]) => leaves(child, all, path ? `${path}.${key}` : key));
  }
  return all || typeof value === "string" || /\.(?:remote)$/.test(path) ? [[path, value]] : [];
}

function table(value: TomlValue | undefined): TomlTable {
  return (value ?? {}) as TomlTable;
}

function tables(value: TomlValue | undefined): TomlTable[] {
  return (value ?? []) as TomlTable[];
}
