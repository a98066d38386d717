import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { type FakeIo, fakeIo, runCli, spawnCli, TextOutput, tempDir } from "../support/run-cli.ts";
import { cellIn, KEY_EU, KEY_US, ServerDouble } from "../support/server-double.ts";

let home: string;
let log: LogDouble;
let server: ServerDouble;
let env: { [name: string]: string };

beforeEach(async () => {
  home = await tempDir();
  log = new LogDouble(domainIdOf("eu"));
  server = new ServerDouble(log);
  env = { MOONSEAL_URL: await server.start(), MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: log.domainId };
});
afterEach(() => server.stop());

const moonseal = (argv: string[], io: FakeIo = fakeIo(home, env)) => runCli(argv, io);
const stdin = (...texts: string[]) =>
  (async function* () {
    for (const text of texts) yield new TextEncoder().encode(text);
  })();
const jsonLines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const APPEND = ["append", "--action", "invoice.exported", "--actor", "usr_42"];

describe("append", () => {
  test("from flags commits one event and prints its receipt, with what was not stored about the erased", async () => {
    log.erase("usr_42");
    const { code, stdout } = await moonseal([
      ...APPEND,
      "--ip",
      "203.0.113.7",
      "--metadata",
      "format=csv",
      "--metadata",
      "n=3",
      "--clear",
      "n",
    ]);
    expect(stdout).toMatch(/^#1 {2}\S+ {2}[0-9a-f]+…[0-9a-f]{4} {2}2026-/);
    expect(stdout).toMatch(/somebody who was erased.*\n.*not stored for that reason: \/context\/ip \/metadata\/format/);
    expect(JSON.parse(log.rows[1]?.payload ?? "")).toMatchObject({ action: "invoice.exported", metadata: { n: 3 } });
    expect(code).toBe(0);
  });

  test("of an array is one atomic request, sent as the text it is", async () => {
    const text = '[ {"action":"a.b","actor":{"type":"system"}} ,\n {"action":"A","actor":{"type":"system"}}]';
    const { code, stderr } = await moonseal(
      ["append", "-"],
      fakeIo(home, env, { stdin: stdin(text.slice(0, 20), text.slice(20)) }),
    );
    expect(server.seen[0]?.body).toBe(`${text}\n`);
    expect(stderr).toMatch(/^moonseal: request\.invalid; \/1\/action: must be noun\.verb.*request req-1\)\n$/);
    expect([code, log.rows.length]).toEqual([1, 1]);
  });

  test("of NDJSON refuses single lines by their number and the others go in", async () => {
    const good = '{"action":"a.b","actor":{"type":"system"}}';
    const input = `\n${good}\n{"action":"A"}\nnot json\n${good}`;
    const { code, stdout, stderr } = await moonseal(["append", "--json"], fakeIo(home, env, { stdin: stdin(input) }));
    expect(jsonLines(stdout).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(stderr).toMatch(/line 3: .*\/action/);
    expect(stderr).toMatch(/line 4: is not JSON/);
    expect(code).toBe(1);
  });

  test("with an idempotency key twice adds nothing and says so", async () => {
    const argv = [...APPEND, "--idempotency-key", "k1"];
    await moonseal(argv);
    const { stderr } = await moonseal(argv);
    expect(stderr).toMatch(/carried out before/);
    expect(log.rows).toHaveLength(2);
  });

  test("--wait asks for the queryable copy", async () => {
    await moonseal([...APPEND, "--wait"]);
    expect(server.seen[0]?.headers.prefer).toBe("wait=replicated");
  });

  test("without an event or with two sources of them is a usage error", async () => {
    for (const argv of [["append", "--action", "a.b", "x.json"], ["append", "nowhere.json"], ["append"]]) {
      expect((await moonseal(argv)).code).toBe(2);
    }
  });
});

describe("tail", () => {
  test("shows the newest entries, oldest first", async () => {
    log.fill(20);
    const { stdout } = await moonseal(["tail", "-n", "3", "--json"]);
    expect(jsonLines(stdout).map(({ seq }) => seq)).toEqual([18, 19, 20]);
  });

  test("-f goes on with new entries and none twice, over an outage, until the reader goes away", async () => {
    log.fill(2);
    const io = fakeIo(home, env);
    const shown = (seq: number) => io.stdout.text.includes(`"seq":${seq},`);
    const script = [
      { once: () => shown(2), then: () => log.fill(9) },
      { once: () => shown(11), then: () => outage(6) },
      { once: () => io.slept.length >= 6, then: () => log.fill(1) },
      { once: () => shown(12), then: () => Object.assign(io.stdout, { closed: true }) && log.fill(1) },
    ];
    const outage = (requests: number) => {
      for (let i = 0; i < requests; i++) server.faults.push({ kind: "refuse", status: 503 });
      server.cutTails();
    };
    const watch = setInterval(() => {
      if (script[0]?.once()) script.shift()?.then();
    }, 1);
    const { code, stdout, stderr } = await moonseal(["tail", "-f", "-n", "1", "--json"], io);
    clearInterval(watch);
    expect(jsonLines(stdout).map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(stderr).toMatch(/still trying\nmoonseal: the server answers again\n$/);
    expect(code).toBe(0);
  });

  test("control characters, escape sequences and hidden characters in entries never reach the terminal", async () => {
    const nasty = "\u001b]0;owned\u0007\u001b[2J\u202eabc\u200b\u009b31m\r";
    for (const row of log.rows) row.payload = row.payload.replace("domain.created", JSON.stringify(nasty).slice(1, -1));
    for (const argv of [["tail"], ["tail", "--json"], ["get", "0"], ["get", "0", "--text"]]) {
      const { stdout } = await moonseal(argv);
      expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e\u200b]/u);
    }
    expect(jsonLines((await moonseal(["tail", "--json"])).stdout)[0].payload.action).toBe(nasty);
  });

  test("a line stands on its own without colour; colour comes on a terminal only and never with NO_COLOR", async () => {
    const onTerminal = (more = {}) => {
      const stdout = new TextOutput();
      stdout.isTTY = true;
      return moonseal(["tail"], fakeIo(home, { ...env, ...more }, { stdout }));
    };
    const plain = (await moonseal(["tail"])).stdout;
    expect(plain).toMatch(/^2026-11-21T09:00:00\.000Z {2}#0 {2}domain\.created +system:system:moonseal {2}success\n$/);
    expect((await onTerminal()).stdout).toContain("\u001b[32msuccess");
    expect((await onTerminal({ NO_COLOR: "1" })).stdout).toBe(plain);
  });
});

describe("settings", () => {
  test("flags come before the environment, and that before the profile", async () => {
    const bare = fakeIo(home, {});
    await moonseal(
      ["profiles", "add", "p", "--url", "http://127.0.0.1:1", "--key", KEY_EU, "--domain", log.domainId],
      bare,
    );
    const url = env.MOONSEAL_URL as string;
    expect((await moonseal(["head"], fakeIo(home, { MOONSEAL_URL: url }))).code).toBe(0);
    expect((await moonseal(["head", "--url", url], fakeIo(home, { MOONSEAL_URL: "http://127.0.0.1:1" }))).code).toBe(0);
    const noServer = await moonseal(["head"], fakeIo(home, {}));
    expect([noServer.code, noServer.stderr.includes("127.0.0.1:1")]).toEqual([3, true]);
  });

  test("the file of the profiles is its owner's alone, and no command shows a key whole", async () => {
    const io = fakeIo(home, {});
    await moonseal(["profiles", "add", "p", "--url", "https://x.example", "--key", KEY_EU], io);
    await moonseal(["profiles", "list"], io);
    await moonseal(["profiles", "list", "--json"], io);
    await moonseal(["doctor"], io);
    const path = join(home, ".config/moonseal/config.json");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toContain(KEY_EU);
    expect(io.stdout.text + io.stderr.text).not.toContain(KEY_EU.slice(0, 45));
    expect(io.stdout.text).toMatch(/\* p {2}https:\/\/x\.example {2}msk_eu_\w{6}… /);
  });

  test("profiles are chosen and removed by name; unknown names are usage errors", async () => {
    const io = fakeIo(home, {});
    for (const name of ["a", "b"]) await moonseal(["profiles", "add", name, "--url", `https://${name}.example`], io);
    expect((await moonseal(["profiles", "use", "b"], io)).code).toBe(0);
    expect((await moonseal(["profiles", "remove", "b"], io)).code).toBe(0);
    for (const argv of [
      ["profiles", "use", "b"],
      ["profiles", "remove", "toString"],
      ["head", "--profile", "b"],
    ]) {
      expect((await moonseal(argv, fakeIo(home, {}))).code).toBe(2);
    }
    expect(JSON.parse(await readFile(join(home, ".config/moonseal/config.json"), "utf8"))).toMatchObject({
      current: null,
    });
  });

  test("a configuration that cannot be understood is not overwritten", async () => {
    const io = fakeIo(home, { XDG_CONFIG_HOME: home });
    await moonseal(["profiles", "add", "a", "--url", "https://a.example"], io);
    await writeFile(join(home, "moonseal/config.json"), "{broken");
    expect((await moonseal(["profiles", "add", "b", "--url", "https://b.example"], io)).code).toBe(2);
    expect(await readFile(join(home, "moonseal/config.json"), "utf8")).toBe("{broken");
  });

  test.each([
    [{ MOONSEAL_KEY: `${KEY_EU.slice(0, -1)}!` }, /mistyped/],
    [{ MOONSEAL_KEY: KEY_US }, /the key is for us, the domain is in eu/],
    [{ MOONSEAL_URL: "http://user:pw@host" }, /MOONSEAL_URL must be an http/],
    [{ MOONSEAL_DOMAIN: "dom_eu_x" }, /MOONSEAL_DOMAIN must be a domain id/],
    [{ MOONSEAL_KEY: "" }, /no API key/],
  ])("%j is refused before anything is sent", async (changes, why) => {
    const { code, stderr } = await moonseal(
      ["head"],
      fakeIo(home, { ...env, ...changes } as { [name: string]: string }),
    );
    expect(stderr).toMatch(why);
    expect([code, server.seen.length]).toEqual([2, 0]);
  });
});

describe("looking", () => {
  test("whoami, head, get, domains create and residency answer as text and as JSON", async () => {
    expect((await moonseal(["whoami"])).stdout).toMatch(/^kind +api_key\njurisdiction +eu\n/);
    expect((await moonseal(["head"])).stdout).toMatch(/size +1 entry\n/);
    expect(JSON.parse((await moonseal(["get", "0", "--json"])).stdout)).toMatchObject({
      seq: 0,
      payload: { action: "domain.created" },
    });
    expect((await moonseal(["domains", "create", "production"])).stdout).toBe(`${log.domainId}\n`);
    expect(JSON.parse((await moonseal(["residency", "--json"])).stdout).cells).toHaveLength(2);
    expect((await moonseal(["residency"])).stdout).toMatch(
      /^cell eu\n +objects +eu \(probe, 2026-11-21T09:00:00\.000Z\)\n/,
    );
    expect(server.seen.filter(({ path, headers }) => path === "/v1/residency" && headers.authorization)).toEqual([]);
  });

  test("what is not there is one plain line with the request id", async () => {
    const { code, stderr } = await moonseal(["get", "999"]);
    expect(stderr).toBe("moonseal: resource.not_found (resource.not_found, request req-1)\n");
    expect(code).toBe(1);
  });

  test("every command has a help with an example", async () => {
    const commands = [
      "profiles",
      "profiles add",
      "whoami",
      "domains",
      "domains create",
      "append",
      "tail",
      "get",
      "head",
      "verify",
      "import cloudtrail",
      "residency",
      "doctor",
      "login",
      "logout",
      ...["list", "create", "rotate", "revoke"].map((name) => `keys ${name}`),
      ...["list", "invite", "role", "remove", "reset-factors", "invitations", "resend", "withdraw"].map(
        (name) => `members ${name}`,
      ),
      ...["list", "revoke"].map((name) => `sessions ${name}`),
      ...["show", "list", "add", "confirm", "recovery-codes", "remove"].map((name) => `second-factor ${name}`),
      ...["list", "show", "create", "remove"].map((name) => `service-accounts ${name}`),
      ...["list", "show", "approve", "deny", "end", "request", "break-glass", "withdraw"].map(
        (name) => `access ${name}`,
      ),
    ];
    for (const name of commands) {
      const { code, stdout } = await moonseal([...name.split(" "), "--help"]);
      expect([name, code, /Examples?:\n {2}\$ .*moonseal|Examples?:\n.*MOONSEAL/.test(stdout)]).toEqual([
        name,
        0,
        true,
      ]);
    }
  });
});

describe("doctor", () => {
  test("says of each thing how it is, and ends with 0 when nothing failed", async () => {
    const { code, stdout } = await moonseal(["doctor"], fakeIo(home, env, { now: Date.now }));
    for (const name of [
      "node",
      "config",
      "url",
      "key",
      "domain",
      "server",
      "clock",
      "whoami",
      "permissions",
      "log",
      "status",
      "backlog",
      "residency eu",
    ]) {
      expect(stdout).toMatch(new RegExp(`^ok {4}${name} `, "m"));
    }
    expect(code).toBe(0);
  });

  test("a configuration that others can read, a stopped domain and missing permissions are told with what to do", async () => {
    await moonseal(["profiles", "add", "p", "--url", "https://x.example"]);
    const path = join(home, ".config/moonseal/config.json");
    await chmod(path, 0o644);
    log.stoppedReason = "d1_mismatch";
    server.permissions = ["domain.read"];
    const { code, stdout } = await moonseal(["doctor"], fakeIo(home, env, { now: Date.now }));
    expect(stdout).toMatch(/^fail {2}config .*mode 644\)\n +-> chmod 600 /m);
    expect(stdout).toMatch(/^fail {2}status +stopped: d1_mismatch/m);
    expect(stdout).toMatch(/^warn {2}permissions .*without entry\.append/m);
    expect(code).toBe(1);
  });

  test("stores elsewhere than in their jurisdiction fail; a local run without pinning is only warned about", async () => {
    server.cells = [cellIn("eu", "us"), cellIn("us", "unpinned local")];
    const { code, stdout } = await moonseal(["doctor"], fakeIo(home, env, { now: Date.now }));
    expect(stdout).toMatch(/^fail {2}residency eu +LEDGER_00: us, LOG: us, durable objects: us$/m);
    expect(stdout).toMatch(/^warn {2}residency us +unpinned local/m);
    expect(code).toBe(1);
  });

  test("a clock that is behind is told; a server that is away ends with 3; a wrong key is not sent", async () => {
    const late = await moonseal(["doctor"], fakeIo(home, env, { now: () => Date.now() - 90_000 }));
    expect(late.stdout).toMatch(/^warn {2}clock +this clock is (89|90|91) s behind the server's/m);
    const wrongKey = await moonseal(["doctor"], fakeIo(home, { ...env, MOONSEAL_KEY: "secret" }));
    expect([wrongKey.code, server.seen.some(({ headers }) => headers.authorization === "Bearer secret")]).toEqual([
      1,
      false,
    ]);
    await server.stop();
    expect((await moonseal(["doctor"])).code).toBe(3);
  });
});

describe("as a child process", () => {
  test("a failure is one plain line without a stack, and MOONSEAL_DEBUG shows the stack", async () => {
    const broken = { ...env, HOME: home, MOONSEAL_KEY: KEY_EU };
    const plain = await spawnCli(["get", "999"], broken);
    expect(plain.stderr.trim().split("\n")).toHaveLength(1);
    expect((await spawnCli(["get", "999"], { ...broken, MOONSEAL_DEBUG: "1" })).stderr).toMatch(/\n {4}at /);
    expect([plain.code, plain.stdout]).toEqual([1, ""]);
  }, 30_000);

  test("standard input is read, and the receipts come out", async () => {
    const event = '{"action":"a.b","actor":{"type":"system"}}\n';
    const { code, stdout } = await spawnCli(["append", "--json"], { ...env, HOME: home }, { input: event.repeat(3) });
    expect(jsonLines(stdout)).toHaveLength(3);
    expect(code).toBe(0);
  }, 30_000);

  test("a reader that goes away changes no exit code and ends what would never end", async () => {
    log.fill(20);
    const all = { ...env, HOME: home };
    const row = log.rows[3];
    if (row) row.payload = row.payload.replace("success", "failure");
    const refuted = await spawnCli(["verify"], all, { closeStdout: true });
    const followed = await spawnCli(["tail", "-f"], all, { closeStdout: true });
    expect([refuted, followed]).toMatchObject([
      { code: 1, stderr: "" },
      { code: 0, stderr: "" },
    ]);
  }, 30_000);
});
