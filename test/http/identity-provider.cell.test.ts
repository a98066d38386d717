/** A tenant's own identity provider: who comes in by it, who does not, and what it is never asked. */
import { runInDurableObject } from "cloudflare:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import { call, env, jurisdiction, ORIGIN, workerFetch } from "../support/cell.ts";
import { CLIENT, ISSUER, OpenIdProvider } from "../support/openid-provider.ts";
import { fromSomewhere, inBook, memberSession, type TestMember } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { deskStub, entriesOf, evictDesk, FORMS, failFrom, openJobs, runDeskAlarm } from "../support/tenancy.ts";

const EMAIL = "ada@customer.org";
let provider: OpenIdProvider;
let owner: TestMember;
let now: number;

/** The desk with this test's provider and clock; `Date.now` of the provider stays the true one. */
const inDesk = <T>(run: (desk: TenantDesk) => T | Promise<T>) =>
  runInDurableObject(deskStub(owner.tenant.tenantId), (desk: TenantDesk) => run(desk));

beforeEach(async () => {
  provider = await OpenIdProvider.start();
  owner = await memberSession("owner");
  now = Date.now();
  await inDesk((desk) => {
    desk.clock = () => now;
    desk.sso.fetch = provider.fetch;
  });
});

const path = (rest = "") => `/v1/tenants/${owner.tenant.tenantId}/identity-provider${rest}`;
const WISH = { issuer: ISSUER, client_id: CLIENT.id, client_secret: CLIENT.secret };
const set = (more: object = {}) => call(path(), { method: "PUT", key: owner.token, body: { ...WISH, ...more } });
const SSO = () => `/v1/auth/${jurisdiction}/sso/${owner.tenant.tenantId}`;
const tenantLog = () => entriesOf(owner.tenant.tenantDomainId);

