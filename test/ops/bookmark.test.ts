import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bookmark } from "../../src/ops/bookmark.ts";
import { Account } from "./support/account.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { provisionIn } from "./support/provisioning.ts";
import { WranglerDouble } from "./support/wrangler-double.ts";

let deployment: Deployment;
let account: Account;
let wrangler: WranglerDouble;
beforeEach(async () => {
  deployment = new Deployment();
  account = new Account();
  wrangler = new WranglerDouble(account);
  listen();
  await provisionIn(deployment, wrangler);
});
afterEach(() => {
  vi.restoreAllMocks();
  deployment.remove();
});

const run = (at: string) =>
  bookmark(["--jurisdiction", "eu", "--remote", "--root", deployment.root], wrangler.run, () => new Date(at));
const taken = () =>
  account
    .database("moonseal-control-eu")
    .sql.prepare("SELECT binding, bookmark, recorded_at FROM backup_bookmark ORDER BY binding")
    .all();

describe("S2-34 npm run ops -- bookmark", () => {
  test("takes down what Time Travel would restore each database to, and the next run replaces it", async () => {
    expect(await run("2026-11-21T03:00:00.000Z")).toBe(0);
    expect(taken().map(({ binding }) => binding)).toEqual(["CONTROL", "LEDGER_00"]);
    expect(await run("2026-11-22T03:00:00.000Z")).toBe(0);
    expect(taken().map(({ recorded_at }) => recorded_at)).toEqual(Array(2).fill("2026-11-22T03:00:00.000Z"));
    expect(String(taken()[0]?.bookmark)).toMatch(/^[0-9a-f]{8}-/);
  });

  test.each([
    ["fails", { code: 1, stderr: "A request to the Cloudflare API failed." }],
    ["answers what is no bookmark", { code: 0, stdout: '{"bookmark":"x\'); DROP TABLE tenant; --"}' }],
    ["answers no JSON", { code: 0, stdout: "Time Traveling..." }],
  ])("takes nothing down when wrangler %s, and exits 1", async (_, ran) => {
    wrangler.overrides.push([/time-travel info LEDGER_00/, ran]);
    expect(await run("2026-11-21T03:00:00.000Z")).toBe(1);
    expect(taken()).toEqual([]);
  });

  test("says what is wrong with its arguments: of databases on this machine there is no bookmark", async () => {
    const said = listen();
    expect(await bookmark(["--jurisdiction", "eu", "--local"], wrangler.run)).toBe(2);
    expect(said.text()).toContain("no Time Travel");
    expect(await bookmark(["--jurisdiction", "mars", "--remote"], wrangler.run)).toBe(2);
    expect(await bookmark(["--jurisdiction", "eu"], wrangler.run)).toBe(2);
  });
});
