/** S2-13 and signing in by mail: invitations, links, sessions. Everything runs: objects, alarms, the outbox of a local cell. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { makeId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { mailLookup } from "../../src/services/access/people/address.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { call, env, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import {
  AUTH,
  acceptInvitation,
  askForLink,
  confirmLink,
  cookieOf,
  deliverLogins,
  fromSomewhere,
  inBook,
  linkTo,
  mailsTo,
  memberSession,
} from "../support/people.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";
import { deskStub, entriesAbout, entriesOf } from "../support/tenancy.ts";

const address = () => `p${uuidv7()}@example.org`;
const invite = (tenant: TestTenant, email: string, role = "viewer", key = tenant.key) =>
  call(`/v1/tenants/${tenant.tenantId}/invitations`, { key, body: { email, name: "Ada", role } });
const whoami = (token: string) => call("/v1/whoami", { key: token });

interface SignedIn {
  token: string;
  person_id: string;
  session_id: string;
  tenant_id: string;
}

/** Invited, accepted and signed in by mail. */
async function joined(tenant: TestTenant, role = "viewer"): Promise<SignedIn & { email: string }> {
  const email = address();
  expect((await invite(tenant, email, role)).status).toBe(201);
  const answer = await acceptInvitation(await linkTo(email));
  expect(answer.status).toBe(200);
  return { ...((await answer.json()) as SignedIn), email };
}

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("an invitation", () => {
  test("makes whoever opens its link a member with a session, and each step is an entry of the tenant's log", async () => {
    const { token, person_id, session_id, email } = await joined(tenant, "admin");
    expect(await (await whoami(token)).json()).toMatchObject({
      kind: "member",
      tenant_id: tenant.tenantId,
      person: { id: person_id, role: "admin", session_id, second_factor_at: null },
    });
    const entries = await entriesOf(tenant.tenantDomainId);
    const joinedEntry = entries.find(
      ({ action, metadata }) => action === "tenant.member_joined" && metadata?.role === "admin",
    );
    expect(joinedEntry?.actor).toMatchObject({ type: "user", ref: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["tenant.member_invited", "tenant.member_joined", "tenant.login"]),
    );
    expect(JSON.stringify(entries)).not.toContain(email);
    expect(JSON.stringify(entries)).not.toContain(person_id);
  });

  test("works once", async () => {
    const email = address();
    await invite(tenant, email);
    const link = await linkTo(email);
    expect((await acceptInvitation(link)).status).toBe(200);
    await problemOf(await acceptInvitation(link), "auth.link_invalid");
  });

  test("that is withdrawn, expired or replaced by a newer mail is worth nothing", async () => {
    const invited = async () => {
      const email = address();
      const { id } = (await (await invite(tenant, email)).json()) as { id: string };
      return { email, id, path: `/v1/tenants/${tenant.tenantId}/invitations/${id}`, link: await linkTo(email) };
    };
    const [withdrawn, expired, renewed] = [await invited(), await invited(), await invited()];
    expect((await call(withdrawn.path, { method: "DELETE", key: tenant.key })).status).toBe(204);
    await problemOf(await acceptInvitation(withdrawn.link), "auth.link_invalid");
    await inBook(tenant.tenantId, (book) => book.renewInvitation(expired.id, Date.now() - 1));
    await problemOf(await acceptInvitation(expired.link), "auth.link_invalid");
    expect((await call(`${renewed.path}/send`, { method: "POST", key: tenant.key })).status).toBe(200);
    await problemOf(await acceptInvitation(renewed.link), "auth.link_invalid");
    expect((await acceptInvitation(await linkTo(renewed.email))).status).toBe(200);
  });

  test("to an address that is a member's or is invited already is refused, and sends nothing", async () => {
    const { email } = await joined(tenant);
    const before = (await mailsTo(email)).length;
    await problemOf(await invite(tenant, email.toUpperCase().replace("@EXAMPLE.ORG", "@Example.org")), "member.exists");
    const other = address();
    await invite(tenant, other);
    await problemOf(await invite(tenant, other), "member.exists");
    expect((await mailsTo(email)).length).toBe(before);
    expect((await mailsTo(other)).length).toBe(1);
  });

  test("of another tenant's link leads to the other tenant only", async () => {
    const other = await newTenant();
    const email = address();
    await invite(other, email);
    const [, secret] = (await linkTo(email)).split(".");
    await problemOf(await acceptInvitation(`${tenant.tenantId}.${secret}`), "auth.link_invalid");
    expect((await acceptInvitation(`${other.tenantId}.${secret}`)).status).toBe(200);
  });

  test("is sent to one address a few times a day at most, whichever tenants ask", async () => {
    const email = address();
    for (let i = 0; i < LIMITS.invitationMailsPerDay; i++) {
      const { id } = (await (await invite(tenant, email)).json()) as { id: string };
      await call(`/v1/tenants/${tenant.tenantId}/invitations/${id}`, { method: "DELETE", key: tenant.key });
    }
    const problem = await invite(tenant, email);
    expect(problem.headers.get("Retry-After")).not.toBeNull();
    await problemOf(problem, "mail.too_many");
    expect((await mailsTo(email)).length).toBe(LIMITS.invitationMailsPerDay);
  });

  test("a tenant's first owner is invited together with the tenant", async () => {
    const email = address();
    const body = { name: "With owner", jurisdiction, tier: "pro", owner: { email, name: "Olivia Owner" } };
    const made = await call("/v1/tenants", { key: env.OPERATOR_SECRET, body });
    expect(made.status).toBe(201);
    const { tenant: made_ } = (await made.json()) as { tenant: { id: string; tenant_domain_id: string } };
    const { token } = (await (await acceptInvitation(await linkTo(email))).json()) as SignedIn;
    expect(await (await whoami(token)).json()).toMatchObject({ tenant_id: made_.id, person: { role: "owner" } });
    const actions = (await entriesOf(made_.tenant_domain_id)).map(({ action }) => action);
    expect(actions.filter((action) => action === "tenant.member_invited")).toHaveLength(1);
  });
});