/** To the provider: where the browser is sent, and the cookie that it keeps. */
async function begin(cookie = ""): Promise<{ address: string; cookie: string }> {
  const answer = await visit(SSO(), cookie);
  expect(answer.status, await answer.clone().text()).toBe(303);
  const kept = (answer.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "";
  return { address: answer.headers.get("Location") ?? "", cookie: kept };
}

/** Back from it. */
const finish = (query: Record<string, string>, cookie: string) =>
  visit(`${SSO()}/callback?${new URLSearchParams(query)}`, cookie);

/** As a browser, but where it is sent on it does not go. */
const visit = (place: string, cookie = "") =>
  workerFetch(`${ORIGIN}${place}`, { redirect: "manual", headers: { ...fromSomewhere(), Cookie: cookie } });

async function signIn(answer: Record<string, string | undefined> = {}): Promise<Response> {
  const { address, cookie } = await begin();
  return finish(provider.approve(address, answer), cookie);
}

const sessionOf = (response: Response) =>
  /__Host-moonseal-session-(?:eu|us)=([^;]+)/.exec(response.headers.get("Set-Cookie") ?? "")?.[1];
const refused = async (response: Response) => {
  expect(response.status, await response.clone().text()).toBe(403);
  expect(sessionOf(response)).toBeUndefined();
};
const members = () => inBook(owner.tenant.tenantId, (book) => book.people().length);

describe("a tenant's identity provider", () => {
  test("is set by an owner, described without its secret, and removed, each with an entry", async () => {
    const answer = await set({ join: { role: "viewer", email_domains: ["customer.org"] } });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const described = await answer.json();
    expect(described).toMatchObject({
      issuer: ISSUER,
      client_id: CLIENT.id,
      join: { role: "viewer", email_domains: ["customer.org"] },
      trusts_second_factor: false,
      redirect_uri: expect.stringMatching(new RegExp(`${SSO()}/callback$`)),
    });
    const read = await call(path(), { key: owner.token });
    expect(await read.json()).toEqual(described);
    expect(JSON.stringify(described)).not.toContain(CLIENT.secret);
    expect((await call(path(), { method: "DELETE", key: owner.token })).status).toBe(204);
    expect((await call(path(), { key: owner.token })).status).toBe(404);
    expect((await call(path(), { method: "DELETE", key: owner.token })).status).toBe(404);
    const told = (await tenantLog()).filter(({ action }) => action.startsWith("tenant.identity_provider"));
    expect(told.map(({ action }) => action).sort()).toEqual([
      "tenant.identity_provider_removed",
      "tenant.identity_provider_set",
    ]);
    expect(JSON.stringify(told)).not.toContain(CLIENT.secret);
  });

  test("S2-4 its client's secret lies sealed, and anew under a newer version of its slot", async () => {
    await set();
    const stored = () =>
      runInDurableObject(
        deskStub(owner.tenant.tenantId),
        (_, { storage }) =>
          new Uint8Array(
            storage.sql.exec<{ secret: ArrayBuffer }>("SELECT secret FROM identity_provider").one().secret,
          ),
      );
    const sealed = await stored();
    expect(new TextDecoder("latin1").decode(sealed)).not.toContain("a secret");
    // Under the very version that it has nothing is sealed anew.
    expect(await inDesk((desk) => desk.resealSlot("oauth_tokens"))).toMatchObject({
      value: { values: 0, unreadable: 0 },
    });
    expect(await stored()).toEqual(sealed);
    const deployed = (secrets: Record<string, string>) =>
      inDesk((desk) => void Object.assign(desk, { env: { ...env, ...secrets } }));
    const newer = { [slotSecretName("oauth_tokens", 2)]: Buffer.alloc(32, 0xd7).toString("base64") };
    await deployed(newer);
    expect(await inDesk((desk) => desk.resealSlot("oauth_tokens"))).toMatchObject({ value: { values: 1 } });
    expect(parseSealedHeader(await stored())?.slotVersion).toBe(2);
    // The first version may go: the provider still takes the secret.
    await deployed({ ...newer, [slotSecretName("oauth_tokens", 1)]: Buffer.alloc(32, 0xd8).toString("base64") });
    provider.claims = { email: owner.email, email_verified: true };
    expect((await signIn()).status).toBe(303);
  });

  test("nobody lets people in with more than they hold themselves, and an admin sets none", async () => {
    const admin = await memberSession("admin", { tenant: owner.tenant });
    const body = { ...WISH };
    expect((await call(path(), { method: "PUT", key: admin.token, body })).status).toBe(403);
    expect((await call(path(), { key: admin.token })).status).toBe(404);
    const answer = await set({ join: { role: "engineer", email_domains: ["customer.org"] } });
    await problemOf(answer, "auth.forbidden");
  });
});

const signInAs = (email: string | undefined, more: Record<string, unknown> = {}) => {
  provider.claims = { email, email_verified: true, ...more };
  return signIn();
};

describe("who comes in", () => {
  beforeEach(async () => {
    expect((await set()).status).toBe(200);
  });

  test("a member by a verified address, whatever its case; the log tells of it", async () => {
    const member = await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    const answer = await signInAs("Ada@Customer.ORG");
    expect(answer.status).toBe(303);
    const token = sessionOf(answer) ?? "";
    const who = await call("/v1/whoami", { key: token });
    expect(who.status).toBe(200);
    expect(JSON.stringify(await who.json())).toContain(member.memberId);
    const told = (await tenantLog()).filter(({ action }) => action === "tenant.login");
    expect(told).toMatchObject([{ metadata: { method: "identity_provider" } }]);
    expect(JSON.stringify(told).toLowerCase()).not.toContain("customer.org");
  });

  test("by what the provider's userinfo says, when the ID token names no address, and only of the same subject", async () => {
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    provider.userinfo = { sub: "248289761001", email: EMAIL, email_verified: true };
    expect((await signIn()).status).toBe(303);
    provider.userinfo = { sub: "somebody else", email: EMAIL, email_verified: true };
    await refused(await signIn());
  });

  test.each([
    ["not verified", { email_verified: false }],
    ["verified in words", { email_verified: "true" }],
    ["not said to be verified", { email_verified: undefined }],
    ["no address", { email: "ada" }],
    ["two addresses", { email: [EMAIL] }],
    ["an address with a line break", { email: `${EMAIL}\nbcc: x@y.org` }],
    ["somebody whom nobody invited", { email: "eve@customer.org" }],
  ])("nobody: %s; and the log tells of the refusal, once and without an address", async (_, claims) => {
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    const before = await members();
    await refused(await signInAs(EMAIL, claims));
    expect(await members()).toBe(before);
    const told = (await tenantLog()).filter(({ action }) => action === "tenant.login_failed");
    expect(told).toMatchObject([{ metadata: { method: "identity_provider", failures: 1 } }]);
    expect(JSON.stringify(told)).not.toContain("customer.org");
  });

  test("somebody with an open invitation joins in its role, and it is used up", async () => {
    const body = { email: EMAIL, name: "Ada", role: "support" };
    const invited = await call(`/v1/tenants/${owner.tenant.tenantId}/invitations`, {
      method: "POST",
      key: owner.token,
      body,
    });
    expect(invited.status).toBe(201);
    const answer = await signInAs(EMAIL);
    expect(answer.status).toBe(303);
    const joined = await inBook(owner.tenant.tenantId, (book) => ({
      roles: book.people().map(({ role }) => role),
      open: book.openInvitations(Date.now()).length,
    }));
    expect(joined).toEqual({ roles: ["owner", "support"], open: 0 });
  });

  test("people of a domain that may join, in the role of the rule, and of no domain that only looks like it", async () => {
    await set({ join: { role: "viewer", email_domains: ["customer.org"] } });
    for (const email of ["eve@notcustomer.org", "eve@customer.org.evil.net", "eve@sub.customer.org"]) {
      await refused(await signInAs(email, { sub: email }));
    }
    expect((await signInAs("eve@customer.org", { sub: "eve" })).status).toBe(303);
    expect(await inBook(owner.tenant.tenantId, (book) => book.people().map(({ role }) => role))).toEqual([
      "owner",
      "viewer",
    ]);
    // Once a member, that very member.
    expect((await signInAs("eve@customer.org", { sub: "eve" })).status).toBe(303);
    expect(await members()).toBe(2);
  });

  test("an address that goes to another account of the provider brings nobody in", async () => {
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    expect((await signInAs(EMAIL, { sub: "first" })).status).toBe(303);
    await refused(await signInAs(EMAIL, { sub: "second" }));
    await memberSession("support", { tenant: owner.tenant, email: "other@customer.org" });
    await refused(await signInAs("other@customer.org", { sub: "first" }));
  });

  test("S2-11 a second factor at the provider counts only for a tenant that trusts it, and only as old as it is", async () => {
    const member = await memberSession("owner", { tenant: owner.tenant, email: EMAIL });
    const shown = async () => {
      const answer = await signInAs(EMAIL, {
        amr: ["pwd", "otp", "mfa"],
        auth_time: Math.floor(Date.now() / 1000) - 100,
      });
      expect(answer.status).toBe(303);
      return inBook(owner.tenant.tenantId, (book) => book.sessions(member.memberId, now)[0]?.secondFactorAtMs ?? null);
    };
    expect(await shown()).toBeNull();
    now += 1000;
    await set({ trusts_second_factor: true });
    const atMs = await shown();
    expect(Date.now() - (atMs ?? 0)).toBeGreaterThanOrEqual(100_000);
    // The provider is asked for the time: without it, "lately" would be whenever it answers.
    expect(new URL((await begin()).address).searchParams.get("max_age")).toMatch(/^\d+$/);
    now += 1000;
    provider.claims = { email: EMAIL, email_verified: true, amr: ["mfa"] };
    expect((await signIn()).status).toBe(303);
    expect(
      await inBook(owner.tenant.tenantId, (book) => book.sessions(member.memberId, now)[0]?.secondFactorAtMs),
    ).toBeNull();
    now += 1000;
    provider.claims = { email: EMAIL, email_verified: true, amr: ["pwd"] };
    expect((await signIn()).status).toBe(303);
    expect(
      await inBook(owner.tenant.tenantId, (book) => book.sessions(member.memberId, now)[0]?.secondFactorAtMs),
    ).toBeNull();
  });
});

/** The alarm may be under way by itself. */
async function untilTold(tenantId: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await runDeskAlarm(tenantId);
        return openJobs(tenantId);
      },
      { timeout: 4000 },
    )
    .toBe(0);
}

