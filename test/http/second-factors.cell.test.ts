/** S2-11, S2-12: second factors over HTTP, from the first enrolment to the step-up of every sensitive operation. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { SoftwareAuthenticator } from "../support/authenticator.ts";
import { call, env, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import { codeOf } from "../support/factors.ts";
import { inBook, memberSession, type TestMember } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { deskStub, entriesOf } from "../support/tenancy.ts";

const AUTH = `/v1/auth/${jurisdiction}`;
const STEP_MS = 30_000;
let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const ask = (key: string, path: string, method = "POST", body?: object, headers: Record<string, string> = {}) =>
  call(`${AUTH}${path}`, { key, method, ...(body ? { body } : {}), headers });
const jsonOf = async <T>(answer: Response, status = 200): Promise<T> => {
  const text = await answer.text();
  expect(answer.status, text).toBe(status);
  return JSON.parse(text) as T;
};

/** With an authenticator app; `code` is of the given number of steps ahead, so that none is used twice. */
async function withTotp({ token }: TestMember) {
  const { secret } = await jsonOf<{ secret: string }>(await ask(token, "/factors/totp"));
  const code = (steps = 0) => codeOf(secret, Date.now() + steps * STEP_MS);
  const added = await jsonOf<{ recovery_codes: string[] }>(
    await ask(token, "/factors/totp/confirm", "POST", { code: code() }),
  );
  return { code, recoveryCodes: added.recovery_codes };
}

/** Lets the factor of a session be this old. */
const age = ({ sessionId }: TestMember, ageMs: number | null) =>
  inBook(tenant.tenantId, (book) => {
    const at = ageMs === null ? null : Date.now() - ageMs;
    book.secondFactorShown(sessionId, at as number);
  });