describe("S2-13 a link that signs in", () => {
  test("signs in once, in the browser that asked", async () => {
    const { email, person_id } = await joined(tenant);
    const cookie = await askForLink(email);
    await deliverLogins();
    const link = await linkTo(email);
    const answer = await confirmLink(link, cookie);
    expect(answer.status).toBe(200);
    const { token, session_id } = (await answer.json()) as SignedIn;
    expect(await (await whoami(token)).json()).toMatchObject({ person: { id: person_id, session_id } });
    await problemOf(await confirmLink(link, cookie), "auth.link_invalid");
    expect(await entriesAbout(tenant.tenantDomainId, [session_id])).toEqual([`tenant.login ${session_id}`]);
  });

  test("opened in another browser, or in one without the cookie, is refused and says why; the right one still works", async () => {
    const { email } = await joined(tenant);
    const cookie = await askForLink(email);
    await deliverLogins();
    const [link, stranger] = [await linkTo(email), await askForLink(address())];
    await problemOf(await confirmLink(link, stranger), "auth.link_other_browser");
    await problemOf(await confirmLink(link), "auth.link_other_browser");
    expect((await confirmLink(link, cookie)).status).toBe(200);
    const failed = (await entriesOf(tenant.tenantDomainId)).filter(({ action }) => action === "tenant.login_failed");
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect(failed[0]).toMatchObject({ actor: { type: "anonymous" }, metadata: { reason: "other_browser" } });
  });

  test("is worth nothing after a few tries of other browsers, so nobody fills the log with one", async () => {
    const { email } = await joined(tenant);
    const cookie = await askForLink(email);
    await deliverLogins();
    const link = await linkTo(email);
    for (let i = 0; i < LIMITS.linkFailures; i++) await problemOf(await confirmLink(link), "auth.link_other_browser");
    await problemOf(await confirmLink(link), "auth.link_invalid");
    await problemOf(await confirmLink(link, cookie), "auth.link_invalid");
  });

  test("expires after a quarter of an hour", async () => {
    const { email } = await joined(tenant);
    const cookie = await askForLink(email);
    await deliverLogins();
    const link = await linkTo(email);
    const laterBy = async (ms: number) =>
      runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
        desk.clock = () => Date.now() + ms;
      });
    await laterBy(LIMITS.loginLinkMs);
    await problemOf(await confirmLink(link, cookie), "auth.link_invalid");
    await laterBy(LIMITS.loginLinkMs - 60_000);
    expect((await confirmLink(link, cookie)).status).toBe(200);
    await laterBy(0);
  });

  test("of another tenant, a made-up one or a made-up tenant is the same refusal", async () => {
    const other = await newTenant();
    const { email } = await joined(other);
    const cookie = await askForLink(email);
    await deliverLogins();
    const [, secret] = (await linkTo(email)).split(".");
    const made = `tnt_${jurisdiction}_${"0".repeat(26)}`;
    const answers = await Promise.all(
      [
        `${tenant.tenantId}.${secret}`,
        `${other.tenantId}.${"A".repeat(43)}`,
        `${made}.${secret}`,
        `staff.${secret}`,
      ].map(async (link) => withoutInstance(await confirmLink(link, cookie))),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 410 });
  });

  test("comes from each tenant that knows the address, and each signs in to its own", async () => {
    const other = await newTenant("Other");
    const email = address();
    for (const each of [tenant, other]) {
      await invite(each, email);
      expect((await acceptInvitation(await linkTo(email))).status).toBe(200);
    }
    const before = (await mailsTo(email)).length;
    const cookie = await askForLink(email);
    await deliverLogins();
    const links = (await mailsTo(email)).slice(0, -before).map(({ text }) => /token=([\w.-]+)/.exec(text)?.[1] ?? "");
    expect(links.map((link) => link.split(".")[0]).sort()).toEqual([tenant.tenantId, other.tenantId].sort());
    for (const link of links) expect((await confirmLink(link, cookie)).status).toBe(200);
  });
});

