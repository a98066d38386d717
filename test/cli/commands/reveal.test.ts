import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

let home: string;
let log: LogDouble;
let server: ServerDouble;
let env: { [name: string]: string };

beforeEach(async () => {
  home = await tempDir();
  log = new LogDouble(domainIdOf("eu"));
  server = new ServerDouble(log);
  env = { MOONSEAL_URL: await server.start(), MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: log.domainId };
  const events = Array.from({ length: 20 }, (_, i) => ({
    action: "invoice.exported",
    actor: { type: "user", id: i % 2 ? "ana" : "bo", name: `N ${i}` },
    reason: `because ${i}`,
  }));
  log.append(JSON.stringify(events), null);
});
afterEach(() => server.stop());

const moonseal = (...argv: string[]) => runCli(argv, fakeIo(home, env));
const REASON = ["reveal", "--reason", "request DSR-17"];

describe("search", () => {
  test("shows a person's entries over all pages, and the id is in no address", async () => {
    const { code, stdout } = await moonseal("search", "ana");
    expect(stdout.trim().split("\n")).toHaveLength(10);
    expect(code).toBe(0);
    for (const { path } of server.seen) expect(path).not.toContain("ana");
  });

  test("the id may come from standard input, where other users of the machine do not see it", async () => {
    const stdin = (async function* () {
      yield "ana\n";
    })();
    const { code, stdout } = await runCli(["search", "-"], fakeIo(home, env, { stdin }));
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(10);
  });

  test("of somebody whom no entry names says so, and ends with 0", async () => {
    expect(await moonseal("search", "nobody")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "no entry names this person under this id\n",
    });
  });

  test("of an erased person ends with 1 and says so", async () => {
    server.faults.push({ kind: "refuse", status: 410, code: "subject.erased" });
    const { code, stderr } = await moonseal("search", "ana");
    expect(stderr).toContain("subject.erased");
    expect(code).toBe(1);
  });
});

describe("reveal", () => {
  test("prints what is private, and checks it here", async () => {
    const { code, stdout, stderr } = await moonseal(...REASON, "--seq", "3", "--seq", "2");
    expect(stdout).toContain('/actor/name  "N 2"');
    expect(stdout).toContain('/reason  "because 1"');
    expect(stderr).toMatch(/^VERIFIED: 4 values are what 2 entries of dom_eu_\S+ committed to; 0 withheld\.\n$/);
    expect(code).toBe(0);
  });

  test("of a person may take the id from standard input", async () => {
    const stdin = (async function* () {
      yield "ana";
    })();
    const { code, stdout } = await runCli([...REASON, "--identity", "-", "--json"], fakeIo(home, env, { stdin }));
    expect(code).toBe(0);
    expect(JSON.parse(stdout).entries).toHaveLength(10);
  });

  test("writes a disclosure that only its owner can read, and that verifies without server and key", async () => {
    const out = join(home, "disclosure.json");
    expect((await moonseal(...REASON, "--identity", "ana", "--out", out)).code).toBe(0);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(out, "utf8")).entries).toHaveLength(10);
    await server.stop();
    const { code, stdout } = await runCli(["verify", "--disclosure", out], fakeIo(home, {}));
    expect(stdout).toMatch(/^VERIFIED: 20 values are what 10 entries/);
    expect(stdout).toContain("Not checked:");
    expect(code).toBe(0);
  });

  test("gives the reason with every page, and never twice for one page", async () => {
    await moonseal(...REASON, "--from", "1");
    const asked = server.seen.filter(({ path }) => path.endsWith("/reveal"));
    expect(asked).toHaveLength(3);
    for (const { body } of asked) expect(JSON.parse(body).reason).toBe("request DSR-17");
    server.faults.push({ kind: "hang-up" });
    expect((await moonseal(...REASON, "--from", "1")).code).toBe(3);
    expect(server.seen.filter(({ path }) => path.endsWith("/reveal"))).toHaveLength(4);
  });

  test("of a server that gives another value ends with 1 and names the value", async () => {
    const value = log.values.get(3)?.[0] as { value: unknown };
    value.value = "somebody else";
    const { code, stderr } = await moonseal(...REASON, "--seq", "3");
    expect(stderr).toMatch(/^REFUTED/);
    expect(stderr).toContain("/actor/name  DOES NOT MATCH its commitment");
    expect(code).toBe(1);
  });

  test("of entries that are not there ends with 1 and writes no file", async () => {
    const out = join(home, "disclosure.json");
    const { code, stderr } = await moonseal(...REASON, "--seq", "999", "--out", out);
    expect(stderr).toMatch(/there is no such entry/);
    await expect(stat(out)).rejects.toMatchObject({ code: "ENOENT" });
    expect(code).toBe(1);
  });

  test.each([
    [["reveal", "--seq", "1"], /--reason/],
    [[...REASON], /say which entries/],
    [[...REASON, "--seq", "1", "--identity", "ana"], /leave --identity/],
    [[...REASON, "--seq", "x"], /whole number/],
  ])("%j is wrong usage, and nothing is asked", async (argv, said) => {
    const { code, stderr } = await moonseal(...argv);
    expect(stderr).toMatch(said);
    expect([code, server.seen.length]).toEqual([2, 0]);
  });
});

describe("verify --disclosure", () => {
  const disclosed = async () => {
    const out = join(home, "d.json");
    await moonseal(...REASON, "--seq", "1", "--out", out);
    return out;
  };
  const verify = (file: string, ...more: string[]) =>
    runCli(["verify", "--disclosure", file, ...more], fakeIo(home, {}));

  test("refutes a file in which one letter of a value was changed, with 1", async () => {
    const file = await disclosed();
    await writeFile(file, (await readFile(file, "utf8")).replace("because 0", "because 1"));
    const { code, stdout } = await verify(file);
    expect(stdout).toContain("/reason  DOES NOT MATCH its commitment");
    expect(code).toBe(1);
  });

  test("reports as JSON what matched, what was withheld and what was not checked", async () => {
    const { code, stdout } = await verify(await disclosed(), "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "verified",
      matching: 2,
      withheld: 0,
      entries: [{ seq: 1, fault: null, values: [{ result: "matches" }, { result: "matches" }] }],
    });
    expect(JSON.parse(stdout).not_checked).toHaveLength(3);
    expect(code).toBe(0);
  });

  test("of a file without values, or of another kind, could not check: 3; of a file that is not there: 2", async () => {
    const other = join(home, "other.json");
    await writeFile(other, "{}");
    expect((await verify(other)).code).toBe(3);
    await writeFile(other, JSON.stringify({ format: "moonseal/disclosure/v1", domain: log.domainId, entries: [] }));
    expect((await verify(other)).code).toBe(3);
    expect((await verify(join(home, "nowhere.json"))).code).toBe(2);
  });

  test("with an option that is about a log is wrong usage", async () => {
    expect((await verify(await disclosed(), "--from", "1")).code).toBe(2);
  });

  test("control characters of a file never reach the terminal", async () => {
    const file = await disclosed();
    const text = (await readFile(file, "utf8")).replace('"pointer": "/reason"', '"pointer": "/\\u001b[31mreason"');
    await writeFile(file, text);
    const { stdout } = await verify(file);
    expect(stdout).toContain("\\u{1b}[31m");
    expect(stdout).not.toContain("\u001b");
  });
});