describe("what a sign-in leaves behind", () => {
  test.each(FORMS)("its log %s: who was invited has joined, once, and the entries come once", async (form) => {
    await set();
    const { tenantId } = owner.tenant;
    const body = { email: EMAIL, name: "Ada", role: "support" };
    await call(`/v1/tenants/${tenantId}/invitations`, { key: owner.token, body });
    await failFrom(tenantId, 0, form);
    expect((await signInAs(EMAIL)).status).toBe(303);
    expect(await openJobs(tenantId)).toBe(2);
    await evictDesk(tenantId);
    await untilTold(tenantId);
    expect(await members()).toBe(2);
    expect(await inBook(tenantId, (book) => book.openInvitations(Date.now()))).toEqual([]);
    const told = (await tenantLog()).map(({ action }) => action);
    for (const action of ["tenant.member_joined", "tenant.login"]) {
      expect(told.filter((each) => each === action)).toHaveLength(1);
    }
  });

  test.each(FORMS)("its log %s: a refusal is told of once", async (form) => {
    await set();
    const { tenantId } = owner.tenant;
    await failFrom(tenantId, 0, form);
    await refused(await signInAs("eve@customer.org"));
    await evictDesk(tenantId);
    await untilTold(tenantId);
    expect((await tenantLog()).filter(({ action }) => action === "tenant.login_failed")).toHaveLength(1);
  });
});

