import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { JURISDICTIONS } from "../../src/core/ids.ts";
import { migrate } from "../../src/ops/migrate.ts";
import type { MigrateOptions } from "../../src/ops/migration-options.ts";
import { committedConfig, REPOSITORY } from "../../src/ops/paths.ts";
import { CONTROL_GUARDS, LEDGER_GUARDS, TRIGGERS_SQL } from "../../src/storage/guards.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "moonseal-migrate-"));
  for (const name of ["wrangler.toml", "wrangler.eu.toml", "wrangler.us.toml", "migrations"]) {
    cpSync(path.join(REPOSITORY, name), path.join(root, name), { recursive: true });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

const ledgerFile = (name: string) => path.join(root, "migrations/ledger", name);

/** As an operator types it. */
function ops(...args: string[]) {
  const file = path.join(REPOSITORY, "src/ops/ops.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}
const typed = (...args: string[]) => ops("migrate", "--jurisdiction", "eu", "--root", root, ...args);

/** Everything that is stored on this machine below the folder. */
const state = () => existsSync(path.join(root, ".wrangler"));

describe("npm run ops", () => {
  it("is what package.json calls, names its tasks, and takes no other", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(REPOSITORY, "package.json"), "utf8"));
    expect(scripts.ops).toBe("node src/ops/ops.ts");
    expect(ops("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("migrate") });
    expect(ops()).toMatchObject({ status: 2, stderr: expect.stringContaining("Name a task.") });
    expect(ops("constructor")).toMatchObject({ status: 2, stderr: expect.stringContaining("no task constructor") });
    expect(ops("migrate", "--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--dry-run") });
  });
});

describe("S4-4 npm run ops -- migrate", () => {
  it("applies both databases' migrations, reads the guards back, and can be repeated", () => {
    for (let time = 0; time < 2; time++) {
      const { status, stdout, stderr } = typed("--local");
      expect(stderr).toBe("");
      expect(stdout).toContain(`LEDGER_00: ${Object.keys(LEDGER_GUARDS).length} guards in place`);
      expect(stdout).toContain(`CONTROL: ${Object.keys(CONTROL_GUARDS).length} guards in place`);
      expect(status).toBe(0);
    }
  }, 120_000);

  it("fails when a guard is not there afterwards, and names it", () => {
    const file = ledgerFile("0002_guards.sql");
    const altered = readFileSync(file, "utf8").replace("a.seq >= NEW.seq", "a.seq > NEW.seq");
    writeFileSync(file, altered.replace(/^CREATE TRIGGER ledger_base_no_delete .*\n/m, ""));
    const { status, stderr } = typed("--local");
    expect(stderr).toContain("GUARD_MISSING LEDGER_00: audit_log_no_rewrite, ledger_base_no_delete");
    expect(status).toBe(1);
  }, 120_000);

  it.each([
    ["drops the log", "DROP TABLE audit_log;", "drops audit_log"],
    ["drops it in another spelling", 'drop table if exists\n main."AUDIT_LOG";', "drops audit_log"],
    ["renames it", "ALTER TABLE audit_log RENAME TO audit_log_old;", "renames audit_log"],
    [
      "rebuilds it as drizzle-kit does",
      "DROP TABLE `audit_log`;\nALTER TABLE `__new_audit_log` RENAME TO `audit_log`;",
      "drops audit_log",
    ],
    ["deletes from it", "DELETE FROM audit_log WHERE seq > 10;", "deletes from audit_log"],
    ["drops the bases", "DROP TABLE ledger_base;", "drops ledger_base"],
    ["empties the releases", "DELETE FROM ledger_release;", "deletes from ledger_release"],
    ["drops the holds", "DROP TABLE ledger_hold;", "drops ledger_hold"],
    ["drops a guard", "DROP TRIGGER audit_log_no_delete;", "drops the guard audit_log_no_delete"],
  ])("refuses a migration that %s before anything is applied", async (_, sql, reason) => {
    writeFileSync(ledgerFile("0003_down.sql"), `-- a note\n${sql}\n`);
    const refused = `AUDIT_DOWN_REFUSED migrations/ledger/0003_down.sql:2 ${reason}`;
    const { status, stdout, stderr } = typed("--local");
    expect(stderr).toContain(refused);
    expect({ status, stdout, state: state() }).toEqual({ status: 1, stdout: "", state: false });
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const run = vi.fn();
    for (const flag of ["--remote", "--dry-run"]) {
      const argv = ["--jurisdiction", "us", "--root", root, ...(flag === "--remote" ? [flag] : ["--local", flag])];
      expect(await migrate(argv, run)).toBe(1);
      expect(said.mock.calls.flat()).toContain(refused);
      said.mockClear();
    }
    expect(run).not.toHaveBeenCalled();
  });

  it("refuses it in either database, in any folder below, and in a file that was applied before", () => {
    appendFileSync(path.join(root, "migrations/control/0001_init.sql"), "DROP TRIGGER tenant_pinned;\n");
    cpSync(path.join(REPOSITORY, "migrations/ledger"), ledgerFile("down"), { recursive: true });
    appendFileSync(ledgerFile("down/0001_init.sql"), "DROP TABLE audit_log;\n");
    const { status, stderr } = typed("--local");
    expect(stderr).toMatch(
      /^AUDIT_DOWN_REFUSED migrations\/control\/0001_init\.sql:\d+ drops the guard tenant_pinned$/m,
    );
    expect(stderr).toMatch(/^AUDIT_DOWN_REFUSED migrations\/ledger\/down\/0001_init\.sql:\d+ drops audit_log$/m);
    expect(status).toBe(1);
  });

  it.each([["--down"], ["down"]])("refuses %s", (word) => {
    const { status, stderr } = typed("--local", word);
    expect(stderr).toMatch(/^AUDIT_DOWN_REFUSED /);
    expect({ status, state: state() }).toEqual({ status: 1, state: false });
  });

  it.each([
    ["no jurisdiction", ["--local"]],
    ["an unknown jurisdiction", ["--jurisdiction", "ap", "--local"]],
    ["neither place", ["--jurisdiction", "eu"]],
    ["both places", ["--jurisdiction", "eu", "--local", "--remote"]],
    ["an unknown option", ["--jurisdiction", "eu", "--local", "--force"]],
    ["an unknown word", ["--jurisdiction", "eu", "--local", "up"]],
  ])("ends with 2 and the help for %s", async (_, argv) => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const run = vi.fn();
    expect(await migrate([...argv, "--root", root], run)).toBe(2);
    expect(said.mock.calls.join()).toContain("npm run ops -- migrate --jurisdiction");
    expect(run).not.toHaveBeenCalled();
  });

  it("--dry-run says which commands and files, and does nothing", () => {
    const { status, stdout } = typed("--local", "--dry-run");
    expect(stdout).toMatch(/^wrangler d1 migrations apply CONTROL -c .* --local --persist-to /m);
    expect(stdout).toMatch(/^wrangler d1 migrations apply LEDGER_00 -c .* --local --persist-to /m);
    for (const file of [
      "control/0001_init.sql",
      "control/0002_guards.sql",
      "ledger/0001_init.sql",
      "ledger/0002_guards.sql",
    ]) {
      expect(stdout).toContain(`  migrations/${file}\n`);
    }
    expect({ status, state: state() }).toEqual({ status: 0, state: false });
  });
});