describe("a member's second factors", () => {
  test("are enrolled, shown, listed and removed, and the tenant's log tells of each step without a secret", async () => {
    const member = await memberSession("owner", { tenant, secondFactorAtMs: null });
    const { code, recoveryCodes } = await withTotp(member);
    expect(recoveryCodes).toHaveLength(10);
    const shown = await ask(member.token, "/second-factor", "POST", { totp: code(1) });
    const { shown_at, good_until } = await jsonOf<{ shown_at: string; good_until: string }>(shown);
    expect(Date.parse(good_until) - Date.parse(shown_at)).toBe(LIMITS.stepUpMs);
    expect(shown.headers.get("Cache-Control")).toBe("no-store");
    await jsonOf(await ask(member.token, "/second-factor", "POST", { recovery_code: recoveryCodes[0] }));
    const device = new SoftwareAuthenticator(cellConfig(env).publicOrigin);
    const options = await jsonOf<{ challenge: string }>(await ask(member.token, "/factors/passkeys/options"));
    const credential = device.register(options.challenge);
    await jsonOf(await ask(member.token, "/factors/passkeys", "POST", { name: "My phone", credential }));
    const { challenge } = await jsonOf<{ challenge: string }>(await ask(member.token, "/second-factor/options"));
    await jsonOf(await ask(member.token, "/second-factor", "POST", { passkey: device.assert(challenge) }));
    const renamed = await ask(member.token, `/factors/passkeys/${device.id}`, "PATCH", { name: "Work phone" });
    expect(await jsonOf(renamed)).toMatchObject({
      passkeys: [{ id: device.id, name: "Work phone" }],
      recovery_codes_left: 9,
    });
    expect(await jsonOf(await ask(member.token, "/factors", "GET"))).toMatchObject({ recovery_codes_left: 9 });
    expect(await jsonOf(await ask(member.token, "/factors/totp", "DELETE"))).toMatchObject({ totp_added_at: null });
    await jsonOf(await ask(member.token, `/factors/passkeys/${device.id}`, "DELETE"));
    const entries = await entriesOf(tenant.tenantDomainId);
    const told = entries.filter(({ action }) => action.startsWith("tenant.second_factor"));
    expect(told.map(({ action, metadata }) => `${action} ${metadata?.kind}`)).toEqual([
      "tenant.second_factor_added totp",
      "tenant.second_factor_shown totp",
      "tenant.second_factor_shown recovery_code",
      "tenant.second_factor_added passkey",
      "tenant.second_factor_shown passkey",
      "tenant.second_factor_removed totp",
      "tenant.second_factor_removed passkey",
    ]);
    const text = JSON.stringify(entries);
    for (const secret of [member.memberId, member.email, ...recoveryCodes]) expect(text).not.toContain(secret);
  });

  test("S2-12 open what is sensitive at once, though the session was known from memory without them", async () => {
    const member = await memberSession("owner", { tenant, secondFactorAtMs: null });
    const rename = () =>
      call(`/v1/tenants/${tenant.tenantId}`, { key: member.token, method: "PATCH", body: { name: "Acme" } });
    const problem = await problemOf(await rename(), "auth.step_up_required");
    expect(problem.continue).toBe(`POST ${AUTH}/second-factor`);
    const { code } = await withTotp(member);
    expect((await rename()).status).toBe(200);
    await age(member, LIMITS.stepUpMs + 1000);
    const another = await memberSession("viewer", { tenant });
    expect((await call("/v1/whoami", { key: another.token })).status).toBe(200);
    await jsonOf(await ask(member.token, "/second-factor", "POST", { totp: code(1) }));
    expect((await rename()).status).toBe(200);
  });

  test("a wrong code is refused, counted and told once, and waits come after five", async () => {
    const member = await memberSession("admin", { tenant, secondFactorAtMs: null });
    const { code } = await withTotp(member);
    const wrong = String((Number(code()) + 500_000) % 1_000_000).padStart(6, "0");
    const headers = { "CF-Connecting-IP": "203.0.113.9" };
    for (let i = 0; i < 5; i++) {
      await problemOf(await ask(member.token, "/second-factor", "POST", { totp: wrong }, headers), "auth.factor_wrong");
    }
    const refused = await ask(member.token, "/second-factor", "POST", { totp: code(1) }, headers);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(50);
    await problemOf(refused, "auth.too_many_tries");
    const elsewhere = await ask(
      member.token,
      "/second-factor",
      "POST",
      { totp: code(1) },
      { "CF-Connecting-IP": "203.0.113.10" },
    );
    expect(elsewhere.status).toBe(200);
    const entries = (await entriesOf(tenant.tenantDomainId)).filter(({ action }) => action === "tenant.login_failed");
    expect(entries.at(-1)).toMatchObject({ outcome: "denied", metadata: { method: "totp", failures: 1 } });
  });

  test("a stolen session of one factor adds none beside the owner's and keeps being asked", async () => {
    const member = await memberSession("owner", { tenant, secondFactorAtMs: null });
    await withTotp(member);
    await age(member, LIMITS.stepUpMs + 1000);
    for (const [path, method, body] of [
      ["/factors/totp", "POST", undefined],
      ["/factors/totp", "DELETE", undefined],
      ["/factors/recovery-codes", "POST", undefined],
      ["/factors/passkeys/options", "POST", undefined],
    ] as const) {
      await problemOf(await ask(member.token, path, method, body), "auth.step_up_required");
    }
  });

  test("a member is no other member: factors are of the session's person, whatever the body says", async () => {
    const [ada, eve] = [
      await memberSession("owner", { tenant, secondFactorAtMs: null }),
      await memberSession("viewer", { tenant, secondFactorAtMs: null }),
    ];
    const { code, recoveryCodes } = await withTotp(ada);
    await withTotp(eve);
    await problemOf(await ask(eve.token, "/second-factor", "POST", { totp: code(1) }), "auth.factor_wrong");
    const recovery = { recovery_code: recoveryCodes[0] };
    await problemOf(await ask(eve.token, "/second-factor", "POST", recovery), "auth.factor_wrong");
    const named = { ...recovery, person_id: ada.memberId };
    await problemOf(await ask(eve.token, "/second-factor", "POST", named), "request.invalid");
  });

  test.each([
    ["nothing", {}],
    ["two at once", { totp: "123456", recovery_code: "0000-0000-0000-0000" }],
    ["a number", { totp: 123456 }],
    ["a passkey that is none", { passkey: { id: "x" } }],
  ])("a proof with %s is refused as it stands", async (_, body) => {
    const { token } = await memberSession("viewer", { tenant });
    await problemOf(await ask(token, "/second-factor", "POST", body), "request.invalid");
  });

  test("keys and the operator's secret have none, nobody asks without a session, and the other cell's path is no path", async () => {
    await problemOf(await ask(tenant.key, "/factors", "GET"), "auth.forbidden");
    await problemOf(await ask(env.OPERATOR_SECRET, "/second-factor", "POST", { totp: "123456" }), "auth.forbidden");
    await problemOf(await call(`${AUTH}/factors`), "auth.required");
    const { token } = await memberSession("viewer", { tenant });
    const other = jurisdiction === "eu" ? "us" : "eu";
    await problemOf(await call(`/v1/auth/${other}/factors`, { key: token }), "resource.not_found");
  });

  test("an owner resets a viewer's, whose sessions end; nobody resets those of somebody who holds more", async () => {
    const owner = await memberSession("owner", { tenant });
    const viewer = await memberSession("viewer", { tenant, secondFactorAtMs: null });
    const engineer = await memberSession("engineer", { tenant });
    await withTotp(viewer);
    const reset = (memberId: string) =>
      call(`/v1/tenants/${tenant.tenantId}/members/${memberId}/factors`, { key: owner.token, method: "DELETE" });
    await problemOf(await reset(engineer.memberId), "auth.forbidden");
    expect((await reset(viewer.memberId)).status).toBe(204);
    await problemOf(await ask(viewer.token, "/factors", "GET"), "auth.required");
    const fresh = await runInDurableObject(deskStub(tenant.tenantId), (_, { storage }) =>
      storage.sql.exec("SELECT count(*) AS rows FROM totp WHERE person_id = ?", viewer.memberId).one(),
    );
    expect(fresh.rows).toBe(0);
  });

  test("go with a member who is removed", async () => {
    const owner = await memberSession("owner", { tenant });
    const viewer = await memberSession("viewer", { tenant, secondFactorAtMs: null });
    await withTotp(viewer);
    const path = `/v1/tenants/${tenant.tenantId}/members/${viewer.memberId}`;
    expect((await call(path, { key: owner.token, method: "DELETE" })).status).toBe(204);
    const left = await runInDurableObject(deskStub(tenant.tenantId), (_, { storage }) =>
      ["totp", "recovery_code", "passkey", "person_browser"].map(
        (table) =>
          storage.sql.exec(`SELECT count(*) AS rows FROM ${table} WHERE person_id = ?`, viewer.memberId).one().rows,
      ),
    );
    expect(left).toEqual([0, 0, 0, 0]);
  });
});

describe("a second factor of a clock that was set back since", () => {
  test("S2-12 counts for nothing sensitive, and for no change of factors", async () => {
    const member = await memberSession("owner", { tenant, secondFactorAtMs: null });
    await withTotp(member);
    await age(member, -60 * 60_000);
    const other = await memberSession("viewer", { tenant });
    const path = `/v1/tenants/${tenant.tenantId}/members/${other.memberId}`;
    await problemOf(await call(path, { method: "DELETE", key: member.token }), "auth.step_up_required");
    await problemOf(await ask(member.token, "/factors/totp"), "auth.step_up_required");
  });
});