describe("somebody who has no part in it", () => {
  test("fills the tenant's log with no refusals: two entries an hour tell of all of them", async () => {
    await set();
    for (let i = 0; i < 5; i++) {
      const { address, cookie } = await begin();
      await refused(await finish({ state: new URL(address).searchParams.get("state") ?? "" }, cookie));
    }
    const told = async () => (await tenantLog()).filter(({ action }) => action === "tenant.login_failed").length;
    expect(await told()).toBe(1);
    now += LIMITS.loginFailureWindowMs;
    await inDesk((desk) => desk.wake());
    expect(await told()).toBe(2);
  });

  test("keeps nobody out by beginning again and again: the oldest sign-ins make room", async () => {
    await set();
    const first = await begin();
    await runInDurableObject(deskStub(owner.tenant.tenantId), (_, { storage }) => {
      for (let i = 0; i < LIMITS.ssoLogins; i++) {
        storage.sql.exec("INSERT INTO sso_login VALUES (?, 'b', ?)", `s${i}`, now + 1);
      }
    });
    now += 2;
    provider.claims = { email: owner.email, email_verified: true };
    expect((await signIn()).status).toBe(303);
    expect((await finish(provider.approve(first.address), first.cookie)).status).toBe(410);
    const rows = await runInDurableObject(
      deskStub(owner.tenant.tenantId),
      (_, { storage }) => storage.sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM sso_login").one().rows,
    );
    expect(rows).toBeLessThanOrEqual(LIMITS.ssoLogins);
  });

  test("becomes nobody by bringing a provider of their own: who sets it holds what every member holds", async () => {
    await memberSession("engineer", { tenant: owner.tenant });
    const { detail } = await problemOf(await set(), "auth.forbidden");
    expect(detail).toContain("the role engineer holds");
    expect((await call(path(), { key: owner.token })).status).toBe(404);
    const engineer = await memberSession("engineer", { tenant: owner.tenant });
    expect((await call(path(), { method: "PUT", key: engineer.token, body: WISH })).status).toBe(200);
  });
});

