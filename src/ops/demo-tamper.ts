/**
 * What somebody who owns the database can do to a log, past the product: three ways, each first as anybody would try it (the
 * guards refuse) and then with the guards dropped.
 */

import { fromHex, toHex } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import { entryHash } from "../core/chain.ts";
import { sha256 } from "../crypto/sha256.ts";
import type { LocalDatabase } from "./demo-cells.ts";

export interface StoredRow {
  seq: number;
  id: string;
  prevHash: string;
  entryHash: string;
  payload: string;
}

/** The database's own words; throws when it refuses nothing. */
export async function refusalOf(database: LocalDatabase, sql: string, ...values: unknown[]): Promise<string> {
  try {
    await run(database, sql, ...values);
  } catch (error) {
    const said = /(audit_log [^:]+(?:: [a-z _]+)?)/.exec((error as Error).message)?.[1];
    if (said) return said.trim();
    throw error;
  }
  throw new Error("the guards of the ledger refused nothing");
}

/** All guards of the ledger away; resolves to how to put them back. */
export async function dropGuards(database: LocalDatabase): Promise<() => Promise<void>> {
  const sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";
  const { results } = await database.prepare(sql).all<{ name: string; sql: string }>();
  for (const { name } of results) await run(database, `DROP TRIGGER ${name}`);
  return async () => {
    for (const guard of results) await run(database, guard.sql);
  };
}

export async function run(database: LocalDatabase, sql: string, ...values: unknown[]): Promise<void> {
  await database
    .prepare(sql)
    .bind(...values)
    .run();
}

export async function rowAt(database: LocalDatabase, domainId: string, seq: number): Promise<StoredRow> {
  const sql =
    "SELECT seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload FROM audit_log WHERE domain_id = ?1 AND seq = ?2";
  const { results } = await database.prepare(sql).bind(domainId, seq).all<StoredRow>();
  if (!results[0]) throw new Error(`there is no entry ${seq}`);
  return results[0];
}

export const CHANGE = "UPDATE audit_log SET payload = ?3 WHERE domain_id = ?1 AND seq = ?2";
export const CUT = "DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= ?2";
const INSERT =
  "INSERT INTO audit_log (domain_id, seq, id, prev_hash, entry_hash, payload) VALUES (?1, ?2, ?3, unhex(?4), unhex(?5), ?6)";

/** One character of the payload is another one; everything else stays. */
export function oneByteOff(payload: string): { payload: string; from: string; to: string } {
  const at = payload.lastIndexOf('"outcome":"') + '"outcome":"'.length;
  const from = payload[at] as string;
  const to = String.fromCharCode(from.charCodeAt(0) ^ 1);
  return { payload: payload.slice(0, at) + to + payload.slice(at + 1), from, to };
}

/** A made-up entry that is right in itself: its place, the hash before it, and its own hash, as anybody can compute it. */
export function forgedRow({ seq, prevHash, payload }: StoredRow): StoredRow {
  const id = "invented-by-the-owner";
  const forged = canonicalJson({ ...JSON.parse(payload), id, action: "consent.given", outcome: "success" });
  const prev = fromHex(prevHash) ?? new Uint8Array(32);
  return { seq, id, prevHash, entryHash: toHex(entryHash(sha256, prev, forged)), payload: forged };
}

export async function insertRow(
  database: LocalDatabase,
  domainId: string,
  { seq, id, prevHash, entryHash, payload }: StoredRow,
): Promise<void> {
  await run(database, INSERT, domainId, seq, id, prevHash, entryHash, payload);
}

/** Room for one more row: what stood there and after it moves up by one. Away and back again, as each seq is unique. */
export async function moveUp(database: LocalDatabase, domainId: string, fromSeq: number): Promise<void> {
  const offset = 1_000_000_000;
  await run(
    database,
    "UPDATE audit_log SET seq = seq + ?3 WHERE domain_id = ?1 AND seq >= ?2",
    domainId,
    fromSeq,
    offset,
  );
  await run(
    database,
    "UPDATE audit_log SET seq = seq - ?3 WHERE domain_id = ?1 AND seq >= ?2",
    domainId,
    offset,
    offset - 1,
  );
}
