/** What the storage tests share: raw SQL through the binding, pictures of a table, chains for fresh domains. */
import type { D1Migration } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { makeId } from "../../src/core/ids.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { env, jurisdiction } from "../support/cell.ts";

export const ledger = env.LEDGER_00;
export const control = env.CONTROL;
export const migrations = (env as unknown as { TEST_MIGRATIONS: Record<"CONTROL" | "LEDGER_00", D1Migration[]> })
  .TEST_MIGRATIONS;

export const newId = (kind: "tenant" | "domain" | "apiKey") => makeId(kind, jurisdiction, uuidv7());

export const run = (db: D1Database, sql: string, ...values: unknown[]) =>
  db
    .prepare(sql)
    .bind(...values)
    .all<Record<string, unknown>>();

/** What the database said against a statement; "accepted" when it had nothing against it. */
export async function refusal(db: D1Database, sql: string, ...values: unknown[]): Promise<string> {
  try {
    await run(db, sql, ...values);
    return "accepted";
  } catch (error) {
    return String(error);
  }
}

/** Every byte of a table, with the types that are stored. */
export async function picture(db: D1Database, table: string): Promise<string> {
  const { results: columns } = await run(db, `PRAGMA table_xinfo(${table})`);
  const quoted = columns.map(({ name }) => `quote("${name}")`).join(" || ',' || ");
  const { results } = await run(db, `SELECT ${quoted} AS line FROM ${table} ORDER BY line`);
  return results.map(({ line }) => line).join("\n");
}

export const valuesOf = (domainId: string, row: EntryRow) => [
  domainId,
  row.seq,
  row.id,
  row.prevHash,
  row.entryHash,
  row.payload,
];

/** Wraps a database so that every statement and what was bound to it can be looked at. */
export function recording(db: D1Database): { db: D1Database; statements: { sql: string; values: unknown[] }[] } {
  const statements: { sql: string; values: unknown[] }[] = [];
  const prepare = (sql: string) => {
    const noted = { sql, values: [] as unknown[] };
    statements.push(noted);
    const prepared = db.prepare(sql);
    const bind = (...values: unknown[]) => {
      noted.values = values;
      return prepared.bind(...values);
    };
    return { bind, all: () => prepared.all() };
  };
  const batch = (list: D1PreparedStatement[]) => db.batch(list);
  return { db: { prepare, batch } as unknown as D1Database, statements };
}