describe("a sign-in that is not this one", () => {
  beforeEach(async () => {
    await set();
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    provider.claims = { email: EMAIL, email_verified: true };
  });

  test("state works once, in the browser that began, for ten minutes", async () => {
    const { address, cookie } = await begin();
    const query = provider.approve(address);
    const stranger = await begin();
    expect((await finish(query, stranger.cookie)).status).toBe(403);
    expect((await finish(query, cookie)).status).toBe(410);
    const late = await begin();
    now += LIMITS.ssoLoginMs + 1;
    expect((await finish(provider.approve(late.address), late.cookie)).status).toBe(410);
    expect((await finish({ state: "x".repeat(43), code: "x", iss: ISSUER }, cookie)).status).toBe(410);
  });

  test("the address has a proof key (RFC 7636), state and nonce, and the browser's secret in none of them", async () => {
    const { address, cookie } = await begin();
    const asked = Object.fromEntries(new URL(address).searchParams);
    expect(asked).toMatchObject({ response_type: "code", code_challenge_method: "S256", tenant: "1" });
    for (const name of ["state", "nonce", "code_challenge"]) expect(asked[name]).toMatch(/^[\w-]{43}$/);
    expect(address).not.toContain(cookie.split("=")[1]);
  });

  test.each<[string, Record<string, unknown>]>([
    ["replayed: the nonce of another sign-in", { nonce: "n".repeat(43) }],
    ["without a nonce", { nonce: undefined }],
    ["for another client", { aud: "another" }],
    ["for two clients without azp", { aud: [CLIENT.id, "another"] }],
    ["of another client (azp)", { azp: "another" }],
    ["of another issuer", { iss: "https://login.evil.net" }],
    ["expired", { exp: Math.floor(Date.now() / 1000) - 120 }],
    ["without an end", { exp: undefined }],
    ["issued an hour ago", { iat: Math.floor(Date.now() / 1000) - 3600 }],
    ["issued tomorrow", { iat: Math.floor(Date.now() / 1000) + 86_400 }],
    ["without iat", { iat: undefined }],
    ["of nobody", { sub: undefined }],
    ["of an empty name", { sub: "" }],
  ])("an ID token %s", async (_, claims) => {
    provider.claims = { ...provider.claims, ...claims };
    await refused(await signIn());
  });

  test.each<[string, string | undefined]>([
    ["another provider's", "https://login.evil.net"],
    ["nobody's, of a provider that names itself", undefined],
  ])("mix-up (RFC 9207): an answer that is %s", async (_, iss) => {
    const before = provider.asked.length;
    await refused(await signIn({ iss }));
    expect(provider.asked.slice(before)).not.toContain(`POST ${ISSUER}/token`);
  });

  test("of a provider that was removed meanwhile, or replaced by another", async () => {
    const meanwhile = async (change: () => Promise<unknown>) => {
      provider.paths.set("/jwks", async () => {
        await change();
        return Response.json({ keys: provider.jwks });
      });
      const before = await inBook(owner.tenant.tenantId, (book) => book.sessions(null, now).length);
      await refused(await signIn());
      expect(await inBook(owner.tenant.tenantId, (book) => book.sessions(null, now).length)).toBe(before);
    };
    await meanwhile(() => call(path(), { method: "DELETE", key: owner.token }));
    provider.paths.clear();
    await set();
    const state = await begin();
    // What was begun with the settings of before is not taken up with those of now.
    await set();
    expect((await finish(provider.approve(state.address), state.cookie)).status).toBe(410);
  });

  test("the provider's own refusal, without a code", async () => {
    await refused(await signIn({ code: undefined }));
  });

  test("algorithm confusion, none, and keys that come along", async () => {
    const forged: ((claims: Record<string, unknown>) => Promise<string> | string)[] = [
      (claims) => new UnsecuredJWT(claims).encode(),
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256", kid: "first" })
          .sign(new TextEncoder().encode(JSON.stringify(provider.jwks[0]))),
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256", kid: "first" })
          .sign(
            Uint8Array.from(atob((provider.jwks[0]?.n ?? "").replaceAll("-", "+").replaceAll("_", "/")), (c) =>
              c.charCodeAt(0),
            ),
          ),
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode(CLIENT.secret.padEnd(32))),
      async (claims) => {
        const evil = await OpenIdProvider.start();
        evil.header = { jwk: evil.jwks[0] };
        return evil.sign(claims);
      },
    ];
    for (const forge of forged) {
      const { address, cookie } = await begin();
      const nowS = Math.floor(Date.now() / 1000);
      const nonce = new URL(address).searchParams.get("nonce");
      const claims = { iss: ISSUER, aud: CLIENT.id, sub: "x", iat: nowS, exp: nowS + 300, nonce, ...provider.claims };
      const id_token = await forge(claims);
      provider.paths.set("/token", () => Response.json({ access_token: "access", token_type: "Bearer", id_token }));
      await refused(await finish(provider.approve(address), cookie));
    }
  });
});