describe("migrate --remote", () => {
  const answer = (output: string, code = 0) => Promise.resolve({ code, output });
  const guardsAnswer = (triggers: { name: string; sql: string }[]) =>
    answer(`▲ [WARNING] a word before\n[\n  ${JSON.stringify({ results: triggers, success: true, meta: {} })}\n]\n`);
  /** The guards of the migrations, as `sqlite_master` would hold them. */
  const stored = (database: string) =>
    readdirSync(path.join(root, "migrations", database))
      .filter((name) => name.endsWith("_guards.sql"))
      .flatMap((name) => readFileSync(path.join(root, "migrations", database, name), "utf8").split("\n"))
      .filter((line) => line.startsWith("CREATE TRIGGER"))
      .map((sql) => ({ name: sql.split(" ")[2] ?? "", sql: sql.replace(/;$/, "") }));
  const provision = () => {
    for (const jurisdiction of JURISDICTIONS) {
      const file = committedConfig(root, jurisdiction);
      const config = readFileSync(file, "utf8").replaceAll(
        /^database_name = "(.*)"$/gm,
        '$&\ndatabase_id = "id-of-$1"',
      );
      writeFileSync(file, config);
    }
  };
  const remote = ["--jurisdiction", "us", "--remote"];
  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => {});
  });

  it("refuses a database that was never provisioned: wrangler would make one that is not pinned", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const run = vi.fn();
    expect(await migrate([...remote, "--root", root], run)).toBe(1);
    expect(said.mock.calls.flat()).toEqual([
      "DATABASE_UNKNOWN CONTROL has no database_id: provision first",
      "DATABASE_UNKNOWN LEDGER_00 has no database_id: provision first",
    ]);
    expect(run).not.toHaveBeenCalled();
  });

  it("calls wrangler with the cell's own configuration: apply control, apply ledger, then read both back", async () => {
    provision();
    const calls: (readonly string[])[] = [];
    const run = (_: MigrateOptions, args: readonly string[]) => {
      calls.push(args);
      if (args[1] === "migrations") return answer("applied");
      return guardsAnswer(stored(args[2] === "CONTROL" ? "control" : "ledger"));
    };
    expect(await migrate([...remote, "--root", root], run)).toBe(0);
    const where = ["-c", path.join(root, "wrangler.us.toml"), "--remote"];
    expect(calls).toEqual([
      ["d1", "migrations", "apply", "CONTROL", ...where],
      ["d1", "migrations", "apply", "LEDGER_00", ...where],
      ["d1", "execute", "CONTROL", ...where, "--json", "--command", TRIGGERS_SQL],
      ["d1", "execute", "LEDGER_00", ...where, "--json", "--command", TRIGGERS_SQL],
    ]);
    expect(state()).toBe(false);
  });

  it.each([
    [
      "MIGRATION_FAILED LEDGER_00",
      (args: readonly string[]) => (args[2] === "apply" && args[3] === "LEDGER_00" ? answer("no", 1) : answer("[]")),
    ],
    ["GUARDS_UNKNOWN CONTROL", (args: readonly string[]) => (args[1] === "execute" ? answer("no JSON") : answer(""))],
    ["GUARDS_UNKNOWN CONTROL", (args: readonly string[]) => (args[1] === "execute" ? answer("[\n]", 1) : answer(""))],
    ["GUARD_MISSING CONTROL", (args: readonly string[]) => (args[1] === "execute" ? guardsAnswer([]) : answer(""))],
  ])("ends with 1 and %s", async (code, wrangler) => {
    provision();
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await migrate([...remote, "--root", root], (_, args) => wrangler(args))).toBe(1);
    expect(said.mock.calls.join()).toContain(code);
  });
});
