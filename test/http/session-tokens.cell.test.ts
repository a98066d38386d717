/** Session tokens at the door of a cell: whose they are, what they open, and what a warm one costs. */
import { describe, expect, test } from "vitest";
import { makeId } from "../../src/core/ids.ts";
import { readTokenKeys } from "../../src/services/access/token-settings.ts";
import { signSessionToken } from "../../src/services/access/tokens.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { call, env, jurisdiction, newTenant } from "../support/cell.ts";
import { inBook, memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { TOKEN_SIGNING_KEYS } from "../support/token-keys.ts";

const other = jurisdiction === "eu" ? "us" : "eu";

/** The statements of the control database that run meanwhile: what is read, and what is noted down of a key's use. */
async function statements(run: () => Promise<unknown>): Promise<{ reads: string[]; writes: string[] }> {
  const { prepare } = env.CONTROL;
  const all: string[] = [];
  env.CONTROL.prepare = (query: string) => {
    all.push(query);
    return prepare.call(env.CONTROL, query);
  };
  try {
    await run();
  } finally {
    env.CONTROL.prepare = prepare;
  }
  const isRead = (query: string) => /^\s*select/i.test(query);
  return { reads: all.filter(isRead), writes: all.filter((query) => !isRead(query)) };
}

describe("a token of a member", () => {
  test("opens the member's own tenant; every other one is the 404 of what does not exist", async () => {
    const { token, tenant } = await memberSession("owner");
    expect((await call(`/v1/tenants/${tenant.tenantId}`, { key: token })).status).toBe(200);
    const elsewhere = await newTenant();
    for (const path of [
      `/v1/tenants/${elsewhere.tenantId}`,
      `/v1/tenants/${elsewhere.tenantId}/members`,
      `/v1/domains/${elsewhere.tenantDomainId}/audit/entries`,
      `/v1/tenants/${makeId("tenant", jurisdiction, crypto.randomUUID())}`,
    ]) {
      await problemOf(await call(path, { key: token }), "resource.not_found");
    }
  });

  test("of another environment, of the other cell, or of nobody's session is 401, whatever the path", async () => {
    const { token, memberId, sessionId, tenant } = await memberSession("owner");
    const whose = { sub: memberId, sid: sessionId, tnt: tenant.tenantId };
    const { tokens } = cellConfig(env);
    const uuid = crypto.randomUUID();
    const foreign = readTokenKeys(
      { TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS[other], TOKEN_AUDIENCE: tokens.audience },
      env.LOG_HOST,
      other,
    );
    const wrong = [
      await signSessionToken(whose, { ...tokens, audience: "https://staging.test" }, Date.now()),
      await signSessionToken(
        { sub: makeId("member", other, uuid), sid: makeId("session", other, uuid), tnt: makeId("tenant", other, uuid) },
        foreign,
        Date.now(),
      ),
      await signSessionToken(whose, { ...tokens, signing: foreign.signing }, Date.now()),
      await signSessionToken({ ...whose, sid: makeId("session", jurisdiction, uuid) }, tokens, Date.now()),
      await signSessionToken({ ...whose, sub: makeId("member", jurisdiction, uuid) }, tokens, Date.now()),
      await signSessionToken({ ...whose, tnt: (await newTenant()).tenantId }, tokens, Date.now()),
      await signSessionToken({ ...whose, sub: makeId("staff", jurisdiction, uuid), tnt: null }, tokens, Date.now()),
      await signSessionToken(whose, tokens, Date.now() - tokens.lifetimeS * 1000),
      `${token}.${token.split(".")[2]}`,
      token.slice(0, token.lastIndexOf(".") + 1),
    ];
    for (const key of wrong) {
      await problemOf(await call(`/v1/tenants/${tenant.tenantId}`, { key }), "auth.required");
      await problemOf(await call("/v1/whoami", { key }), "auth.required");
    }
    expect((await call("/v1/whoami", { key: token })).status).toBe(200);
  });

  test("of a session that was ended in the tenant's object opens nothing once it is looked up again", async () => {
    const { token, sessionId, tenant } = await memberSession("owner");
    await inBook(tenant.tenantId, (book) => book.endSession(sessionId, Date.now()));
    await problemOf(await call("/v1/whoami", { key: token }), "auth.required");
  });

  test("S2-12 shown a second factor a moment ago is let through at once, though it was known without", async () => {
    const { token, sessionId, tenant } = await memberSession("owner", { secondFactorAtMs: null });
    const path = `/v1/tenants/${tenant.tenantId}/identity-provider`;
    await problemOf(await call(path, { method: "DELETE", key: token }), "auth.step_up_required");
    await inBook(tenant.tenantId, (book) => book.secondFactorShown(sessionId, Date.now()));
    await problemOf(await call(path, { method: "DELETE", key: token }), "resource.not_found");
  });
});

describe("what authorising costs", () => {
  test("a warm request with a token or a key asks D1 nothing", async () => {
    const { token, tenant } = await memberSession("viewer");
    for (const key of [token, tenant.key]) {
      await call("/v1/whoami", { key });
      expect(await statements(() => call("/v1/whoami", { key }))).toEqual({ reads: [], writes: [] });
    }
  });

  test("a cold key look-up is one indexed read", async () => {
    const { key } = await newTenant();
    const { reads, writes } = await statements(() => call("/v1/whoami", { key }));
    expect(reads.filter((query) => query.includes('from "api_key"'))).toHaveLength(1);
    // The other one is the tenant's row, for its rate limits; and once in a while it is noted when a key was last used.
    expect(reads.length).toBeLessThanOrEqual(2);
    expect(writes.length).toBeLessThanOrEqual(1);
    for (const query of reads) {
      const values = (query.match(/\?/g) ?? []).map(() => "x");
      const plan = await env.CONTROL.prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...values)
        .all<{ detail: string }>();
      const steps = plan.results.map(({ detail }) => detail).join();
      expect(steps).toMatch(/SEARCH \w+ USING .*(?:PRIMARY KEY|INDEX)/);
      expect(steps).not.toContain("SCAN");
    }
  });
});

describe("/.well-known/jwks.json", () => {
  test("shows the public key that tokens are signed with, to anybody, for five minutes", async () => {
    const answer = await call("/.well-known/jwks.json");
    expect(answer.headers.get("Content-Type")).toBe("application/jwk-set+json");
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
    const { keys } = (await answer.json()) as { keys: { kid: string }[] };
    expect(keys.map(({ kid }) => kid)).toEqual([cellConfig(env).tokens.signing.kid]);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });
});
