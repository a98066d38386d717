/** drizzle's schema.ts is the only schema (STYLE rule 11): the tables that the migrations make are compared with it, both ways. */
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import * as schema from "../../src/storage/schema.ts";
import { control, ledger, run } from "./sql.ts";

const declared = Object.values(schema)
  .filter((value) => is(value, SQLiteTable))
  .map((table) => getTableConfig(table));
const LEDGER_TABLES = [
  ...["audit_log", "ledger_base", "ledger_release", "ledger_hold"],
  ...["audit_private_value", "audit_subject_pii", "audit_index", "audit_posting", "audit_tally"],
];
const databaseOf = (table: string) => (LEDGER_TABLES.includes(table) ? ledger : control);

/** What the product's own tables are, without those of D1 and of wrangler. */
async function tablesOf(db: D1Database) {
  const { results } = await run(db, "PRAGMA table_list");
  return results.filter(({ schema: of, name }) => of === "main" && !/^(?:sqlite_|d1_|_cf_)/.test(String(name)));
}

type Config = (typeof declared)[number];

const declaredShape = (config: Config) => {
  const composite = config.primaryKeys.flatMap((key) => key.columns.map(({ name }) => name));
  const single = config.columns.filter(({ primary }) => primary).map(({ name }) => name);
  const own = config.columns.filter(({ isUnique }) => isUnique).map(({ name }) => name);
  return {
    columns: config.columns.map((column) => ({
      name: column.name,
      type: column.getSQLType().toUpperCase(),
      notNull: column.notNull,
      // An INTEGER PRIMARY KEY has a default that SQLite makes.
      defaultValue: (column.hasDefault ? column.default : null) ?? null,
    })),
    primaryKey: composite.length > 0 ? composite : single,
    unique: [...config.uniqueConstraints.map(({ columns }) => columns.map(({ name }) => name).join()), ...own].sort(),
    indexes: config.indexes.map(({ config: index }) => {
      const columns = index.columns.map((column) => (column as { name: string }).name).join();
      return `${index.name} (${columns})${index.unique ? " unique" : ""}`;
    }),
    foreignKeys: config.foreignKeys
      .map((key) => {
        const { columns, foreignTable, foreignColumns } = key.reference();
        const to = getTableConfig(foreignTable).name;
        return `${columns.map(({ name }) => name)} → ${to} (${foreignColumns.map(({ name }) => name)})`;
      })
      .sort(),
  };
};

async function storedShape(table: string) {
  const db = databaseOf(table);
  const { results: columns } = await run(db, `PRAGMA table_xinfo(${table})`);
  const { results: indexes } = await run(db, `PRAGMA index_list(${table})`);
  const { results: foreignKeys } = await run(db, `PRAGMA foreign_key_list(${table})`);
  const columnsOf = async (index: unknown) =>
    (await run(db, `PRAGMA index_info(${index})`)).results.map(({ name }) => name).join();
  const described = await Promise.all(
    indexes.map(async ({ name, origin, unique }) => ({ name, origin, unique, columns: await columnsOf(name) })),
  );
  return {
    columns: columns.map(({ name, type, notnull, dflt_value }) => ({
      name,
      type,
      notNull: notnull === 1,
      defaultValue: dflt_value,
    })),
    primaryKey: columns
      .filter(({ pk }) => Number(pk) > 0)
      .sort((a, b) => Number(a.pk) - Number(b.pk))
      .map(({ name }) => name),
    unique: described
      .filter(({ origin }) => origin === "u")
      .map(({ columns: of }) => of)
      .sort(),
    indexes: described
      .filter(({ origin }) => origin === "c")
      .map(({ name, columns: of, unique }) => `${name} (${of})${unique === 1 ? " unique" : ""}`),
    foreignKeys: foreignKeys.map(({ from, table: to, to: column }) => `${from} → ${to} (${column})`).sort(),
  };
}

describe("schema.ts and the migrations", () => {
  it("name the same tables", async () => {
    const stored = [...(await tablesOf(control)), ...(await tablesOf(ledger))].map(({ name }) => name);
    expect(declared.map(({ name }) => name).sort()).toEqual(stored.sort());
    expect((await tablesOf(ledger)).map(({ name }) => name).sort()).toEqual([...LEDGER_TABLES].sort());
  });

  it.each(declared.map((config): [string, Config] => [config.name, config]))(
    "agree about %s: columns in order, types, NOT NULL, keys, unique constraints, indexes",
    async (name, config) => {
      expect(await storedShape(name)).toEqual(declaredShape(config));
    },
  );

  it("every table is STRICT", async () => {
    const tables = [...(await tablesOf(control)), ...(await tablesOf(ledger))];
    expect(tables.length).toBe(declared.length);
    for (const { name, strict } of tables) expect(strict, String(name)).toBe(1);
  });

  it("S4-13 S4-14 a domain has each seq, each entry hash and each id once", async () => {
    const { primaryKey, unique } = await storedShape("audit_log");
    expect(primaryKey).toEqual(["domain_id", "seq"]);
    expect(unique).toEqual(["domain_id,entry_hash", "domain_id,id"]);
  });
});
