/** The pages of signing in, as a browser without script uses them; and the devices that they approve (RFC 8628). */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { ASKER_QUOTAS } from "../../src/services/rates/limits.ts";
import { call, jurisdiction, newTenant, ORIGIN, type TestTenant, workerFetch } from "../support/cell.ts";
import { codeOf } from "../support/factors.ts";
import {
  AUTH,
  cookieName,
  cookieOf,
  deliverLogins,
  formRequest,
  fromSomewhere,
  inBook,
  linkTo,
  memberSession,
  type TestMember,
} from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { deskOf } from "../support/tenancy.ts";

const AS_BROWSER = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };

const get = (path: string, cookie = "") =>
  workerFetch(ORIGIN + path, { headers: { ...AS_BROWSER, ...fromSomewhere(), Cookie: cookie }, redirect: "manual" });

function post(path: string, fields: Record<string, string>, cookie = "", changes: Record<string, string> = {}) {
  const { rawBody, headers } = formRequest(fields);
  const all = { ...headers, ...AS_BROWSER, Cookie: cookie, ...changes };
  return workerFetch(ORIGIN + path, { method: "POST", body: rawBody, headers: all, redirect: "manual" });
}

let tenant: TestTenant;
let member: TestMember;
beforeAll(async () => {
  tenant = await newTenant();
  member = await memberSession("admin", { tenant });
});

const sessionCookie = (of: TestMember) => `${cookieName("session")}=${of.token}`;

/** Signs in by the pages alone; the session's cookie. */
async function signInByPages(email: string): Promise<string> {
  const asked = await post(`${AUTH}/sign-in`, { email });
  expect(asked.status).toBe(200);
  await deliverLogins();
  const browser = cookieOf(asked, cookieName("browser"));
  const confirmed = await post(`${AUTH}/link`, { token: await linkTo(email) }, browser);
  expect([confirmed.status, confirmed.headers.get("Location")]).toEqual([303, `${AUTH}/signed-in`]);
  return cookieOf(confirmed, cookieName("session"));
}

describe("the page that signs in", () => {
  test("offers the identity provider of a tenant that is named, the same whether it has one or not", async () => {
    const page = await (await get(`${AUTH}/sign-in?tenant_id=${tenant.tenantId}`)).text();
    expect(page).toContain(`href="${AUTH}/sso/${tenant.tenantId}"`);
    expect(await (await get(`${AUTH}/sign-in`)).text()).not.toContain("/sso/");
    expect((await get(`${AUTH}/sign-in?tenant_id=%22%3E%3Cb%3E`)).status).toBe(422);
  });
});

describe("S2-13 the pages", () => {
  test("sign in, say who is signed in, and sign out", async () => {
    const cookie = await signInByPages(member.email);
    const page = await get(`${AUTH}/signed-in`, cookie);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain(tenant.tenantId);
    expect((await post(`${AUTH}/sign-out`, {}, cookie)).status).toBe(200);
    const open = await inBook(tenant.tenantId, (book) => book.sessions(member.memberId, Date.now()));
    expect(open.map(({ id }) => id)).toEqual([member.sessionId]);
  });

  test("a program that looks through mail and opens the link uses nothing up", async () => {
    const asked = await post(`${AUTH}/sign-in`, { email: member.email });
    const browser = cookieOf(asked, cookieName("browser"));
    await deliverLogins();
    const token = await linkTo(member.email);
    for (let i = 0; i < 3; i++) expect((await get(`${AUTH}/link?token=${token}`)).status).toBe(200);
    expect((await post(`${AUTH}/link`, { token }, browser)).status).toBe(303);
  });

  test("in another browser the page says why, and nothing about whose link it is", async () => {
    await post(`${AUTH}/sign-in`, { email: member.email });
    await deliverLogins();
    const answer = await post(`${AUTH}/link`, { token: await linkTo(member.email) });
    const text = await answer.text();
    expect(answer.status).toBe(403);
    expect(text).toContain("Another browser asked for this link");
    for (const secret of [member.email, member.memberId, tenant.tenantId]) expect(text).not.toContain(secret);
  });

  test("what was typed comes back as text and never as markup", async () => {
    const evil = `"><script>alert(1)</script>`;
    for (const path of [
      `${AUTH}/link?token=${encodeURIComponent(evil)}`,
      `${AUTH}/invitation?token=${encodeURIComponent(evil)}`,
    ]) {
      const text = await (await get(path)).text();
      expect(text).not.toContain("<script");
      expect(text).toContain("&lt;script&gt;");
    }
  });

  test("carry a policy under which nothing foreign runs and no other site frames them, and are not kept", async () => {
    const { headers } = await get(`${AUTH}/sign-in`);
    const policy = headers.get("Content-Security-Policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self'");
    expect(policy).not.toContain("script-src");
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("Referrer-Policy")).toBe("same-origin");
  });

  test("in the other jurisdiction are a page that says it is not there", async () => {
    const answer = await get(`/v1/auth/${jurisdiction === "eu" ? "us" : "eu"}/sign-in`);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([404, "text/html; charset=UTF-8"]);
  });
});

