import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import {
  ACCESS,
  ACCOUNT,
  DOMAIN,
  INVITATION,
  KEY_ID,
  MEMBER,
  SESSION_ID,
  TENANT_EU,
  TOKEN,
} from "../support/people-answers.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

let home: string;
let server: ServerDouble;
let env: Record<string, string>;
beforeEach(async () => {
  home = await tempDir();
  server = new ServerDouble(new LogDouble(domainIdOf("eu")));
  server.people.issued = KEY_EU;
  server.people.isFactorShown = true;
  env = { MOONSEAL_URL: await server.start(), MOONSEAL_KEY: TOKEN };
});
afterEach(() => server.stop());

const moonseal = (argv: string[], more: Partial<Io> = {}) => runCli(argv, fakeIo(home, env, more));
const sent = () => server.seen.map(({ method, path }) => `${method} ${path.replace(TENANT_EU, ":t")}`);
const CREATE = ["keys", "create", "ci", "--permission", "entry.append"];
const ESCAPE = "\u001b";

describe("when the server wants a second factor", () => {
  beforeEach(() => {
    server.people.isFactorShown = false;
  });

  test("a person at a terminal is asked, the code is shown, and the very request is sent once more", async () => {
    const { code, stdout } = await moonseal(CREATE, { ask: async () => " 123 456 " });
    expect([code, stdout]).toEqual([0, `${KEY_EU}\n`]);
    const create = "POST /v1/tenants/:t/keys";
    expect(sent()).toEqual([
      "GET /v1/whoami",
      create,
      "GET /v1/auth/eu/factors",
      "POST /v1/auth/eu/second-factor",
      create,
    ]);
    expect(server.seen[4]?.body).toBe(server.seen[1]?.body);
  });

  test("three codes may be wrong, then the request fails as it did", async () => {
    let asked = 0;
    const { code, stderr } = await moonseal(CREATE, { ask: async () => `00000${++asked}` });
    expect([code, asked]).toEqual([3, 3]);
    expect(stderr).toMatch(/auth\.step_up_required/);
    expect(sent().filter((line) => line.endsWith("/keys"))).toHaveLength(1);
  });

  test("anything but six digits is a recovery code", async () => {
    server.people.codes = ["0a1b-2c3d"];
    expect((await moonseal(CREATE, { ask: async () => "0a1b-2c3d" })).code).toBe(0);
    expect(server.seen[3]?.body).toBe('{"recovery_code":"0a1b-2c3d"}');
  });

  test.each([null, ""])("an answer of %j sends nothing and names the command to go on with", async (answer) => {
    const { code, stderr } = await moonseal(CREATE, { ask: async () => answer });
    expect([code, stderr]).toEqual([3, expect.stringMatching(/show it with: moonseal second-factor, then run this/)]);
    expect(sent()).not.toContain("POST /v1/auth/eu/second-factor");
  });

  test("whoever has none, or passkeys alone, is told what to do instead of asked", async () => {
    const ask = async () => {
      throw new Error("asked in vain");
    };
    server.people.factors = { ...server.people.factors, totp_added_at: null, recovery_codes_left: 0 };
    expect((await moonseal(CREATE, { ask })).stderr).toMatch(/you have none yet: moonseal second-factor add/);
    server.people.factors.passkeys = [{ id: "AQ", name: "phone", added_at: "x", last_used_at: null }];
    expect((await moonseal(CREATE, { ask })).stderr).toMatch(/a passkey is shown in a browser: moonseal login/);
  });
});

describe("second-factor", () => {
  const typed = (text: string) => ({
    stdin: (async function* () {
      yield text;
    })(),
  });

  test("shows a code from standard input", async () => {
    const { code, stdout } = await moonseal(["second-factor"], typed("123456\n"));
    expect([code, stdout]).toEqual([0, "shown; good until 2026-11-22T10:00:00.000Z\n"]);
    expect((await moonseal(["second-factor", "show"], typed("123456"))).code).toBe(3);
  });

  test("add without a terminal shows the secret, and confirm finishes with the codes printed once", async () => {
    const begun = await moonseal(["second-factor", "add"]);
    expect(begun.stdout).toBe("otpauth://totp/x?secret=AAAABBBB\nsecret, for typing: AAAA BBBB\n");
    expect(begun.stderr).toMatch(/not added yet; within 15 minutes: moonseal second-factor confirm/);
    const { stdout, stderr } = await moonseal(["second-factor", "confirm"], typed("123456"));
    expect(stdout).toBe("added; the code also counts as shown in this session\naaaa-bbbb\n");
    expect(stderr).toMatch(/shown once/);
  });

  test("lists, removes and renews; a key has none", async () => {
    expect((await moonseal(["second-factor", "list"])).stdout).toMatch(
      /^authenticator app +added .*\nrecovery codes +10 left\n/,
    );
    expect((await moonseal(["second-factor", "remove"])).stdout).toBe("removed\n");
    expect((await moonseal(["second-factor", "recovery-codes"])).stdout).toBe("cccc-dddd\n");
    const asKey = await runCli(["second-factor", "list"], fakeIo(home, { ...env, MOONSEAL_KEY: KEY_EU }));
    expect([asKey.code, asKey.stderr]).toEqual([2, expect.stringMatching(/moonseal login/)]);
  });
});

