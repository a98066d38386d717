import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { status } from "../../src/ops/status.ts";
import { DATABASE_LIMIT_BYTES, sizeLines } from "../../src/ops/status-sizes.ts";
import { Account } from "./support/account.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { provisionIn } from "./support/provisioning.ts";
import { WranglerDouble } from "./support/wrangler-double.ts";

let deployment: Deployment;
beforeEach(() => {
  deployment = new Deployment();
});
afterEach(() => {
  vi.restoreAllMocks();
  deployment.remove();
});

describe("the lines of a database", () => {
  test("say its size, its rows, and how many more fit at their present size", () => {
    expect(sizeLines({ binding: "LEDGER_00", byteLength: 1_000_000_000, rows: 1_000_000 })).toEqual([
      "LEDGER_00  1,000.0 MB of 10,000.0 MB (10.0 %), 1,000,000 rows, room for about 9,000,000 more at 1,000 bytes a row",
    ]);
    expect(sizeLines({ binding: "CONTROL", byteLength: 40_960 })).toEqual(["CONTROL    0.0 MB of 10,000.0 MB (0.0 %)"]);
    expect(sizeLines({ binding: "LEDGER_00", byteLength: 40_960, rows: 0 })[0]).toMatch(/, 0 rows$/);
    expect(sizeLines({ binding: "LEDGER_00", byteLength: undefined })).toEqual(["LEDGER_00  size unknown"]);
  });

  test("warn from 70 % on, and not before", () => {
    const at = (share: number) =>
      sizeLines({ binding: "LEDGER_00", byteLength: share * DATABASE_LIMIT_BYTES, rows: 7 });
    expect(at(0.6999)).toHaveLength(1);
    expect(at(0.7)[1]).toMatch(/^WARNING {4}LEDGER_00 is 70\.0 % full/);
    expect(at(1.1)[0]).toContain("room for about 0 more");
  });
});

describe("npm run ops -- status", () => {
  test("--remote reads the account's sizes, and counts rows by the ends of each domain's run", async () => {
    const account = new Account();
    const wrangler = new WranglerDouble(account);
    const said = listen();
    await provisionIn(deployment, wrangler);
    const insert = (domain: string, seqs: number[]) => {
      const { sql } = account.database("moonseal-ledger-00-eu");
      const row = sql.prepare(
        "INSERT INTO audit_log VALUES (?, ?, 'e' || ?2, unhex(printf('%064x', ?2)), unhex(printf('%064x', ?2 + 1)), '{}')",
      );
      const base = sql.prepare("INSERT INTO ledger_base VALUES (?, ?, unhex(printf('%064x', ?2)))");
      base.run(domain, seqs[0] ?? 0);
      for (const seq of seqs) row.run(domain, seq);
    };
    insert("dom_eu_a", [0, 1, 2]);
    insert("dom_eu_b", [7, 8]);
    said.clear();
    const ports = { run: wrangler.run, api: () => Promise.reject() as never };
    expect(await status(["--jurisdiction", "eu", "--remote", "--root", deployment.root], ports)).toBe(0);
    expect(said.text()).toMatch(/^CONTROL {4}0\.\d MB of 10,000\.0 MB/m);
    expect(said.text()).toMatch(/^LEDGER_00 {2}0\.\d MB of .*, 5 rows, room for about /m);
  });

  test("--remote says that a cell is not provisioned, and ends with 1", async () => {
    const said = listen();
    const ports = { run: new WranglerDouble(new Account()).run, api: () => Promise.reject() as never };
    expect(await status(["--jurisdiction", "us", "--remote", "--root", deployment.root], ports)).toBe(1);
    expect(said.text()).toMatch(/^LEDGER_00 {2}could not be read: it has no database_id/m);
  });

  test("--local reads the files of this machine, with the real wrangler", async () => {
    const said = listen();
    const here = ["--jurisdiction", "eu", "--local", "--root", deployment.root];
    expect(await status(here)).toBe(1);
    execFileSync(process.execPath, ["src/ops/ops.ts", "migrate", ...here], { cwd: REPOSITORY });
    said.clear();
    expect(await status(here)).toBe(0);
    expect(said.text()).toMatch(/^CONTROL {4}0\.\d MB of/m);
    expect(said.text()).toMatch(/^LEDGER_00 {2}0\.\d MB of .*, 0 rows$/m);
  }, 120_000);

  test("with a key, says what of each domain waits", async () => {
    const said = listen();
    const answers: Record<string, unknown> = {
      "/v1/whoami": { tenant_id: "tnt_eu_1" },
      "/v1/tenants/tnt_eu_1/domains": { domains: [{ id: "dom_eu_1" }] },
      "/v1/domains/dom_eu_1/audit/head": {
        size: 12,
        backlog_entries: 3,
        backlog_bytes: 900,
        oldest_uncopied_at: "2026-11-21T11:59:00.000Z",
        status: "running",
      },
    };
    const api = () => ({
      get: async (path: string, key: string) => ({
        status: key === "msk" && answers[path] ? 200 : 404,
        body: answers[path],
      }),
      post: () => Promise.reject(),
    });
    const ports = { run: new WranglerDouble(new Account()).run, api };
    const where = ["--url", "https://api.customer.eu", "--key", "msk"];
    await status(["--jurisdiction", "eu", "--remote", "--root", deployment.root, ...where], ports);
    expect(said.text()).toContain("dom_eu_1  12 entries, 3 wait (900 bytes) since 2026-11-21T11:59:00.000Z, running");
  });

  test.each([
    [[]],
    [["--jurisdiction", "eu"]],
    [["--jurisdiction", "eu", "--local", "--remote"]],
    [["--jurisdiction", "eu", "--local", "--key", "x"]],
  ])("ends with 2 and the help for %j", async (argv) => {
    const said = listen();
    expect(await status(argv)).toBe(2);
    expect(said.text()).toContain("npm run ops -- status --jurisdiction");
  });
});