describe("asking for a link", () => {
  test("answers the same for an address that somebody has and for one that nobody has", async () => {
    const { email } = await joined(tenant);
    const ask = async (about: string) => {
      const answer = await call(`${AUTH}/login`, { body: { email: about }, headers: fromSomewhere() });
      const set = answer.headers.getSetCookie().map((cookie) => cookie.replace(/=[^;]+/, "=…"));
      const headers = [...answer.headers].filter(([name]) => !["x-request-id", "date", "set-cookie"].includes(name));
      return { status: answer.status, body: await answer.text(), headers, set };
    };
    expect(await ask(email)).toEqual(await ask(address()));
    expect((await ask(email)).status).toBe(202);
    expect((await ask(email)).set[0]).toMatch(
      /^__Host-moonseal-browser-(?:eu|us)=…; .*HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  test("nobody is flooded by strangers, and the owner's own browser is not kept waiting by them", async () => {
    const { email } = await joined(tenant);
    const own = await askForLink(email);
    await deliverLogins();
    await confirmLink(await linkTo(email), own);
    const before = (await mailsTo(email)).length;
    for (let i = 0; i < LIMITS.loginMailsPerAddress + 3; i++) await askForLink(email);
    await deliverLogins();
    const flooded = (await mailsTo(email)).length;
    expect(flooded - before).toBeLessThanOrEqual(LIMITS.loginMailsPerAddress);
    await askForLink(email, own);
    await deliverLogins();
    expect((await mailsTo(email)).length).toBe(flooded + 1);
    expect((await confirmLink(await linkTo(email), own)).status).toBe(200);
  });

  test("S2-13 comes through though a tenant does not answer to many who wait before", async () => {
    const { email } = await joined(tenant);
    const before = (await mailsTo(email)).length;
    const lookup = mailLookup(cellConfig(env).pseudonymPepper, address());
    const nobodys = `tnt_${jurisdiction}_${"0".repeat(26)}`;
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      storage.sql.exec("INSERT INTO mail_index VALUES (?, ?)", lookup, nobodys);
      for (let i = 0; i < 120; i++) {
        const wish = [lookup, "b", "a test", `${lookup}${i}`, Date.now()];
        storage.sql.exec(
          "INSERT INTO login_wish (lookup, browser_hash, device, wish, created_ms, mailed) VALUES (?, ?, ?, ?, ?, 1)",
          ...wish,
        );
      }
    });
    try {
      const cookie = await askForLink(email);
      await deliverLogins();
      expect((await mailsTo(email)).length).toBe(before + 1);
      expect((await confirmLink(await linkTo(email), cookie)).status).toBe(200);
    } finally {
      await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
        storage.sql.exec("DELETE FROM mail_index WHERE tenant_id = ?", nobodys);
        storage.sql.exec("DELETE FROM login_wish WHERE lookup = ?", lookup);
      });
    }
  });

  test.each([
    ["a line break", "a@example.org\r\nBcc: b@example.org"],
    ["two addresses", "a@example.org,b@example.org"],
    ["a name", "Ada <a@example.org>"],
    ["another field", null],
  ])("with %s is refused", async (_, email) => {
    const body = email === null ? { email: address(), tenant_id: tenant.tenantId } : { email };
    await problemOf(await call(`${AUTH}/login`, { body, headers: fromSomewhere() }), "request.invalid");
  });

  test("in the other jurisdiction is a 404 here", async () => {
    const other = jurisdiction === "eu" ? "us" : "eu";
    const answer = await call(`/v1/auth/${other}/login`, { body: { email: address() }, headers: fromSomewhere() });
    await problemOf(answer, "resource.not_found");
  });
});