describe("keys", () => {
  test("a new key alone stands on standard output; that it is shown once, on the other", async () => {
    const argv = [
      ...CREATE,
      "--permission",
      "entry.read",
      "--expires",
      "2027-01-01T00:00:00Z",
      "--network",
      "192.0.2.0/24",
    ];
    const { stdout, stderr } = await moonseal(argv);
    expect(stdout).toBe(`${KEY_EU}\n`);
    expect(stderr).toMatch(/shown now and never again/);
    expect(stderr).not.toContain(KEY_EU);
    expect(JSON.parse(server.seen[1]?.body ?? "")).toEqual({
      name: "ci",
      permissions: ["entry.append", "entry.read"],
      expires_at: "2027-01-01T00:00:00Z",
      allowed_networks: ["192.0.2.0/24"],
    });
  });

  test("one that is rotated says when the old one ends; one hour later unless it is said", async () => {
    const { stdout, stderr } = await moonseal(["keys", "rotate", KEY_ID]);
    expect(stdout).toBe(`${KEY_EU}\n`);
    expect(stderr).toMatch(new RegExp(`${KEY_ID} .*: works, ends in 1 day`));
    await moonseal(["keys", "rotate", KEY_ID, "--overlap", "0", "--json"]);
    const bodies = server.seen.map(({ body }) => body).filter((body) => body !== "");
    expect(bodies).toEqual(['{"overlap_seconds":3600}', '{"overlap_seconds":0}']);
    expect((await moonseal(["keys", "rotate", KEY_ID, "--overlap", "604801"])).code).toBe(2);
  });

  test("are listed without anything that a terminal would obey, and revoked", async () => {
    const { stdout } = await moonseal(["keys"]);
    expect(stdout).toMatch(new RegExp(`^${KEY_ID} +works +never used +ci`));
    expect(stdout).not.toContain(ESCAPE);
    expect((await moonseal(["keys", "list", "--json"])).stdout).not.toContain(ESCAPE);
    expect((await moonseal(["keys", "revoke", KEY_ID])).code).toBe(0);
    expect(sent().at(-1)).toBe(`DELETE /v1/tenants/:t/keys/${KEY_ID}`);
  });

  test("--tenant is used as it is, and nobody is asked whose the credential is", async () => {
    await moonseal(["keys", "--tenant", TENANT_EU]);
    expect(sent()).toEqual(["GET /v1/tenants/:t/keys"]);
  });

  test("what the server refuses is told with its field", async () => {
    const { code, stderr } = await moonseal(["keys", "create", "ci", "--permission", "everything"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\/permissions\/0: /)]);
  });
});

test("members are listed, invited from standard input or an argument, changed and removed", async () => {
  expect((await moonseal(["members"])).stdout).toMatch(new RegExp(`^${MEMBER} +owner +ada@example\\.org +Ada +since `));
  const stdin = (async function* () {
    yield "karl@example.org\n";
  })();
  const as = ["--name", "Karl", "--role", "viewer"];
  expect((await moonseal(["members", "invite", "-", ...as], { stdin })).stdout).toContain(INVITATION);
  await moonseal(["members", "invite", "karl@example.org", ...as]);
  const invites = server.seen.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body));
  expect(invites).toEqual(Array(2).fill({ email: "karl@example.org", name: "Karl", role: "viewer" }));
  expect((await moonseal(["members", "role", MEMBER, "support"])).stdout).toBe(`${MEMBER} is support now\n`);
  expect((await moonseal(["members", "role", MEMBER, "emperor"])).code).toBe(1);
  expect((await moonseal(["members", "remove", MEMBER])).stdout).toBe(`removed ${MEMBER}\n`);
  expect((await moonseal(["members", "reset-factors", MEMBER])).code).toBe(0);
  expect((await moonseal(["members", "invitations"])).stdout).toMatch(/^inv_eu_\w+ +viewer .* ends in 1 day$/m);
  expect((await moonseal(["members", "resend", INVITATION])).code).toBe(0);
  expect((await moonseal(["members", "withdraw", INVITATION])).stdout).toBe(`withdrew ${INVITATION}\n`);
});

