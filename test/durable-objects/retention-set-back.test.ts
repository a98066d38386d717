/** Retention of entries beside a ledger (D1) that was set back to a time before it. */
import { expect, test } from "vitest";
import { append, bareDomain, env, event, logOf } from "../support/cell.ts";
import { hotSeqs, retain, rowsIn, settled } from "../support/prune.ts";

const BY_DOMAIN = ["audit_log", "audit_private_value", "ledger_base", "ledger_release", "audit_index"];
const BY_NUMBER = ["audit_posting", "audit_tally"];
type Row = Record<string, unknown>;

const whereOf = (table: string) =>
  BY_DOMAIN.includes(table)
    ? `${table} WHERE domain_id = ?1`
    : `${table} WHERE number = (SELECT number FROM audit_index WHERE domain_id = ?1)`;

/** What a restore to this moment brings back of one domain. */
async function ledgerOf(domainId: string): Promise<Map<string, Row[]>> {
  const tables = new Map<string, Row[]>();
  for (const table of [...BY_DOMAIN, ...BY_NUMBER]) {
    const { results } = await env.LEDGER_00.prepare(`SELECT * FROM ${whereOf(table)}`)
      .bind(domainId)
      .all<Row>();
    tables.set(table, results);
  }
  return tables;
}

async function setBack(domainId: string, tables: ReadonlyMap<string, Row[]>): Promise<void> {
  const db = env.LEDGER_00;
  const triggers = await db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all<{
    name: string;
    sql: string;
  }>();
  const bytes = (value: unknown) => (Array.isArray(value) ? new Uint8Array(value) : value);
  const inserts = [...tables].flatMap(([table, rows]) =>
    rows.map((row) => {
      const places = Object.keys(row).map((_, i) => `?${i + 1}`);
      const sql = `INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${places.join()})`;
      return db.prepare(sql).bind(...Object.values(row).map(bytes));
    }),
  );
  await db.batch([
    ...triggers.results.map(({ name }) => db.prepare(`DROP TRIGGER ${name}`)),
    ...[...BY_NUMBER, ...BY_DOMAIN].map((table) => db.prepare(`DELETE FROM ${whereOf(table)}`).bind(domainId)),
    ...inserts,
    ...triggers.results.map(({ sql }) => db.prepare(sql)),
  ]);
}

async function named(domainId: string): Promise<number | null> {
  const sql = "SELECT count(*) AS n FROM audit_private_value WHERE domain_id = ? AND seq < 8";
  return env.LEDGER_00.prepare(sql).bind(domainId).first<number>("n");
}

test("S4-1 rows that come back with a database that was set back leave again, also when the archive has them no more", async () => {
  const domainId = await bareDomain(4);
  await append(
    domainId,
    Array.from({ length: 10 }, () => event()),
  );
  await settled(domainId);
  const before = await ledgerOf(domainId);
  await retain(domainId, { hot: "P1D", whole: "P1D" });
  expect(await logOf(domainId).head()).toMatchObject({ firstHot: 10, firstKept: 8 });
  await setBack(domainId, before);
  expect([await hotSeqs(domainId), await named(domainId)]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 7]);
  // Nothing else is old enough for this run.
  const { runs, alerts } = await retain(domainId, { hot: "P7Y", whole: "P7Y" });
  expect(alerts).toEqual([]);
  expect(runs).toMatchObject([{ status: "done", done: 10 }]);
  expect([(await hotSeqs(domainId))[0], await named(domainId)]).toEqual([10, 0]);
  await settled(domainId);
  const sums = `SELECT sum(count) AS n FROM audit_tally t JOIN audit_index i USING (number)
    WHERE i.domain_id = ? AND t.kind = 'action'`;
  const counted = await env.LEDGER_00.prepare(sums).bind(domainId).first<number>("n");
  expect(counted).toBe((await hotSeqs(domainId)).length);
  expect(await rowsIn(domainId, "audit_posting")).toBeGreaterThan(0);
});