describe("a form of another site", () => {
  test.each<[string, Record<string, string>]>([
    ["of another origin", { Origin: "https://evil.example" }],
    ["of no origin that is told", { Origin: "null" }],
    ["that the browser calls cross-site", { "Sec-Fetch-Site": "cross-site" }],
    ["of a sibling host", { "Sec-Fetch-Site": "same-site" }],
  ])("%s is refused before anything is done", async (_, changes) => {
    const own = await memberSession("viewer", { tenant });
    for (const path of ["sign-in", "link", "invitation", "sign-out", "device/approve"]) {
      const answer = await post(`${AUTH}/${path}`, {}, sessionCookie(own), changes);
      expect(answer.status, path).toBe(403);
      expect(await answer.text()).toContain("sent from another site");
    }
    expect((await call("/v1/sessions", { key: own.token })).status).toBe(200);
  });
});

interface Device {
  device_code: string;
  user_code: string;
  verification_uri_complete: string;
  interval: number;
}

const newDevice = async (): Promise<Device> =>
  (
    await call(`${AUTH}/device`, {
      method: "POST",
      headers: { ...fromSomewhere(), "User-Agent": "moonseal/1.0 linux" },
    })
  ).json();
const poll = ({ device_code }: Device) =>
  call(`${AUTH}/device/token`, { body: { device_code }, headers: fromSomewhere() });
const decide = (device: Device, decision: string, cookie: string) =>
  post(`${AUTH}/device/approve`, { user_code: device.user_code, decision }, cookie);

