/** `moonseal retention`: what is understood, and that what is not is said in words before anything is sent. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

const DOMAIN = domainIdOf("eu");
const OF_DOMAIN = "audit_entries, hot_entries";
let home: string;
let server: ServerDouble;
let url: string;

beforeEach(async () => {
  home = await tempDir();
  server = new ServerDouble(new LogDouble(DOMAIN));
  url = await server.start();
});
afterEach(() => server.stop());

const retention = (...argv: string[]) =>
  runCli(["retention", ...argv], fakeIo(home, { MOONSEAL_URL: url, MOONSEAL_KEY: KEY_EU }));

describe("S3-33 a mistake in a retention command is wrong usage, and nothing is sent", () => {
  test.each<[string, string[], RegExp]>([
    [
      "a resource that there is not",
      ["set", "nonsense", "P30D"],
      /sessions, .*invoices; with --domain: audit_entries, hot_entries/,
    ],
    [
      "a resource of the tenant with a domain",
      ["set", "sessions", "P30D", "--domain", DOMAIN],
      /sessions are the tenant's: leave --domain out/,
    ],
    [
      "a resource that no policy changes, with a domain",
      ["set", "exports", "P9D", "--domain", DOMAIN],
      /exports have an end of their own/,
    ],
    ["a time that is none", ["set", "sessions", "30d"], /P7Y, P1Y6M or P90D/],
    ["a beginning that is no time", ["set", "sessions", "P30D", "--from", "tomorrow"], /a day, or an instant/],
    [
      "a beginning without an offset",
      ["set", "sessions", "P30D", "--from", "2027-01-01T00:00:00"],
      /a day, or an instant/,
    ],
    ["a beginning of the default", ["set", "sessions", "default", "--from", "2027-01-01"], /leave --from out/],
    ["a domain that is none", ["dry-run", "--domain", "payroll"], /dom_eu_… or dom_us_…/],
    ["a domain that is none, to confirm", ["confirm", "payroll", "TOKEN"], /dom_eu_… or dom_us_…/],
    ["no token", ["confirm", DOMAIN], /missing required argument 'token'/],
    ["no duration", ["set", "sessions"], /missing required argument 'duration'/],
    [
      "a word that is no command",
      ["prune"],
      /not understood: prune\. The commands of retention: show, set, dry-run, confirm, runs, run\./,
    ],
  ])("%s", async (_, argv, said) => {
    const { code, stderr, stdout } = await retention(...argv);
    expect(stderr).toMatch(said);
    expect(stdout).toBe("");
    expect(code).toBe(2);
    expect(server.seen).toEqual([]);
  });

  test("and the help names every resource, and which a domain has policies of its own for", async () => {
    const { stdout } = await retention("set", "--help");
    const words = stdout.replaceAll(/\s+/g, " ");
    expect(words).toContain("retention_runs, connector_cache, requests, invoices");
    expect(words).toContain(`with --domain: ${OF_DOMAIN}`);
  });
});

test.each([
  [["place", "--all", "--review-at", "tomorrow", "--reason", "x"], /a day, or an instant of RFC 3339/],
  [["show", "nonsense"], /the id of a hold: hld_eu_/],
])("so is one in a command about holds: %j", async (argv, said) => {
  const { code, stderr } = await runCli(["holds", ...argv], fakeIo(home, { MOONSEAL_URL: url, MOONSEAL_KEY: KEY_EU }));
  expect(stderr).toMatch(said);
  expect(code).toBe(2);
  expect(server.seen).toEqual([]);
});

test("a word that no command of the command line has is not blamed on another command", async () => {
  const { code, stderr } = await runCli(["holds", "add"], fakeIo(home, {}));
  expect(stderr).toMatch(/not understood: add\. The commands of holds: list, show, preview, place, review, release\./);
  expect(code).toBe(2);
});
