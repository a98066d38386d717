import { describe, expect, it } from "vitest";
import { AUDIT_TABLES, refusalsIn } from "../../src/ops/migration-refusals.ts";

const reasons = (sql: string) => refusalsIn(sql).map(({ reason }) => reason);

describe("S4-4 a migration may not", () => {
  it.each(AUDIT_TABLES)("drop, rename, rebuild, empty or rewrite %s", (table) => {
    for (const sql of [
      `DROP TABLE ${table};`,
      `drop table if exists ${table}`,
      `DROP\n  TABLE "${table}";`,
      `DROP TABLE '${table}'`,
      `DROP TABLE \`${table}\``,
      `DROP TABLE [${table}]`,
      `DROP TABLE main.${table}`,
      `DROP TABLE "main" . "${table.toUpperCase()}"`,
      `DROP/* */TABLE -- x\n ${table}`,
      `ALTER TABLE ${table} RENAME TO old`,
      `ALTER TABLE ${table} RENAME COLUMN a TO b`,
      `ALTER TABLE ${table} RENAME a TO b`,
      `ALTER TABLE ${table} DROP COLUMN a`,
      `ALTER TABLE __new_${table} RENAME TO ${table}`,
      `ALTER TABLE __new RENAME TO "${table}"`,
      `DELETE FROM ${table}`,
      `WITH x AS (SELECT 1) DELETE FROM ${table} WHERE 1`,
      `UPDATE ${table} SET a = 1`,
      `UPDATE OR REPLACE ${table} SET a = 1`,
      `REPLACE INTO ${table} VALUES (1)`,
      `INSERT OR REPLACE INTO ${table} VALUES (1)`,
      `CREATE TRIGGER x AFTER INSERT ON other BEGIN DELETE FROM ${table}; END;`,
      `CREATE TRIGGER x BEFORE INSERT ON ${table} WHEN 1 BEGIN SELECT RAISE(IGNORE); END;`,
    ]) {
      expect(reasons(sql), sql).toEqual([expect.stringContaining(table)]);
    }
  });

  it.each(["audit_log_no_update", "audit_log_chain", "ledger_release_no_delete", "tenant_pinned"])(
    "drop the guard %s",
    (name) => {
      for (const sql of [`DROP TRIGGER ${name}`, `drop trigger if exists main."${name}"`]) {
        expect(reasons(sql)).toEqual([`drops the guard ${name}`]);
      }
    },
  );

  it.each([
    "PRAGMA writable_schema = 1",
    "DELETE FROM sqlite_master WHERE type = 'trigger'",
    "UPDATE sqlite_schema SET sql = ''",
  ])("reach around them: %s", (sql) => {
    expect(reasons(sql)).toHaveLength(1);
  });

  it("hide behind the line that is named", () => {
    const sql = "-- one\nCREATE TABLE a (b TEXT DEFAULT ';\n');\n/* four\nfive */ DROP TABLE audit_log;\n";
    expect(refusalsIn(sql)).toEqual([{ line: 5, reason: "drops audit_log" }]);
  });
});

describe("S4-4 a migration may", () => {
  it.each([
    ["CREATE TABLE audit_log (a) STRICT;"],
    ["INSERT INTO ledger_base VALUES (1, 2, 3);"],
    ["CREATE INDEX audit_log_a ON audit_log (a);"],
    ["ALTER TABLE audit_log ADD COLUMN note TEXT;"],
    ["DROP TABLE other; ALTER TABLE other RENAME TO another; DELETE FROM other; UPDATE other SET a = 1;"],
    ["DROP TRIGGER another;"],
    ["-- DROP TABLE audit_log;\n/* DELETE FROM audit_log */ SELECT 1;"],
    ["INSERT INTO note VALUES ('DROP TABLE audit_log; it''s DELETE FROM audit_log');"],
    ["CREATE TRIGGER x BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'no'); END;"],
    ["CREATE TRIGGER x BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'no'); END;"],
    ["CREATE TRIGGER x BEFORE INSERT ON other BEGIN SELECT RAISE(IGNORE); END;"],
  ])("%s", (sql) => {
    expect(reasons(sql)).toEqual([]);
  });
});
