/** Signing in through a real OpenID provider (oidc-provider, a certified implementation), over the loopback of this machine. */
import { randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";

const { server, start, stop, ask } = deployment();
/** As wrangler.eu.toml says it. */
const HOST = "api.moonseal.example";
const ORIGIN = `https://${HOST}`;
const CLIENT = { client_id: "moonseal", client_secret: randomBytes(24).toString("base64url") };
const VERIFIED = { ada: true, grace: true, eve: false } as Record<string, boolean>;

let handler: RequestListener = (_, response) => response.writeHead(404).end();
const provider = createServer((request, response) => handler(request, response));
let issuer: string;
let tenantId: string;
let key: string;

beforeAll(async () => {
  await start();
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  issuer = `http://localhost:${(provider.address() as AddressInfo).port}`;
  const operator = testBindings("eu").OPERATOR_SECRET;
  const made = await ask("/v1/tenants", { key: operator, body: { name: "Acme", jurisdiction: "eu", tier: "pro" } });
  const body = (await made.json()) as { tenant: { id: string }; api_key: { key: string } };
  tenantId = body.tenant.id;
  key = body.api_key.key;
  handler = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${ORIGIN}/v1/auth/eu/sso/${tenantId}/callback`] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@customer.org`,
        email_verified: VERIFIED[id] ?? false,
        name: `The ${id}`,
      }),
    }),
  }).callback();
});
afterAll(async () => {
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
  await stop();
});

/** A browser: keeps cookies of each host, and goes where it is sent until it is sent to a callback of the product. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async go(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address, ORIGIN);
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const headers = { ...init.headers, Cookie: [...jar].map((pair) => pair.join("=")).join("; ") };
    const options = { ...init, headers, redirect: "manual" as const };
    const answer = (
      url.host === HOST ? await server.fetch(url.href, options as never) : await fetch(url, options)
    ) as Response;
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      jar.set(name, value);
    }
    return answer;
  }

  cookie(host: string, name: string): string | undefined {
    return this.#cookies.get(host)?.get(name);
  }
}

/** The product's answer to what the provider sends back, after this account has signed in there and agreed. */
async function signInAs(account: string, browser = new Browser()): Promise<Response> {
  let answer = await browser.go(`/v1/auth/eu/sso/${tenantId}`);
  for (let step = 0; step < 12; step++) {
    const location = answer.headers.get("Location");
    if (location) {
      const next = new URL(location, issuer);
      answer = await browser.go(next.href);
      if (next.pathname.endsWith("/callback")) return answer;
      continue;
    }
    const page = await answer.text();
    const [, action = ""] = /action="([^"]+)"/.exec(page) ?? [];
    const prompt = page.includes('name="login"')
      ? { prompt: "login", login: account, password: "x" }
      : { prompt: "consent" };
    answer = await browser.go(new URL(action, issuer).href, {
      method: "POST",
      body: new URLSearchParams(prompt as Record<string, string>).toString(),
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
  }
  throw new Error("the provider sends the browser round in circles");
}

describe("a tenant's own OpenID provider", () => {
  test("is found by its issuer, and its client's secret is not shown again", async () => {
    const path = `/v1/tenants/${tenantId}/identity-provider`;
    const set = await ask(path, { key, method: "PUT", body: { issuer, ...CLIENT } });
    expect(set.status, await set.clone().text()).toBe(200);
    const read = await (await ask(path, { key })).text();
    expect(read).toContain(`${ORIGIN}/v1/auth/eu/sso/${tenantId}/callback`);
    expect(read).not.toContain(CLIENT.client_secret);
  });

  test("brings in whoever was invited, and the token opens the tenant through the gateway", async () => {
    const body = { email: "ada@customer.org", name: "Ada", role: "viewer" };
    expect((await ask(`/v1/tenants/${tenantId}/invitations`, { key, body })).status).toBe(201);
    const browser = new Browser();
    const answer = await signInAs("ada", browser);
    expect(answer.status, await answer.clone().text()).toBe(303);
    expect(answer.headers.get("Location")).toBe("/v1/auth/eu/signed-in");
    const token = browser.cookie(HOST, "__Host-moonseal-session-eu") ?? "";
    const who = await ask("/v1/whoami", { key: token });
    expect(who.status).toBe(200);
    expect(await who.text()).toContain(tenantId);
    expect((await ask(`/v1/tenants/${tenantId}`, { key: token })).status).toBe(200);
    const list = (await (await ask(`/v1/tenants/${tenantId}/members`, { key })).json()) as {
      members: { email: string }[];
    };
    expect(list.members.map(({ email }) => email)).toEqual(["ada@customer.org"]);
    // The forms of the pages come through the gateway with the cookie of their cell, and the other cell is shown none.
    expect(await (await browser.go("/v1/auth/eu/signed-in")).text()).toContain(tenantId);
    expect((await browser.go("/v1/auth/us/signed-in")).headers.get("Location")).toBe("/v1/auth/us/sign-in");
    const form = {
      Origin: ORIGIN,
      "Sec-Fetch-Site": "same-origin",
      "Content-Type": "application/x-www-form-urlencoded",
    };
    const asked = await browser.go("/v1/auth/eu/sign-in", {
      method: "POST",
      headers: form,
      body: "email=a%40example.org",
    });
    expect(asked.status, await asked.clone().text()).toBe(200);
    const signedOut = await browser.go("/v1/auth/eu/sign-out", { method: "POST", headers: form, body: "" });
    expect(signedOut.status, await signedOut.clone().text()).toBe(200);
    // A second time she is a member, and the same one.
    expect((await signInAs("ada")).status).toBe(303);
  });

  test("brings in nobody who was not invited, nor whose address it has not verified", async () => {
    const grace = await signInAs("grace");
    expect(grace.status).toBe(403);
    const body = { email: "eve@customer.org", name: "Eve", role: "viewer" };
    expect((await ask(`/v1/tenants/${tenantId}/invitations`, { key, body })).status).toBe(201);
    expect((await signInAs("eve")).status).toBe(403);
  });

  test("with a wrong client's secret brings in nobody", async () => {
    const wrong = { ...CLIENT, client_secret: "wrong" };
    const path = `/v1/tenants/${tenantId}/identity-provider`;
    expect((await ask(path, { key, method: "PUT", body: { issuer, ...wrong } })).status).toBe(200);
    expect((await signInAs("ada")).status).toBe(403);
    expect((await ask(path, { key, method: "DELETE" })).status).toBe(204);
    expect((await new Browser().go(`/v1/auth/eu/sso/${tenantId}`)).status).toBe(404);
  });
});

test("/.well-known/jwks.json of the gateway shows the keys of both cells, each once", async () => {
  const answer = await ask("/.well-known/jwks.json");
  expect(answer.headers.get("Content-Type")).toBe("application/jwk-set+json");
  expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
  const { keys } = (await answer.json()) as { keys: { kid: string; n: string; d?: string }[] };
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2);
  expect(keys.every(({ d }) => d === undefined)).toBe(true);
});
