/** A new tenant as its first people meet it, by pages and command line alone: invited, signed in, with keys; and the operator at its door. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";
import { Person } from "./support/person.ts";

const { server, start, stop, ask } = deployment();
const operator = testBindings("eu").OPERATOR_SECRET;

let origin: string;
let owner: Person;
let staff: Person;
beforeAll(async () => {
  await start();
  origin = (await server.listen()).url.origin;
  owner = await Person.at(origin);
  staff = await Person.at(origin);
});
afterAll(() => stop());

async function linkTo(email: string): Promise<string> {
  const { mails } = (await (await ask("/v1/outbox", { key: operator })).json()) as {
    mails: { to: string; text: string }[];
  };
  const text = mails.find(({ to }) => to === email)?.text ?? "";
  return /https:\S+[?]token=[\w.-]+/.exec(text)?.[0] ?? `no link to ${email}`;
}

const configOf = async ({ home }: Person) => {
  const path = join(home, ".config/moonseal/config.json");
  return { path, profiles: JSON.parse(await readFile(path, "utf8")).profiles };
};

let tenantId: string;
let keyId: string;

test("an operator's new tenant invites its owner, who joins by the link and is signed in", async () => {
  const body = {
    name: "Acme",
    jurisdiction: "eu",
    tier: "pro",
    owner: { email: "owner@example.org", name: "Olga Owner" },
  };
  const made = await ask("/v1/tenants", { key: operator, body });
  expect(made.status).toBe(201);
  tenantId = ((await made.json()) as { tenant: { id: string } }).tenant.id;
  expect(await owner.join(await linkTo("owner@example.org"))).toContain(tenantId);
});

test("login asks as often as the server wants, and keeps a session that only its owner can read", async () => {
  const { code, stdout, stderr, waits, page } = await owner.login("acme");
  expect([code, waits], stderr).toEqual([0, [5000, 5000, 10_000]]);
  expect(page).toContain("Moonseal command line on Linux");
  expect(stdout).toMatch(/^signed in as mem_eu_\w+ of tnt_eu_\w+ until /);
  const { path, profiles } = await configOf(owner);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(stdout + stderr).not.toContain(profiles.acme.session.token);
  expect(await owner.login("laptop")).toMatchObject({ code: 0 });
});

test("whoami says person, role, session and second factor", async () => {
  const { code, stdout } = await owner.moonseal(["whoami"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^kind +member\njurisdiction +eu\ntenant +tnt_eu_\w+\nperson +mem_eu_\w+\nrole +owner\n/);
  expect(stdout).toMatch(/^session +ses_eu_\w+, ends in 23 hours\nsecond factor +not shown in this session$/m);
});

test("S2-12 without a second factor a key is not made, and the way to one is named", async () => {
  const { code, stdout, stderr } = await owner.moonseal(["keys", "create", "ci", "--permission", "entry.append"]);
  expect([code, stdout]).toEqual([3, ""]);
  expect(stderr).toMatch(/you have none yet: moonseal second-factor add/);
});

test("an authenticator app is added with a code of it, and recovery codes are shown once", async () => {
  const { code, stdout } = await owner.addApp();
  expect(code).toBe(0);
  expect(stdout.match(/^\S{4}(-\S{4})+$/gm)).toHaveLength(10);
  expect((await owner.moonseal(["second-factor", "list"])).stdout).toMatch(
    /^recovery codes +10 left\nin this session +shown 0/m,
  );
});

test("S2-12 another session is asked for a code, at which the very request is sent again", async () => {
  const create = ["keys", "create", "ci", "--permission", "entry.append", "--profile", "laptop", "--json"];
  const silent = await owner.moonseal(create);
  expect([silent.code, silent.stdout]).toEqual([3, ""]);
  expect(silent.stderr).toMatch(/auth\.step_up_required.*; show it with: moonseal second-factor, then run this again/);

  const typed = [owner.code(0), owner.code(1)];
  const { code, stdout, stderr } = await owner.moonseal(create, { ask: async () => typed.shift() ?? null });
  expect(stderr).toMatch(/not accepted[^]*shown now and never again/);
  expect(code).toBe(0);
  const made = JSON.parse(stdout) as { id: string; key: string };
  keyId = made.id;
  const who = await owner.moonseal(["whoami", "--key", made.key, "--url", origin, "--json"]);
  expect(JSON.parse(who.stdout)).toMatchObject({ kind: "api_key", key_id: keyId, tenant_id: tenantId });
});

test("a key is rotated, whose new one works, and revoked", async () => {
  const rotated = await owner.moonseal(["keys", "rotate", keyId, "--overlap", "0"]);
  expect([rotated.code, rotated.stdout.trim().split("\n")]).toEqual([0, [expect.stringMatching(/^msk_eu_\S+$/)]]);
  const key = rotated.stdout.trim();
  expect((await ask("/v1/whoami", { key })).status).toBe(200);
  const id = /key_eu_\w+/.exec(rotated.stderr)?.[0] ?? "";
  expect((await owner.moonseal(["keys", "revoke", id])).stdout).toBe(`revoked ${id} (ci)\n`);
  const list = (await owner.moonseal(["keys"])).stdout;
  expect(list).toMatch(new RegExp(`^${keyId} +ended`, "m"));
  expect(list).toMatch(new RegExp(`^${id} +revoked`, "m"));
});

test("a colleague is invited, and the mail is there; an invitation is withdrawn", async () => {
  const invite = ["members", "invite", "-", "--name", "Karl", "--role", "viewer", "--json"];
  const stdin = (async function* () {
    yield "karl@example.org\n";
  })();
  const invited = await owner.moonseal(invite, { stdin });
  expect([invited.code, invited.stderr]).toEqual([0, ""]);
  expect(await linkTo("karl@example.org")).toContain("/v1/auth/eu/invitation?token=");
  expect((await owner.moonseal(["members", "invitations"])).stdout).toMatch(
    /viewer +karl@example\.org +Karl +ends in 6 days/,
  );
  const { id } = JSON.parse(invited.stdout);
  expect((await owner.moonseal(["members", "withdraw", id])).code).toBe(0);
  expect((await owner.moonseal(["members", "invitations"])).stdout).toMatch(/^no open invitations/);
  expect((await owner.moonseal(["members"])).stdout).toMatch(/^mem_eu_\w+ +owner +owner@example\.org +Olga Owner /);
});

test("S3-35 the operator's person asks for access, the tenant approves it in part, and its own log tells of each step", async () => {
  const invited = await ask("/v1/staff", { key: operator, body: { email: "sam@example.org", name: "Sam" } });
  expect(invited.status).toBe(201);
  await staff.join(await linkTo("sam@example.org"));
  // The operator's people cannot approve a device, nor anything else, before they have a second factor.
  await staff.addAppInBrowser();
  expect(await staff.login("work")).toMatchObject({ code: 0 });
  const wish = ["--tenant", tenantId, "--reason", "Ticket 4711: look", "--permission", "entry.read", "--minutes", "60"];
  const asked = await staff.moonseal(["access", "request", ...wish, "--all", "--json"]);
  const { id } = JSON.parse(asked.stdout) as { id: string };
  expect((await owner.moonseal(["access"])).stdout).toMatch(
    new RegExp(`^${id} +request +requested, answer due in .*4711`),
  );

  const approved = await owner.moonseal(["access", "approve", id, "--minutes", "30"]);
  expect(approved.stdout).toMatch(/^state +approved, ends in 29 minutes$/m);
  const { tenant_domain_id } = (await (await ask(`/v1/tenants/${tenantId}`, { key: operator })).json()) as {
    tenant_domain_id: string;
  };
  const read = await staff.moonseal(["get", "0", "--json", "--domain", tenant_domain_id]);
  expect([read.code, read.stderr]).toEqual([0, ""]);
  expect((await staff.moonseal(["access", "withdraw", id, "--tenant", tenantId])).stdout).toMatch(/^state +ended/m);

  const tail = await owner.moonseal(["tail", "-n", "20", "--json", "--domain", tenant_domain_id]);
  const actions = [...tail.stdout.matchAll(/"action":"(tenant\.access_\w+)"/g)].map(([, action]) => action);
  expect(actions).toEqual([
    "tenant.access_requested",
    "tenant.access_approved",
    "tenant.access_used",
    "tenant.access_ended",
  ]);
});

test("a session is revoked from another one, and logout ends and forgets one's own", async () => {
  const sessions = JSON.parse((await owner.moonseal(["sessions", "--json"])).stdout).sessions as {
    id: string;
    device: string;
    current: boolean;
  }[];
  expect(sessions.map(({ device }) => device)).toContain("Moonseal command line on Linux");
  const { session_id } = (await configOf(owner)).profiles.laptop.session;
  expect((await owner.moonseal(["sessions", "revoke", session_id])).stdout).toBe(`ended ${session_id}\n`);
  expect((await owner.moonseal(["logout"])).stdout).toBe("signed out of profile acme\n");
  const after = await owner.moonseal(["whoami"]);
  expect([after.code, after.stderr]).toEqual([2, expect.stringMatching(/moonseal login/)]);
});
