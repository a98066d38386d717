/** The pinned resources of a cell in the account: found or created, and always read back. Nothing is ever deleted. */
import type { RunAccount } from "./deploy-account.ts";
import { saidBy } from "./deploy-account.ts";
import type { Cell, CellBucket, CellDatabase } from "./deploy-config.ts";
import { type Answer, bucketPlaces, databaseRecord, databasesNamed, type Pinned } from "./deploy-readback.ts";
import { Refused } from "./deploy-refusal.ts";

/** A database or bucket that the account has, pinned to the cell's jurisdiction. */
export interface Found {
  binding: string;
  name: string;
  /** Of a database. */
  id?: string;
}

/** The database if it is there; `null` when it has to be created. Throws `Refused` when it is not pinned to the cell. */
export async function findDatabase(run: RunAccount, cell: Cell, database: CellDatabase): Promise<Found | null> {
  const { binding, name } = database;
  if (name === "") throw new Refused("RESOURCE_UNNAMED", `${binding} has no database_name in ${cell.config}`);
  const ids = database.id === undefined ? answered(await databasesNamed(run, cell, name)) : [database.id];
  if (ids.length > 1) throw new Refused("RESOURCE_DIFFERS", `the account has ${ids.length} databases named ${name}`);
  const [id] = ids;
  if (id === undefined) return null;
  const record = answered(await databaseRecord(run, cell, id));
  if (record.uuid !== id || record.name !== name) {
    throw new Refused(
      "RESOURCE_DIFFERS",
      `${binding}: the account's ${id} is the database ${record.name}, not ${name}. Correct database_id in ${cell.config}, or remove that line to look ${name} up by name.`,
    );
  }
  demandPinned(cell, binding, name, [record.jurisdiction]);
  return { binding, name, id };
}

/** The bucket if it is there; `null` when it has to be created. Throws `Refused` when there is one elsewhere. */
export async function findBucket(run: RunAccount, cell: Cell, { binding, name }: CellBucket): Promise<Found | null> {
  if (name === "") throw new Refused("RESOURCE_UNNAMED", `${binding} has no bucket_name in ${cell.config}`);
  const places = answered(await bucketPlaces(run, cell, name));
  demandPinned(cell, binding, name, places);
  return places.length === 0 ? null : { binding, name };
}

/** Creates it and reads it back: what the account has counts, not what the command said. */
export async function createDatabase(run: RunAccount, cell: Cell, database: CellDatabase): Promise<Found> {
  const { jurisdiction, config } = cell;
  const how = ["--jurisdiction", jurisdiction, "--no-update-config", "-c", config];
  const ran = await run(["d1", "create", database.name, ...how]);
  return (await findDatabase(run, cell, database)) ?? notThere(database.name, saidBy(ran));
}

export async function createBucket(run: RunAccount, cell: Cell, bucket: CellBucket): Promise<Found> {
  const { jurisdiction, config } = cell;
  const how = ["--jurisdiction", jurisdiction, "--no-update-config", "-c", config];
  const ran = await run(["r2", "bucket", "create", bucket.name, ...how]);
  return (await findBucket(run, cell, bucket)) ?? notThere(bucket.name, saidBy(ran));
}

/** The value of an answer; throws `Refused` when the account gave none. */
export function answered<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  if (answer.reason === "no_account") {
    throw new Refused(
      "ACCOUNT_UNKNOWN",
      "set CLOUDFLARE_API_TOKEN (scoped, docs/deploying.md) and CLOUDFLARE_ACCOUNT_ID",
    );
  }
  throw new Refused("ACCOUNT_FAILED", `the account did not answer as expected. Run it again.\n${answer.said}`);
}

function demandPinned({ jurisdiction }: Cell, binding: string, name: string, places: readonly Pinned[]): void {
  const elsewhere = places.find((place) => place !== jurisdiction);
  if (elsewhere === undefined) return;
  const where = elsewhere === null ? "is not pinned" : `is pinned to ${elsewhere}`;
  throw new Refused(
    "JURISDICTION_MISMATCH",
    `${binding}: ${name} exists and ${where}, not to ${jurisdiction}. A jurisdiction never changes and nothing is deleted here: remove it yourself if it is not needed, or use another name.`,
  );
}

function notThere(name: string, said: string): never {
  throw new Refused("CREATE_FAILED", `${name} was not created. Run it again.\n${said}`);
}