describe("what the provider is asked", () => {
  test("a new key of its is fetched once, and unknown key ids make it asked no more than once a minute", async () => {
    await set();
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    const keysAsked = () => provider.asked.filter((asked) => asked.endsWith("/jwks")).length;
    expect((await signInAs(EMAIL)).status).toBe(303);
    await provider.addKey("second");
    now += LIMITS.providerRereadMs;
    expect((await signInAs(EMAIL)).status).toBe(303);
    expect(keysAsked()).toBe(2);
    provider.header = { kid: "unknown" };
    for (let i = 0; i < 3; i++) await refused(await signInAs(EMAIL));
    expect(keysAsked()).toBe(2);
  });

  test.each<[string, () => Response]>([
    ["a redirect", () => Response.redirect("https://login.provider.net/loop", 302)],
    ["too much", () => new Response(`{"keys":["${"x".repeat(LIMITS.providerAnswerBytes)}"]}`)],
    ["no JSON", () => new Response("<html>")],
    ["a doubled name", () => new Response('{"keys":[],"keys":[]}')],
    ["a list", () => Response.json([])],
    ["more keys than anybody has", () => Response.json({ keys: Array(LIMITS.providerKeys + 1).fill({ kty: "RSA" }) })],
    [
      "a shared secret as its key",
      () => Response.json({ keys: [{ kty: "oct", k: "AAAA", kid: "first", alg: "HS256" }] }),
    ],
    [
      "a key of another algorithm",
      () => Response.json({ keys: provider.jwks.map((jwk) => ({ ...jwk, alg: "HS256" })) }),
    ],
    ["a key to encrypt with", () => Response.json({ keys: provider.jwks.map((jwk) => ({ ...jwk, use: "enc" })) })],
    ["a huge key", () => Response.json({ keys: provider.jwks.map((jwk) => ({ ...jwk, n: "z".repeat(30_000) })) })],
    ["no keys", () => Response.json({ keys: [] })],
  ])("keys that are %s let nobody in", async (_, answer) => {
    await set();
    await memberSession("support", { tenant: owner.tenant, email: EMAIL });
    provider.paths.set("/jwks", answer);
    await refused(await signInAs(EMAIL));
    const jwks = provider.asked.filter((asked) => asked.includes("/jwks") || asked.includes("/loop"));
    expect(jwks.length).toBeLessThanOrEqual(2);
    expect(jwks.join()).not.toContain("loop");
  });

  test("while it does not answer nothing is decided, and nobody is told that they were refused", async () => {
    await set();
    const { address, cookie } = await begin();
    provider.paths.set("/token", () => new Response("", { status: 502 }));
    expect((await finish(provider.approve(address), cookie)).status).toBe(503);
    expect((await tenantLog()).some(({ action }) => action === "tenant.login_failed")).toBe(false);
  });

  test.each([
    "http://login.provider.net",
    "https://login.provider.net:8443",
    "https://login.provider.net:22",
    "https://user:password@login.provider.net",
    "https://login.provider.net/?x=1",
    "https://login.provider.net/#x",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://10.0.0.1",
    "https://192.168.1.1",
    "https://172.16.0.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://0.0.0.0",
    "https://[::1]",
    "https://[::]",
    "https://[::ffff:127.0.0.1]",
    "https://[fd00::1]",
    "https://[fe80::1]",
    "https://localhost",
    "https://a.localhost",
    "https://printer.local",
    "https://metadata.google.internal",
    "https://vault.corp",
    "https://router.home.arpa",
    "https://127.0.0.1.nip.io",
    "https://intranet",
    "https://login.provider.net.",
    "https://LOGIN.provider.net",
    "https://login.provider.net/a/../b",
    "https://login。provider。net",
    "https://１２７.0.0.1",
    "file:///etc/passwd",
    "data:application/json,{}",
    "gopher://login.provider.net",
    "//login.provider.net",
    "",
    `https://login.provider.net/${"x".repeat(500)}`,
  ])("SSRF: %s is not asked, as issuer or as an address that its document names", async (address) => {
    provider.asked.length = 0;
    expect((await set({ issuer: address })).status).toBe(422);
    expect(provider.asked).toEqual([]);
    // A query is no fault of an address that a document names, and its spelling is its own.
    if (/[?]|LOGIN|\.\.|。/.test(address)) return;
    for (const name of ["token_endpoint", "jwks_uri", "authorization_endpoint", "userinfo_endpoint"]) {
      provider.document = { [name]: address };
      expect((await set()).status, name).toBe(422);
    }
    expect(new Set(provider.asked)).toEqual(new Set([`GET ${ISSUER}/.well-known/openid-configuration`]));
  });

  test.each<[string, Record<string, unknown>]>([
    ["of another issuer", { issuer: "https://login.evil.net" }],
    ["of an issuer with a slash more", { issuer: `${ISSUER}/` }],
    ["that answers with no codes", { response_types_supported: ["id_token"] }],
    ["that knows no PKCE", { code_challenge_methods_supported: undefined }],
    ["that knows plain PKCE", { code_challenge_methods_supported: ["plain"] }],
    ["that signs with a shared secret", { id_token_signing_alg_values_supported: ["HS256", "none"] }],
    ["that takes no secret", { token_endpoint_auth_methods_supported: ["private_key_jwt"] }],
    ["without keys", { jwks_uri: undefined }],
  ])("a provider %s is refused when it is set", async (_, document) => {
    provider.document = document;
    await problemOf(await set(), "identity_provider.refused");
    expect((await call(path(), { key: owner.token })).status).toBe(404);
  });

  test("a redirect of its document is not followed", async () => {
    provider.paths.set("/.well-known/openid-configuration", () => Response.redirect("https://169.254.169.254/", 302));
    expect((await set()).status).toBe(422);
    expect(provider.asked).toHaveLength(1);
  });

  test("without a provider, or for a tenant that is none, there is nothing to begin", async () => {
    expect((await visit(SSO())).status).toBe(404);
    const other = jurisdiction === "eu" ? "us" : "eu";
    const nobody = `/v1/auth/${jurisdiction}/sso/tnt_${jurisdiction}_00000000000000000000000001`;
    expect((await visit(nobody)).status).toBe(404);
    expect((await visit(SSO().replace(`/auth/${jurisdiction}/`, `/auth/${other}/`))).status).toBe(404);
  });
});
