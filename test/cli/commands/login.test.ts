import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { MEMBER, SESSION_ID, sessionToken, TENANT_EU, TOKEN } from "../support/people-answers.ts";
import type { Poll } from "../support/people-double.ts";
import { fakeIo, runCli, spawnCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

let home: string;
let server: ServerDouble;
let url: string;
beforeEach(async () => {
  home = await tempDir();
  server = new ServerDouble(new LogDouble(domainIdOf("eu")));
  url = await server.start();
});
afterEach(() => server.stop());

const moonseal = (argv: string[], more: Partial<Io> = {}, env: Record<string, string> = {}) =>
  runCli(argv, fakeIo(home, env, more));
const stdin = (text: string) =>
  (async function* () {
    yield text;
  })();
const path = () => join(home, ".config/moonseal/config.json");
const profiles = async () => JSON.parse(await readFile(path(), "utf8")).profiles;

async function login(polls: Poll[], argv: string[] = []) {
  server.people.polls = polls;
  const io = fakeIo(home);
  const result = await runCli(["login", "--url", url, "--jurisdiction", "eu", ...argv], io);
  return { ...result, slept: io.slept };
}

describe("login through a browser", () => {
  test("shows the code and the address, waits at the server's interval, and keeps the session and nothing of it elsewhere", async () => {
    const { code, stdout, stderr, slept } = await login(["pending", "pending", "approved"]);
    expect([code, slept]).toEqual([0, [5000, 5000, 5000]]);
    expect(stderr).toContain("Open    https://api.test/v1/auth/eu/device?user_code=BCDF-GHJK\n");
    expect(stderr).toContain("or type BCDF-GHJK at https://api.test/v1/auth/eu/device\n");
    expect(stdout).toBe(
      `signed in as ${MEMBER} of ${TENANT_EU} until 2026-11-22T10:00:00.000Z; kept as profile default in ${path()}\n`,
    );
    expect(await profiles()).toEqual({ default: { url, session: { token: TOKEN, session_id: SESSION_ID } } });
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(stdout + stderr).not.toContain(TOKEN);
  });

  test("RFC 8628 §3.5 slow_down adds five seconds for good; a lost connection or a server in trouble doubles", async () => {
    const { slept } = await login(["slow_down", "pending", "slow_down", "lost", "pending", "away", "approved"]);
    expect(slept).toEqual([5, 10, 10, 15, 30, 30, 60].map((s) => s * 1000));
  });

  test.each<[Poll, RegExp]>([
    ["denied", /refused in the browser/],
    ["expired", /nobody approved the code in time; begin anew: moonseal login/],
  ])("that is %s ends at once, and nothing is kept", async (poll, said) => {
    const { code, stderr, slept } = await login(["pending", poll]);
    expect([code, slept.length]).toEqual([1, 2]);
    expect(stderr).toMatch(said);
    expect(await stat(path()).catch(() => null)).toBeNull();
  });

  test("that nobody approves asks no longer than the code is good", async () => {
    const { code, stderr, slept } = await login(["pending"]);
    expect([code, slept.length]).toEqual([1, 121]);
    expect(stderr).toMatch(/in time/);
  });

  test("says in JSON what was kept, without the token", async () => {
    const { stdout } = await login(["approved"], ["--json", "--profile", "acme"]);
    expect(JSON.parse(stdout)).toEqual({
      profile: "acme",
      session_id: SESSION_ID,
      person_id: MEMBER,
      tenant_id: TENANT_EU,
      expires_at: "2026-11-22T10:00:00.000Z",
    });
  });

  test("without a jurisdiction, or with a wrong one, asks nobody", async () => {
    const none = await moonseal(["login", "--url", url]);
    const wrong = await moonseal(["login", "--url", url, "--jurisdiction", "mars"]);
    expect([none.code, wrong.code, server.seen]).toEqual([2, 2, []]);
    expect(none.stderr).toMatch(/--jurisdiction eu or us/);
  });

  test("takes the jurisdiction of the profile's key, and leaves the key", async () => {
    await moonseal(["profiles", "add", "p", "--url", url, "--key", KEY_EU]);
    expect((await moonseal(["login"])).code).toBe(0);
    expect((await profiles()).p).toEqual({ url, key: KEY_EU, session: { token: TOKEN, session_id: SESSION_ID } });
  });

  test("does not put a session of one server into the profile of another", async () => {
    await moonseal(["profiles", "add", "p", "--url", "https://other.example"]);
    const { code, stderr } = await login(["approved"]);
    expect([code, server.seen]).toEqual([2, []]);
    expect(stderr).toMatch(/profile p is for https:\/\/other\.example; choose another one with --profile/);
  });
});

describe("a kept session", () => {
  beforeEach(async () => {
    await moonseal(["profiles", "add", "default", "--url", url, "--key", KEY_EU]);
    await login(["approved"]);
    server.seen.length = 0;
  });

  test("comes before the profile's key, and after a key that is given", async () => {
    expect((await moonseal(["whoami"])).stdout).toMatch(/^kind +member$/m);
    expect((await moonseal(["whoami"], {}, { MOONSEAL_KEY: KEY_EU })).stdout).toMatch(/^kind +api_key$/m);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`, `Bearer ${KEY_EU}`]);
    expect(server.seen[0]?.headers["user-agent"]).toMatch(/^moonseal\/\S+ \(linux\)$/);
  });

  test("whoami says person, role, session with its end, and how old the second factor is", async () => {
    const { stdout } = await moonseal(["whoami"]);
    expect(stdout).toMatch(new RegExp(`^person +${MEMBER}\nrole +owner\nsession +${SESSION_ID}, ends in 1 day\n`, "m"));
    expect(stdout).toMatch(/^second factor +shown 3 minutes ago$/m);
  });

  test("that a key of the environment comes before is told at once", async () => {
    const { stderr } = await moonseal(["login"], {}, { MOONSEAL_KEY: KEY_EU });
    expect(stderr).toMatch(/MOONSEAL_KEY is set and comes before it/);
  });

  test("is sent to no other server, whatever a flag names", async () => {
    const elsewhere = new ServerDouble(new LogDouble(domainIdOf("eu")));
    const other = await elsewhere.start();
    await moonseal(["whoami", "--url", other]);
    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY_EU}`]);
    await elsewhere.stop();
  });

  test("that is over is told with what to do", async () => {
    server.faults.push({ kind: "refuse", status: 401, code: "auth.required" });
    const { code, stderr } = await moonseal(["whoami"]);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/if this was a session, it is over: moonseal login/)]);
  });

  test("is shown by doctor and in the list of profiles, never the token", async () => {
    const doctor = await moonseal(["doctor"]);
    expect(doctor.stdout).toMatch(/^ok +key +the session of profile default, ends in/m);
    const list = await moonseal(["profiles", "list"]);
    expect(list.stdout).toContain(`signed in, ${SESSION_ID}`);
    expect(doctor.stdout + list.stdout + (await moonseal(["profiles", "list", "--json"])).stdout).not.toContain(TOKEN);
  });

  test("that is over by this machine's clock is told by doctor, and not sent", async () => {
    server.seen.length = 0;
    const { code, stdout } = await moonseal(["doctor"], {}, { MOONSEAL_KEY: sessionToken("log.test/eu", 1) });
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^fail +key +MOONSEAL_KEY is over\n +-> .*moonseal login/m),
    ]);
    expect(server.seen.some(({ headers }) => headers.authorization)).toBe(false);
  });

  test("logout ends it at the server, then forgets it; the key is used again", async () => {
    expect((await moonseal(["logout"])).code).toBe(0);
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /v1/auth/eu/logout"]);
    expect(await profiles()).toEqual({ default: { url, key: KEY_EU } });
    expect((await moonseal(["whoami"])).stdout).toMatch(/^kind +api_key$/m);
    expect((await moonseal(["logout"])).code).toBe(2);
  });

  test("stays for another try when the server did not hear of the logout; --local forgets it", async () => {
    server.faults.push({ kind: "hang-up" });
    expect((await moonseal(["logout"])).code).toBe(3);
    expect((await profiles()).default.session.token).toBe(TOKEN);
    expect((await moonseal(["logout", "--local"])).code).toBe(0);
    expect((await profiles()).default.session).toBeUndefined();
    expect(server.seen.map(({ path }) => path)).toEqual(["/v1/auth/eu/logout"]);
  });

  test("that had ended already is forgotten by logout", async () => {
    server.faults.push({ kind: "refuse", status: 401, code: "auth.required" });
    expect((await moonseal(["logout"])).code).toBe(0);
    expect((await profiles()).default.session).toBeUndefined();
  });

  test("of another jurisdiction than the log's is not sent", async () => {
    const { code } = await moonseal(["head", "--domain", domainIdOf("us")]);
    expect([code, server.seen]).toEqual([2, []]);
  });
});

