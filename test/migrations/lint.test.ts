import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { lint, type MigrationFile } from "./lint.ts";
import released from "./released.json" with { type: "json" };

const folder = path.join(REPOSITORY, "migrations");
const files: MigrationFile[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .map((name) => name.split(path.sep).join("/"))
  .filter((name) => name.endsWith(".sql"))
  .sort()
  .map((name) => ({ path: name, text: readFileSync(path.join(folder, name), "utf8") }));
const pins: Record<string, string> = released;
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

describe("the migrations", () => {
  it("are those of the two databases", () => {
    expect(new Set(files.map((file) => path.posix.dirname(file.path)))).toEqual(new Set(["control", "ledger"]));
  });

  it("S4-4 have the form that survives remote migration and leave the audit tables alone", () => {
    expect(lint(files)).toEqual([]);
  });

  it.each(Object.entries(pins))("%s is what was released", (name, pin) => {
    const text = files.find((file) => file.path === name)?.text;
    const advice = `migrations/${name} was released and never changes: put the change into a new file with the next number`;
    expect(text === undefined ? "deleted" : hashOf(text), advice).toBe(pin);
  });

  it("are all pinned", () => {
    const missing = files.filter((file) => !(file.path in pins)).map((file) => [file.path, hashOf(file.text)]);
    expect(Object.fromEntries(missing), "add these to test/migrations/released.json").toEqual({});
  });
});

const GUARD =
  "CREATE TRIGGER t_no_delete BEFORE DELETE ON t WHEN OLD.a = 1 BEGIN SELECT RAISE(ABORT, 'append-only: refused'); END;";
const first = (text: string): MigrationFile[] => [{ path: "db/0001_init.sql", text }];

describe("the lint", () => {
  it.each([
    ["a table", "CREATE TABLE t (a INTEGER) STRICT;\nCREATE INDEX t_a ON t (a);\n"],
    ["a guard", `-- DROP TABLE audit_log; CASE END begin\n${GUARD}\n`],
    [
      "a guard of an update of columns",
      "CREATE TRIGGER t BEFORE UPDATE OF a, b ON t BEGIN SELECT RAISE(IGNORE); END;\n",
    ],
  ])("takes %s", (_, text) => {
    expect(lint(first(text))).toEqual([]);
  });

  it.each([
    ["CRLF", `${GUARD}\r\n`, "LF"],
    ["a missing last LF", GUARD, "the last line"],
    ["a trigger over two lines", `${GUARD.replace(" BEGIN", "\nBEGIN")}\n`, "line 1 is not one trigger"],
    ["lower-case begin", `${GUARD.replace("BEGIN", "begin")}\n`, "line 1 is not one trigger"],
    ["lower-case end", `${GUARD.replace("END", "end")}\n`, "line 1 is not one trigger"],
    [
      "lower-case create trigger",
      `${GUARD.replace("CREATE TRIGGER", "create trigger")}\n`,
      "line 1 is not one trigger",
    ],
    ["a trigger that begins in the middle of a line", `SELECT 1; ${GUARD}\n`, "line 1 stands in a file with triggers"],
    ["a condition in the body", `${GUARD.replace("');", "') WHERE OLD.a = 1;")}\n`, "line 1 is not one trigger"],
    ["two statements in a body", `${GUARD.replace("; END", "; SELECT 1; END")}\n`, "line 1 is not one trigger"],
    ["CASE", `${GUARD.replace("OLD.a = 1", "CASE WHEN 1 THEN 1 ELSE 0 END")}\n`, "CASE"],
    [
      "a semicolon in a guard's text",
      `${GUARD.replace("append-only:", "append-only;")}\n`,
      "line 1 is not one trigger",
    ],
    ["a trigger beside a table", `CREATE TABLE t (a);\n${GUARD}\n`, "line 1 stands in a file with triggers"],
    ["a trigger behind a comment", `/* x */ ${GUARD}\n`, "line 1 stands in a file with triggers"],
    ["a statement that is too long", `INSERT INTO t VALUES ('${"x".repeat(100_001)}');\n`, "longer than D1"],
    ["DROP of an audit table", 'DROP TABLE IF EXISTS main."audit_log";\n', "line 1 drops audit_log"],
    ["ALTER of an audit table", "ALTER TABLE audit_log ADD COLUMN note TEXT;\n", "never dropped or altered"],
    ["DROP of a guard", "DROP TRIGGER audit_log_chain;\n", "line 1 drops the guard audit_log_chain"],
  ])("finds %s", (_, text, fault) => {
    expect(lint(first(text)).join("\n")).toContain(fault);
  });

  it.each([
    [["0002_b.sql"]],
    [["0001_a.sql", "0003_b.sql"]],
    [["0001_a.sql", "0001_b.sql"]],
    [["0001_a.sql", "2_b.sql"]],
    [["0001_A.sql"]],
    [["0001_a.down.sql"]],
    [["0001 a.sql"]],
  ])("finds that the names are wrong: %j", (names) => {
    const text = "CREATE TABLE t (a) STRICT;\n";
    expect(lint(names.map((name) => ({ path: `db/${name}`, text })))).toHaveLength(1);
  });
});
