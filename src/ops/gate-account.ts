/** The part of the gate that asks the account about one cell. Changes nothing there. */
import path from "node:path";
import type { TomlTable } from "smol-toml";
import { guardsMissing, type StoredTrigger, TRIGGERS_SQL } from "../storage/guards.ts";
import type { RunAccount } from "./deploy-account.ts";
import type { Cell, CellBucket, CellDatabase } from "./deploy-config.ts";
import { bucketPlaces, databaseRecord, type Failure, remoteRows, secretNames } from "./deploy-readback.ts";
import { type GateReport, type Refusal, refusal } from "./gate.ts";
import { databasesOf, migrationFiles } from "./migration-target.ts";
import { MAY_LACK, missingSecrets } from "./secrets.ts";

const RECORD_SQL = "SELECT resource, jurisdiction FROM provisioned_resource ORDER BY resource";
const MIGRATIONS_SQL = "SELECT name FROM d1_migrations ORDER BY id";

interface Check {
  what: string;
  ask: () => Promise<Refusal[] | Failure>;
}

/** Everything that the account can say about a cell; stops at the first sign that there is no account. */
export async function accountReport(run: RunAccount, root: string, cell: Cell, vars: TomlTable): Promise<GateReport> {
  const unprovisioned = cell.databases.filter(({ id }) => id === undefined);
  const report: GateReport = {
    refusals: [],
    unchecked: unprovisioned.map(({ name }) => `${cell.jurisdiction}: ${name}: it has no database_id yet`),
    account: true,
  };
  for (const { what, ask } of checksOf(run, root, cell, vars)) {
    const outcome: Refusal[] | Failure | null = report.account ? await ask() : null;
    if (Array.isArray(outcome)) {
      report.refusals.push(...outcome);
      continue;
    }
    report.account &&= outcome?.reason !== "no_account";
    report.unchecked.push(`${cell.jurisdiction}: ${what}`);
    if (outcome && report.account) {
      const said = outcome.said.split("\n")[0]?.trim();
      report.refusals.push(refusal("ACCOUNT_FAILED", `${cell.jurisdiction}: ${what} could not be read (${said})`));
    }
  }
  return report;
}

function checksOf(run: RunAccount, root: string, cell: Cell, vars: TomlTable): Check[] {
  const known = cell.databases.filter(({ id }) => id !== undefined);
  return [
    ...known.map((it) => ({ what: `where ${it.name} is`, ask: () => databaseRefusals(run, cell, it) })),
    ...cell.buckets
      .filter(isNamed)
      .map((it) => ({ what: `where ${it.name} is`, ask: () => bucketRefusals(run, cell, it) })),
    { what: "which secrets the cell has", ask: () => secretRefusals(run, cell, vars) },
    ...known.map((it) => ({ what: `guards of ${it.name}`, ask: () => guardRefusals(run, root, cell, it) })),
    ...known.map((it) => ({ what: `migrations of ${it.name}`, ask: () => migrationRefusals(run, root, cell, it) })),
    ...(known.some(({ binding }) => binding === "CONTROL")
      ? [{ what: "what provisioning recorded", ask: () => recordRefusals(run, cell) }]
      : []),
  ];
}

/** The gateway holds nothing: a secret put by hand would be a binding that no file shows. */
export async function gatewayReport(run: RunAccount, config: string): Promise<GateReport> {
  const names = await secretNames(run, config);
  if (names.ok) {
    const refusals = names.value.map((name) => refusal("GATEWAY_EXTRA", `gateway: it has a secret ${name}`));
    return { refusals, unchecked: [], account: true };
  }
  const account = names.reason !== "no_account";
  return {
    refusals: account ? [refusal("ACCOUNT_FAILED", "gateway: its secrets could not be read")] : [],
    unchecked: ["gateway: that it has no secrets"],
    account,
  };
}

async function databaseRefusals(run: RunAccount, cell: Cell, database: CellDatabase): Promise<Refusal[] | Failure> {
  const { jurisdiction } = cell;
  const answer = await databaseRecord(run, cell, database.binding);
  if (!answer.ok) return /Couldn't find a D1 DB|\[code: 7404\]/.test(answer.said) ? [missing(cell, database)] : answer;
  const { uuid, name, jurisdiction: pinned, replicated } = answer.value;
  const at = `${jurisdiction}: ${database.binding}`;
  const refusals: Refusal[] = [];
  if (uuid !== database.id || name !== database.name) {
    refusals.push(refusal("RESOURCE_DIFFERS", `${at} should be ${database.name} and is ${name} (${uuid})`));
  }
  if (pinned !== jurisdiction)
    refusals.push(refusal("JURISDICTION_MISMATCH", `${at} (${name}) is pinned to ${pinned ?? "nothing"}`));
  if (replicated) refusals.push(refusal("REPLICATION_ON", `${at} (${name}) has read replicas`));
  return refusals;
}