describe("login with a key", () => {
  test("keeps what stands on standard input", async () => {
    const kept = await moonseal(["login", "--with-key", "--url", url], { stdin: stdin(`${KEY_EU}\r\n`) });
    expect([kept.code, kept.stdout.includes(KEY_EU), server.seen]).toEqual([0, false, []]);
    expect(await profiles()).toEqual({ default: { url, key: KEY_EU } });
    expect((await stat(path())).mode & 0o777).toBe(0o600);
  });

  test("knows - for standard input, too", async () => {
    expect((await moonseal(["login", "--key", "-", "--url", url], { stdin: stdin(KEY_EU) })).code).toBe(0);
    expect(await profiles()).toEqual({ default: { url, key: KEY_EU } });
  });

  test("takes none as an argument, and says why", async () => {
    const { code, stderr } = await moonseal(["login", "--url", url, "--key", KEY_EU]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/history of the shell: moonseal login --with-key/)]);
    expect(stderr).not.toContain(KEY_EU);
    expect(await stat(path()).catch(() => null)).toBeNull();
  });

  test.each([
    ["mistyped", `${KEY_EU.slice(0, -1)}_`],
    ["missing", ""],
    ["a session's token", sessionToken()],
  ])("that is %s keeps nothing", async (_, typed) => {
    const { code } = await moonseal(["login", "--with-key", "--url", url], { stdin: stdin(`${typed}\n`) });
    expect([code, await stat(path()).catch(() => null)]).toEqual([2, null]);
  });

  test("in a profile with a session ends being that person, and says that the session goes on", async () => {
    await login(["approved"]);
    const { stderr } = await moonseal(["login", "--with-key"], { stdin: stdin(KEY_EU) });
    expect(stderr).toMatch(/earlier session of profile default goes on/);
    expect(await profiles()).toEqual({ default: { url, key: KEY_EU } });
  });
});

test("as a child process without a terminal, nobody is asked for a code and the command says what to do", async () => {
  const argv = ["keys", "create", "ci", "--permission", "entry.append"];
  const env = { HOME: home, MOONSEAL_URL: url, MOONSEAL_KEY: TOKEN };
  const { code, stdout, stderr } = await spawnCli(argv, env, { input: "123456\n" });
  expect([code, stdout]).toEqual([3, ""]);
  expect(stderr).toMatch(/show it with: moonseal second-factor, then run this again/);
  expect(server.people.codes).toEqual(["123456"]);
});