describe("a device", () => {
  test("is signed in once a person has approved it, as that person, and once only", async () => {
    const device = await newDevice();
    expect(device).toMatchObject({
      interval: LIMITS.devicePollS,
      user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
    });
    const page = await get(
      new URL(device.verification_uri_complete).pathname + new URL(device.verification_uri_complete).search,
      sessionCookie(member),
    );
    expect(await page.text()).toContain("Moonseal command line on Linux");
    expect(await (await decide(device, "approve", sessionCookie(member))).text()).toContain(
      "signed in within a few seconds",
    );
    const answer = await poll(device);
    expect(answer.status).toBe(200);
    const { token, person_id } = (await answer.json()) as { token: string; person_id: string };
    expect(person_id).toBe(member.memberId);
    const { sessions } = (await (await call("/v1/sessions", { key: token })).json()) as {
      sessions: { device: string }[];
    };
    expect(sessions[0]).toMatchObject({ device: "Moonseal command line on Linux", current: true });
    await problemOf(await poll(device), "device.expired_token");
  });

  test("waits, is told to slow down when it asks too often, and is told when it was refused", async () => {
    const device = await newDevice();
    const waiting = await poll(device);
    expect(await waiting.clone().json()).toMatchObject({ error: "authorization_pending" });
    await problemOf(waiting, "device.authorization_pending");
    await problemOf(await poll(device), "device.slow_down");
    await decide(device, "refuse", sessionCookie(member));
    await problemOf(await poll(device), "device.access_denied");
    await problemOf(await poll(device), "device.expired_token");
  });

  test("is approved by nobody who is not signed in, and not twice", async () => {
    const device = await newDevice();
    expect((await decide(device, "approve", "")).status).toBe(401);
    await problemOf(await poll(device), "device.authorization_pending");
    await decide(device, "approve", sessionCookie(member));
    const other = await memberSession("owner", { tenant });
    expect(await (await decide(device, "approve", sessionCookie(other))).text()).toContain("No device waits");
    expect(((await (await poll(device)).json()) as { person_id: string }).person_id).toBe(member.memberId);
  });

  test("S2-12 is not approved by somebody who has a second factor and has not shown it lately", async () => {
    const own = await memberSession("viewer", { tenant, secondFactorAtMs: null });
    const asker = {
      personId: own.memberId,
      sessionId: own.sessionId,
      by: { type: "user", id: own.memberId, via: { type: "session", id: own.sessionId } },
      network: "n",
      browser: null,
    } as const;
    const { factors } = deskOf(tenant.tenantId);
    const { secret } = await factors.beginTotp(asker);
    await factors.confirmTotp(asker, codeOf(secret, Date.now()));
    await inBook(tenant.tenantId, (book) => book.secondFactorShown(own.sessionId, Date.now() - LIMITS.stepUpMs - 1000));
    const device = await newDevice();
    expect(await (await decide(device, "approve", sessionCookie(own))).text()).toContain("Show it first");
    await problemOf(await poll(device), "device.authorization_pending");
    await inBook(tenant.tenantId, (book) => book.secondFactorShown(own.sessionId, Date.now()));
    expect(await (await decide(device, "approve", sessionCookie(own))).text()).toContain("signed in within");
  });

  test("is told as whom it is to act, of a person who may be a member of several tenants", async () => {
    const device = await newDevice();
    const page = await (await get(`${AUTH}/device?user_code=${device.user_code}`, sessionCookie(member))).text();
    expect(page).toContain(tenant.tenantId);
    expect(page).toContain("admin");
  });

  test("S1-22 is signed in no longer than whoever approved it: no session prolongs itself by devices of its own", async () => {
    const expiresAtMs = Date.now() + 60_000;
    const own = await memberSession("viewer", { tenant, expiresAtMs, secondFactorAtMs: null });
    const device = await newDevice();
    await decide(device, "approve", sessionCookie(own));
    const { expires_at, session_id } = (await (await poll(device)).json()) as Record<string, string>;
    const opened = await inBook(tenant.tenantId, (book) => book.session(session_id as string));
    expect([Date.parse(expires_at as string), opened?.expiresAtMs]).toEqual([expiresAtMs, expiresAtMs]);
  });

  test("waits for the second factor and is there again once it was shown", async () => {
    const own = await memberSession("viewer", { tenant, secondFactorAtMs: null });
    const asker = {
      personId: own.memberId,
      sessionId: own.sessionId,
      by: { type: "user", id: own.memberId, via: { type: "session", id: own.sessionId } },
      network: "n",
      browser: null,
    } as const;
    const { factors } = deskOf(tenant.tenantId);
    const { secret } = await factors.beginTotp(asker);
    await factors.confirmTotp(asker, codeOf(secret, Date.now() - 30_000));
    await inBook(tenant.tenantId, (book) => book.secondFactorShown(own.sessionId, Date.now() - LIMITS.stepUpMs - 1000));
    const device = await newDevice();
    const place = `${AUTH}/device?user_code=${device.user_code}`;
    const asked = await get(place, sessionCookie(own));
    expect(await asked.text()).toContain("Show it first");
    const cookie = `${sessionCookie(own)}; ${cookieOf(asked, cookieName("device"))}`;
    const code = codeOf(secret, Date.now());
    const answer = await post(`${AUTH}/second-factors/show`, { code }, cookie);
    expect([answer.status, answer.headers.get("Location")]).toEqual([303, place]);
  });

  test("that was approved by somebody who has signed out since gets nothing", async () => {
    const device = await newDevice();
    const own = await memberSession("viewer", { tenant });
    await decide(device, "approve", sessionCookie(own));
    await call(`${AUTH}/logout`, { method: "POST", key: own.token });
    await problemOf(await poll(device), "device.expired_token");
  });

  test("is not found by guessing: a session tries a few codes in a quarter of an hour", async () => {
    const own = await memberSession("viewer", { tenant });
    const tries: number[] = [];
    for (let i = 0; i <= LIMITS.deviceCodesPerSession; i++) {
      tries.push((await get(`${AUTH}/device?user_code=BCDF-GHJK`, sessionCookie(own))).status);
    }
    expect(tries).toEqual([...Array(LIMITS.deviceCodesPerSession).fill(200), 429]);
  });

  test("whose person is not signed in yet is there again after they are", async () => {
    const device = await newDevice();
    const asked = await get(`${AUTH}/device?user_code=${device.user_code}`);
    const waiting = cookieOf(asked, cookieName("device"));
    const form = await post(`${AUTH}/sign-in`, { email: member.email }, waiting);
    await deliverLogins();
    const cookie = `${waiting}; ${cookieOf(form, cookieName("browser"))}`;
    const confirmed = await post(`${AUTH}/link`, { token: await linkTo(member.email) }, cookie);
    expect(confirmed.headers.get("Location")).toBe(`${AUTH}/device?user_code=${device.user_code}`);
  });

  test("S1-24 that is none does not ask on and on: the place that it asks from has a limit", async () => {
    const headers = fromSomewhere();
    const body = { device_code: "A".repeat(43) };
    const asked = () => call(`${AUTH}/device/token`, { body, headers });
    const answers = await Promise.all(Array.from({ length: ASKER_QUOTAS.polls.burst + 10 }, asked));
    expect(answers.some(({ status }) => status === 429)).toBe(true);
    await problemOf(await call(`${AUTH}/device/token`, { body, headers: fromSomewhere() }), "device.expired_token");
  });

  test("with a code that is none is refused without a look", async () => {
    const body = { device_code: uuidv7() };
    await problemOf(await call(`${AUTH}/device/token`, { body, headers: fromSomewhere() }), "request.invalid");
  });
});
