/** The sweep of a deleted tenant knows every table that can name a tenant or a domain. */
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import * as schema from "../../src/storage/schema.ts";
import { KEPT_TABLES, LEDGER_SWEEP, RECORD_TABLES } from "../../src/storage/tenant-sweep-sql.ts";
import { env } from "../support/cell.ts";

const tables = Object.values<unknown>(schema).filter((table): table is SQLiteTable => is(table, SQLiteTable));
/** `number` stands for a domain in one shard's index. */
const OWNERS = ["tenant_id", "domain_id", "number"];

describe("S3-44 the sweep of a deleted tenant", () => {
  it("deletes from every table of the schema that names a tenant or a domain, or says that it is kept", () => {
    const owned = tables
      .filter((table) => Object.values(getTableColumns(table)).some(({ name }) => OWNERS.includes(name)))
      .map(getTableName);
    const swept = [...LEDGER_SWEEP, ...RECORD_TABLES].map(({ table }) => table);
    expect([...swept, ...KEPT_TABLES].sort()).toEqual([...owned, "tenant"].sort());
  });

  it.each(LEDGER_SWEEP.map(({ table, sql }) => [table, sql] as const))(
    "finds the rows of %s by their domain, without reading those of others",
    async (table, sql) => {
      const plan = await env.LEDGER_00.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind("dom").all<{ detail: string }>();
      const details = plan.results.map(({ detail }) => detail).filter((detail) => /^(SCAN|SEARCH)/.test(detail));
      const real = details.filter((detail) => detail.includes(table));
      expect(real.length).toBeGreaterThan(0);
      for (const detail of real) expect(detail).toMatch(/^SEARCH .*(?:domain_id|number)=\?/);
    },
  );
});
