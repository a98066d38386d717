/** How full the databases of a cell are, and how many entries still fit. */
import { createHash, createHmac } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";

/** A D1 database (PLATFORM §2.1). Bytes. */
export const DATABASE_LIMIT_BYTES = 10_000_000_000;
/** From here on the operator is warned. */
export const WARN_FROM = 0.7;

export interface DatabaseSize {
  binding: string;
  /** Bytes; absent when nobody said. */
  byteLength: number | undefined;
  /** Rows of the log; absent for a database without one. */
  rows?: number | undefined;
}

/**
 * Rows of a ledger without counting them: the guards leave no gap in a domain's run, so its ends are enough. One look-up into
 * the index for each domain, where COUNT(*) would read (and be billed for) every row.
 */
export const ROWS_SQL =
  "WITH RECURSIVE run (domain_id) AS (SELECT min(domain_id) FROM audit_log UNION ALL SELECT (SELECT min(a.domain_id) FROM audit_log a WHERE a.domain_id > run.domain_id) FROM run WHERE run.domain_id IS NOT NULL) SELECT COALESCE(SUM((SELECT max(a.seq) FROM audit_log a WHERE a.domain_id = run.domain_id) - (SELECT min(a.seq) FROM audit_log a WHERE a.domain_id = run.domain_id) + 1), 0) AS n FROM run WHERE run.domain_id IS NOT NULL";

/** One line for a database, and a second one when it fills up. */
export function sizeLines({ binding, byteLength, rows }: DatabaseSize): string[] {
  if (byteLength === undefined) return [`${binding.padEnd(10)} size unknown`];
  const share = byteLength / DATABASE_LIMIT_BYTES;
  const full = `${binding.padEnd(10)} ${megabytes(byteLength)} of ${megabytes(DATABASE_LIMIT_BYTES)} (${percent(share)})`;
  const line = rows === undefined ? full : `${full}, ${rowsLeft(byteLength, rows)}`;
  if (share < WARN_FROM) return [line];
  return [
    line,
    `WARNING    ${binding} is ${percent(share)} full: at 100 % it takes no more entries. Add a ledger shard.`,
  ];
}

function rowsLeft(byteLength: number, rows: number): string {
  if (rows === 0) return "0 rows";
  const rowBytes = byteLength / rows;
  const left = Math.max(0, Math.floor((DATABASE_LIMIT_BYTES - byteLength) / rowBytes));
  return `${count(rows)} rows, room for about ${count(left)} more at ${count(Math.ceil(rowBytes))} bytes a row`;
}

const count = (n: number) => n.toLocaleString("en-GB");
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const megabytes = (byteLength: number) =>
  `${(byteLength / 1e6).toLocaleString("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`;

/** Bytes on this machine: the database's file and what still waits in its journal; `undefined` when there is none. */
export function localByteLength(state: string, databaseId: string): number | undefined {
  const file = path.join(state, "v3/d1", UNIQUE_KEY, `${localFileName(databaseId)}.sqlite`);
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && stat.size + (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0);
}

/** The simulator of D1 keeps each database in an object of this name. */
const UNIQUE_KEY = "miniflare-D1DatabaseObject";

/** The id of that object as workerd derives it from the database's id. */
function localFileName(databaseId: string): string {
  const key = createHash("sha256").update(UNIQUE_KEY).digest();
  const hmac = (bytes: string | Buffer) => createHmac("sha256", key).update(bytes).digest().subarray(0, 16);
  const name = hmac(databaseId);
  return Buffer.concat([name, hmac(name)]).toString("hex");
}