describe("sessions", () => {
  test("are one's own unless it is said", async () => {
    expect((await moonseal(["sessions"])).stdout).toMatch(new RegExp(`^${SESSION_ID} .*this one\n`));
    await moonseal(["sessions", "list", "--all"]);
    await moonseal(["sessions", "list", "--member", MEMBER, "--tenant", TENANT_EU]);
    expect(sent()).toEqual([
      "GET /v1/sessions",
      "GET /v1/whoami",
      "GET /v1/tenants/:t/sessions",
      `GET /v1/tenants/:t/sessions?member_id=${MEMBER}`,
    ]);
  });

  test("revoke ends one's own or a member's by its id, all others of one's own, or all of a member", async () => {
    const other = SESSION_ID.replace(/.$/, "0");
    for (const which of [[SESSION_ID], [other], ["--others"], ["--member", MEMBER]]) {
      expect((await moonseal(["sessions", "revoke", ...which, "--tenant", TENANT_EU])).code).toBe(0);
    }
    expect(sent().filter((line) => line.startsWith("DELETE"))).toEqual([
      `DELETE /v1/sessions/${SESSION_ID}`,
      `DELETE /v1/tenants/:t/sessions/${other}`,
      "DELETE /v1/sessions",
      `DELETE /v1/tenants/:t/members/${MEMBER}/sessions`,
    ]);
    for (const which of [[], [SESSION_ID, "--others"]]) {
      expect((await moonseal(["sessions", "revoke", ...which])).code).toBe(2);
    }
  });
});

test("service accounts are listed, shown, made and removed", async () => {
  expect((await moonseal(["service-accounts"])).stdout).toMatch(new RegExp(`^${ACCOUNT} +works +export`));
  expect(JSON.parse((await moonseal(["service-accounts", "show", ACCOUNT])).stdout).keys).toHaveLength(1);
  expect((await moonseal(["service-accounts", "create", "export"])).stdout).toBe(`${ACCOUNT}\n`);
  expect((await moonseal(["service-accounts", "remove", ACCOUNT])).stdout).toBe(`removed ${ACCOUNT} (export)\n`);
});

describe("access", () => {
  const REASON = ["--reason", "Ticket 4711: look", "--permission", "entry.read", "--minutes", "60"];

  test("is asked for with a reason, a reach and a time, and nothing of it is guessed", async () => {
    const ask = ["access", "request", "--tenant", TENANT_EU, ...REASON];
    expect((await moonseal([...ask, "--in", DOMAIN, "--answer-within", "90"])).code).toBe(0);
    expect((await moonseal(["access", "break-glass", "--tenant", TENANT_EU, ...REASON, "--all"])).code).toBe(0);
    const wish = { reason: "Ticket 4711: look", permissions: ["entry.read"], duration_seconds: 3600 };
    expect(server.seen.map(({ body }) => JSON.parse(body))).toEqual([
      { ...wish, domains: [DOMAIN], answer_within_seconds: 5400 },
      { ...wish, domains: "all" },
    ]);
    for (const where of [[], ["--all", "--in", DOMAIN]]) expect((await moonseal([...ask, ...where])).code).toBe(2);
    expect((await moonseal(["access", "request", "--all", "--tenant", TENANT_EU])).code).toBe(2);
    expect(server.seen).toHaveLength(2);
  });

  test("is listed and shown, approved as asked or less, denied, ended and withdrawn", async () => {
    expect((await moonseal(["access"])).stdout).toMatch(
      new RegExp(`^${ACCESS} +request +requested, answer due in 1 day +stf_eu_\\w+ +Ticket 4711: look\n$`),
    );
    await moonseal(["access", "approve", ACCESS]);
    const less = ["--permission", "entry.read", "--in", DOMAIN, "--minutes", "30"];
    const { stdout } = await moonseal(["access", "approve", ACCESS, ...less]);
    expect(stdout).toMatch(/^state +approved, ends in 1 day$/m);
    const bodies = server.seen.filter(({ path }) => path.endsWith("/approve")).map(({ body }) => JSON.parse(body));
    expect(bodies).toEqual([{}, { permissions: ["entry.read"], domains: [DOMAIN], duration_seconds: 1800 }]);
    for (const [name, state] of [
      ["deny", "denied"],
      ["end", "ended"],
      ["withdraw", "withdrawn"],
      ["show", "withdrawn"],
    ]) {
      const answer = await moonseal(["access", name ?? "", ACCESS]);
      expect([answer.code, /^state +(\w+)$/m.exec(answer.stdout)?.[1]]).toEqual([0, state]);
    }
  });
});

test("what is empty says what to do next", async () => {
  server.people.isEmpty = true;
  for (const [argv, next] of [
    [["keys"], /moonseal keys create/],
    [["members"], /moonseal members invite/],
    [["members", "invitations"], /moonseal members invite/],
    [["sessions"], /moonseal login/],
    [["service-accounts"], /moonseal service-accounts create/],
    [["access"], /^nobody of the operator has asked/],
  ] as const) {
    expect((await moonseal([...argv])).stdout).toMatch(next);
  }
});