async function bucketRefusals(run: RunAccount, cell: Cell, bucket: CellBucket): Promise<Refusal[] | Failure> {
  const places = await bucketPlaces(run, cell, bucket.name);
  if (!places.ok) return places;
  if (places.value.includes(cell.jurisdiction)) return [];
  const elsewhere = places.value.map((place) => place ?? "nothing");
  return elsewhere.length === 0
    ? [missing(cell, bucket)]
    : [
        refusal(
          "JURISDICTION_MISMATCH",
          `${cell.jurisdiction}: ${bucket.binding} (${bucket.name}) is pinned to ${elsewhere.join(" and ")}`,
        ),
      ];
}

async function secretRefusals(run: RunAccount, cell: Cell, vars: TomlTable): Promise<Refusal[] | Failure> {
  const names = await secretNames(run, cell.config);
  if (!names.ok) return names;
  const shadows = names.value.filter((name) => name in vars || name === "UNPINNED_LOCAL" || name === "BACKLOG_BYTES");
  const missing = missingSecrets(names.value).filter((name) => !MAY_LACK.includes(name));
  return [
    ...missing.map((name) => refusal("SECRET_MISSING", `${cell.jurisdiction}: ${name}`)),
    ...shadows.map((name) => refusal("SECRET_SHADOWS", `${cell.jurisdiction}: ${name} is set as a secret`)),
  ];
}

async function guardRefusals(
  run: RunAccount,
  root: string,
  cell: Cell,
  { binding }: CellDatabase,
): Promise<Refusal[] | Failure> {
  const triggers = await remoteRows<StoredTrigger>(run, cell, binding, TRIGGERS_SQL);
  if (!triggers.ok) return triggers;
  const { guards } = target(root, cell, binding);
  const present = new Set(triggers.value.map(({ name }) => name));
  return guardsMissing(guards, triggers.value).map((name) =>
    present.has(name)
      ? refusal("GUARD_ALTERED", `${cell.jurisdiction}: ${binding}: ${name}`)
      : refusal("GUARD_MISSING", `${cell.jurisdiction}: ${binding}: ${name}`),
  );
}

async function migrationRefusals(
  run: RunAccount,
  root: string,
  cell: Cell,
  { binding }: CellDatabase,
): Promise<Refusal[] | Failure> {
  const applied = await remoteRows<{ name: string }>(run, cell, binding, MIGRATIONS_SQL);
  if (!applied.ok && !/no such table: d1_migrations/.test(applied.said)) return applied;
  const names = applied.ok ? applied.value.map(({ name }) => name) : [];
  const pending = migrationFiles(target(root, cell, binding).folder)
    .map((file) => path.basename(file))
    .filter((name) => !names.includes(name));
  return pending.length === 0
    ? []
    : [refusal("MIGRATIONS_PENDING", `${cell.jurisdiction}: ${binding}: ${pending.join(", ")}`)];
}

async function recordRefusals(run: RunAccount, cell: Cell): Promise<Refusal[] | Failure> {
  const rows = await remoteRows<{ resource: string; jurisdiction: string }>(run, cell, "CONTROL", RECORD_SQL);
  if (!rows.ok && !/no such table: provisioned_resource/.test(rows.said)) return rows;
  const recorded = new Map(rows.ok ? rows.value.map((row) => [row.resource, row.jurisdiction]) : []);
  const { databases, buckets, jurisdiction } = cell;
  return [...databases, ...buckets]
    .filter(({ binding }) => recorded.get(binding) !== jurisdiction)
    .map(({ binding }) => {
      const record = recorded.get(binding);
      return refusal("RECORD_MISSING", `${jurisdiction}: ${binding} is recorded as ${record ?? "nothing"}`);
    });
}

/** A resource without a name was refused before, and cannot be asked for. */
function isNamed({ name }: { name: string }): boolean {
  return name !== "";
}

function missing({ jurisdiction }: Cell, { binding, name }: { binding: string; name: string }): Refusal {
  return refusal("RESOURCE_MISSING", `${jurisdiction}: ${binding}: the account has no ${name}`);
}

function target(root: string, { jurisdiction }: Cell, binding: string) {
  const database = databasesOf({ root, jurisdiction }).find((candidate) => candidate.binding === binding);
  if (!database) throw new Error(`${binding} is no database of the cell ${jurisdiction}`);
  return database;
}
