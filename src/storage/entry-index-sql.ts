/**
 * The statements of a query over one shard's index. Each walks the primary key of audit_posting from one place on, over at most
 * `window` postings of one term, and looks every other clause up there: no statement costs more than that, however long the log
 * is. Term numbers are made by this software and stand in the text, because D1 binds at most 100 values.
 */
import type { EntryFilter } from "../core/query/filter.ts";
import type { EntryOrder, EntryPlace } from "../services/ports.ts";

/** A clause beside the one that is walked. */
export interface Lookup {
  terms: readonly number[];
  not: boolean;
}

export interface Walk {
  /** Of the domain in this shard. */
  number: number;
  term: number;
  also: readonly Lookup[];
  time: Pick<EntryFilter, "afterMs" | "beforeMs">;
  order: EntryOrder;
  /** Begins behind this place; null: at the beginning of the order. */
  after: EntryPlace | null;
  window: number;
  limit: number;
}

export interface Statement {
  sql: string;
  values: (string | number)[];
}

/** Dropped or begun anew since `number` was read: what it names is gone. `?1` the domain, `?2` its number, `?3` the salt in hex. */
export const STILL_THERE =
  "SELECT 1 AS there FROM audit_index WHERE domain_id = ?1 AND number = ?2 AND salt = unhex(?3) AND size >= 0";

/** What is known of the index, and of the rows that it is behind. `?1` the domain. */
export const STATE = "SELECT number, lower(hex(salt)) AS salt, size FROM audit_index WHERE domain_id = ?1";
export const COPIED =
  "SELECT (SELECT min(seq) FROM audit_log WHERE domain_id = ?1) AS first, (SELECT max(seq) FROM audit_log WHERE domain_id = ?1) AS seq";

/** Places of the entries that every clause holds for, in order: at most `limit`, out of the next `window` postings of the term. */
export function keysOf(walk: Walk): Statement {
  const { sql, values } = windowOf(walk, walk.also.length > 0 ? walk.window : Math.min(walk.window, walk.limit));
  return {
    sql: `SELECT w.at AS at, w.seq AS seq FROM (${sql}) w WHERE true${conditions(walk.also)} LIMIT ${whole(walk.limit)}`,
    values,
  };
}

/** The last place of a window that is full; no row: behind the window nothing is left. */
export function endOf(walk: Walk): Statement {
  const { from, values, direction } = rangeOf(walk);
  return {
    sql: `SELECT at, seq FROM audit_posting WHERE number = ?1 AND term = ${whole(walk.term)}${from}
      ORDER BY at ${direction}, seq ${direction} LIMIT 1 OFFSET ${whole(walk.window - 1)}`,
    values,
  };
}

/** `found` of the `scanned` next postings of the term; `scanned` at most `window`. */
export function countOf(walk: Walk): Statement {
  const { sql, values } = windowOf(walk, walk.window);
  return {
    sql: `SELECT count(*) AS scanned, coalesce(sum(true${conditions(walk.also)}), 0) AS found FROM (${sql}) w`,
    values,
  };
}

/** Rows of the ledger by their seqs, in the order of these, ended early by their size. `?1` domain, `?2` seqs, `?3` characters. */
export const ROWS_AT = `SELECT seq, id, prevHash, entryHash, payload, found FROM (
    SELECT e.key AS place, a.seq AS seq, a.id AS id, lower(hex(a.prev_hash)) AS prevHash,
      lower(hex(a.entry_hash)) AS entryHash, a.payload AS payload, count(*) OVER () AS found,
      sum(length(a.payload)) OVER (ORDER BY e.key ROWS UNBOUNDED PRECEDING) - length(a.payload) AS before
    FROM json_each(?2) e CROSS JOIN audit_log a ON a.domain_id = ?1 AND a.seq = e.value)
  WHERE before < ?3 ORDER BY place`;

/** Sums of a kind, most frequent first: `?1` number, `?2` kind, `?3` and `?4` days, `?5` sums read, `?6` values. */
export const TALLIES = `SELECT value, sum(count) AS count, sum(count(*)) OVER () AS sums FROM (
    SELECT value, count FROM audit_tally WHERE number = ?1 AND kind = ?2 AND day BETWEEN ?3 AND ?4
    ORDER BY day, value LIMIT ?5)
  GROUP BY value ORDER BY count DESC, value LIMIT ?6`;
/** Entries of each day: every entry has one outcome. */
export const DAYS = `SELECT day, sum(count) AS count, sum(count(*)) OVER () AS sums FROM (
    SELECT day, count FROM audit_tally WHERE number = ?1 AND kind = 'outcome' AND day BETWEEN ?2 AND ?3
    ORDER BY day LIMIT ?4)
  GROUP BY day ORDER BY day`;

function windowOf(walk: Walk, window: number): Statement {
  const { from, values, direction } = rangeOf(walk);
  return {
    sql: `SELECT at, seq FROM audit_posting WHERE number = ?1 AND term = ${whole(walk.term)}${from}
      ORDER BY at ${direction}, seq ${direction} LIMIT ${whole(window)}`,
    values,
  };
}

/** Of the two bounds on the side where the walk begins only the nearer one is said: one range of the key. */
function rangeOf({ number, time, order, after }: Walk) {
  const { afterMs, beforeMs } = time;
  const values: number[] = [number];
  const bound = (value: number) => `?${values.push(value)}`;
  const ascending = order === "asc";
  const isInside =
    after !== null && (ascending ? after.at >= (afterMs ?? after.at) : after.at < (beforeMs ?? after.at + 1));
  const begins = ascending
    ? isInside || afterMs === null
      ? ""
      : ` AND at >= ${bound(afterMs)}`
    : isInside || beforeMs === null
      ? ""
      : ` AND at < ${bound(beforeMs)}`;
  const behind = isInside ? ` AND (at, seq) ${ascending ? ">" : "<"} (${bound(after.at)}, ${bound(after.seq)})` : "";
  const ends = ascending
    ? beforeMs === null
      ? ""
      : ` AND at < ${bound(beforeMs)}`
    : afterMs === null
      ? ""
      : ` AND at >= ${bound(afterMs)}`;
  return { from: begins + behind + ends, values, direction: ascending ? "ASC" : "DESC" };
}

/** IS TRUE, IS FALSE: SQLite may turn a bare EXISTS into a join, and a join need not keep the window's order. */
const conditions = (also: readonly Lookup[]) =>
  also.map((lookup) => ` AND EXISTS (${lookupSql(lookup)}) IS ${lookup.not ? "FALSE" : "TRUE"}`).join("");

function lookupSql({ terms }: Lookup): string {
  return `SELECT 1 FROM audit_posting p WHERE p.number = ?1 AND p.term IN (${terms.map(whole).join(", ")})
    AND p.at = w.at AND p.seq = w.seq`;
}

/** Only digits reach a statement's text. */
function whole(number: number): number {
  if (!Number.isSafeInteger(number) || number < 0) throw new Error("not a whole number");
  return number;
}