describe("a session", () => {
  test("is listed with what it was opened by, and ended by its owner at once at the desk", async () => {
    const member = await memberSession("viewer", { tenant });
    const { sessions } = (await (await call("/v1/sessions", { key: member.token })).json()) as {
      sessions: { id: string; current: boolean; device: string }[];
    };
    expect(sessions).toMatchObject([{ id: member.sessionId, current: true, device: "a test" }]);
    expect((await call(`${AUTH}/logout`, { method: "POST", key: member.token })).status).toBe(204);
    expect(await inBook(tenant.tenantId, (book) => book.sessions(member.memberId, Date.now()))).toEqual([]);
    expect(await entriesAbout(tenant.tenantDomainId, [member.sessionId])).toEqual([
      `tenant.session_ended ${member.sessionId}`,
    ]);
  });

  test("nobody ends or sees another member's by the route for their own", async () => {
    const [a, b] = [await memberSession("owner", { tenant }), await memberSession("viewer", { tenant })];
    await problemOf(
      await call(`/v1/sessions/${b.sessionId}`, { method: "DELETE", key: a.token }),
      "resource.not_found",
    );
    expect(
      (await call(`/v1/tenants/${tenant.tenantId}/sessions/${b.sessionId}`, { method: "DELETE", key: a.token })).status,
    ).toBe(204);
    const listed = await (await call("/v1/sessions", { key: a.token })).text();
    expect(listed).not.toContain(b.sessionId);
  });

  test("all but this one are ended together", async () => {
    const member = await memberSession("viewer");
    const { tenantId } = member.tenant;
    const others = [1, 2].map(() => makeId("session", jurisdiction, uuidv7()));
    await inBook(tenantId, (book) => {
      const session = book.session(member.sessionId);
      for (const id of others) if (session) book.addSession({ ...session, id });
    });
    expect(await (await call("/v1/sessions", { method: "DELETE", key: member.token })).json()).toEqual({ ended: 2 });
    expect((await whoami(member.token)).status).toBe(200);
  });
});
