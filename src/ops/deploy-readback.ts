/**
 * What the account says about a cell's resources, through wrangler 4.155.0. Everything that it answers is untrusted: an answer
 * of another form counts as a failure, never as an absence.
 *
 * What this rests on: a database's own record names its jurisdiction (null or nothing: not pinned). A bucket's does not, but
 * each jurisdiction has a namespace of its own: a bucket is found under its jurisdiction and under no other.
 */
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { jsonOf, lacksAccount, type Ran, type RunAccount, saidBy } from "./deploy-account.ts";
import type { Cell } from "./deploy-config.ts";

export type Failure = { ok: false; reason: "no_account" | "failed"; said: string };
export type Answer<T> = { ok: true; value: T } | Failure;

/** `null`: not pinned. */
export type Pinned = string | null;

export interface DatabaseRecord {
  uuid: string;
  name: string;
  jurisdiction: Pinned;
  replicated: boolean;
  /** Bytes; absent when the account does not say. */
  byteLength: number | undefined;
}

/** Every database of the account with this name: usually none or one. */
export async function databasesNamed(run: RunAccount, { config }: Cell, name: string): Promise<Answer<string[]>> {
  const ran = await run(["d1", "list", "--json", "-c", config]);
  const listed = ran.code === 0 ? jsonOf(ran) : undefined;
  if (!Array.isArray(listed) || !listed.every((row) => typeof row?.uuid === "string" && typeof row?.name === "string"))
    return failure(ran);
  return { ok: true, value: listed.filter((row) => row.name === name).map((row) => row.uuid) };
}

/** A database's record, by its id or by a binding that has one. */
export async function databaseRecord(run: RunAccount, { config }: Cell, id: string): Promise<Answer<DatabaseRecord>> {
  const ran = await run(["d1", "info", id, "--json", "-c", config]);
  const record = ran.code === 0 ? (jsonOf(ran) as Record<string, unknown> | undefined) : undefined;
  const { uuid, name, jurisdiction = null, database_size, file_size, read_replication } = record ?? {};
  if (typeof uuid !== "string" || typeof name !== "string") return failure(ran);
  if (jurisdiction !== null && typeof jurisdiction !== "string") return failure(ran);
  const mode = (read_replication as { mode?: unknown } | null | undefined)?.mode;
  // wrangler renames `file_size`, except when it is 0.
  const size = database_size ?? file_size;
  const byteLength = typeof size === "number" ? size : undefined;
  const replicated = mode !== undefined && mode !== "disabled";
  return { ok: true, value: { uuid, name, jurisdiction, replicated, byteLength } };
}

/** Every place that has a bucket of this name; `null` among them is the namespace without a jurisdiction. */
export async function bucketPlaces(run: RunAccount, { config }: Cell, name: string): Promise<Answer<Pinned[]>> {
  const places: Pinned[] = [];
  for (const place of [null, ...JURISDICTIONS]) {
    const at = await bucketAt(run, config, name, place);
    if (!at.ok) return at;
    if (at.value) places.push(place);
  }
  return { ok: true, value: places };
}

async function bucketAt(
  run: RunAccount,
  config: string,
  name: string,
  place: Jurisdiction | null,
): Promise<Answer<boolean>> {
  const where = place === null ? [] : ["--jurisdiction", place];
  const ran = await run(["r2", "bucket", "info", name, ...where, "--json", "-c", config]);
  if (ran.code === 0) {
    const record = jsonOf(ran) as { name?: unknown } | undefined;
    return record?.name === name ? { ok: true, value: true } : failure(ran);
  }
  return /\[code: 10006\]/.test(saidBy(ran)) ? { ok: true, value: false } : failure(ran);
}

/** Names of the secrets of a Worker; a Worker that does not exist yet has none. */
export async function secretNames(run: RunAccount, config: string): Promise<Answer<string[]>> {
  const ran = await run(["secret", "list", "--format", "json", "-c", config]);
  if (ran.code !== 0 && /Worker "[^"]*"(?: \(env: [^)]*\))? not found/.test(saidBy(ran)))
    return { ok: true, value: [] };
  const listed = ran.code === 0 ? jsonOf(ran) : undefined;
  if (!Array.isArray(listed) || !listed.every((secret) => typeof secret?.name === "string")) return failure(ran);
  return { ok: true, value: listed.map((secret) => secret.name) };
}

/** The rows of one statement against a database in the account. */
export async function remoteRows<T>(
  run: RunAccount,
  { config }: Cell,
  binding: string,
  sql: string,
): Promise<Answer<T[]>> {
  return rowsOf(await run(["d1", "execute", binding, "-c", config, "--remote", "--json", "--command", sql]));
}

export function rowsOf<T>(ran: Ran): Answer<T[]> {
  const answered = ran.code === 0 ? jsonOf(ran) : undefined;
  const [first] = Array.isArray(answered) ? (answered as { success?: unknown; results?: unknown }[]) : [];
  if (first?.success !== true || !Array.isArray(first.results)) return failure(ran);
  return { ok: true, value: first.results as T[] };
}

function failure(ran: Ran): Failure {
  return { ok: false, reason: lacksAccount(ran) ? "no_account" : "failed", said: saidBy(ran) };
}
