/** `moonseal health`, and what `doctor` says of it: in words, and by the exit code. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { healthOf, KEY_EU, ServerDouble } from "../support/server-double.ts";

let home: string;
let server: ServerDouble;
let env: Record<string, string>;

beforeEach(async () => {
  home = await tempDir();
  const log = new LogDouble(domainIdOf("eu"));
  server = new ServerDouble(log);
  env = { MOONSEAL_URL: await server.start(), MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: log.domainId };
});
afterEach(() => server.stop());

const moonseal = (...argv: string[]) => runCli(argv, fakeIo(home, env, { now: Date.now }));

test.each([
  ["ok", 0, /all is well[^]*ledger +ok, since .*; read to 12, 0 not yet, 12 again/],
  ["bad", 1, /DAMAGED[^]*ledger +bad: ledger entry_hash_mismatch at entry 7/],
  ["unknown", 3, /not everything was looked at[^]*last run +never/],
] as const)("health that is %s ends with %d and says so", async (state, wanted, words) => {
  server.health = healthOf(state);
  const { code, stdout } = await moonseal("health");
  expect(stdout).toMatch(words);
  expect(code).toBe(wanted);
  const json = await moonseal("health", "--json");
  expect(JSON.parse(json.stdout)).toEqual(server.health);
});

test("S0-32 health says which check nobody has looked at for long, and what the platform's log has not taken", async () => {
  const health = healthOf("unknown");
  const checks = health.checks.map((check) => ({ ...check, note: "not looked at since 2026-11-19T10:00:00.000Z" }));
  const words = () => moonseal("health").then(({ stdout }) => stdout);
  server.health = { ...health, checks, unrecorded: { waiting: 2, dropped: 1, code: "ledger.guard_missing" } };
  expect(await words()).toMatch(/ledger +unknown, since .*; not looked at since 2026-11-19T10:00:00.000Z; read to 12/);
  expect(await words()).toMatch(
    /not on record +2 entries wait for the platform's log: ledger.guard_missing, 1 entry dropped$/m,
  );
  server.health = { ...health, unrecorded: { waiting: 0, dropped: 3, code: null } };
  expect(await words()).toMatch(/not on record +3 entries dropped$/m);
  server.health = health;
  expect(await words()).not.toContain("not on record");
});

test.each([
  ["ok", 0, /^ok {4}self-check +the server found its stores whole at 2026/m],
  ["bad", 1, /^fail {2}self-check +ledger bad: ledger entry_hash_mismatch at entry 7\n +-> moonseal health/m],
  ["unknown", 0, /^warn {2}self-check +the server has not looked yet/m],
] as const)("doctor names a self-check that is %s", async (state, wanted, words) => {
  server.health = healthOf(state);
  const { code, stdout } = await moonseal("doctor");
  expect(stdout).toMatch(words);
  expect(code).toBe(wanted);
});
