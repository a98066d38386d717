/** Where the gateway sends what: to the one cell that everything in the request names, or nowhere (S0-23, S4-34, R1-R4). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatApiKey, formatOperatorSecret } from "../../src/core/api-key.ts";
import { type IdKind, JURISDICTIONS, type Jurisdiction, makeId } from "../../src/core/ids.ts";
import { type RoutingFacts, routeTo } from "../../src/gateway/routing.ts";
import { spiedGateway } from "../support/gateway.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";

const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";
const SUFFIX = "01jcy3x8e7f4s9m2k5n8q1r4tv";
const secret = new Uint8Array(32).fill(3);
const id = (jurisdiction: Jurisdiction, kind: IdKind = "domain") => makeId(kind, jurisdiction, UUID);
const keyOf = (jurisdiction: Jurisdiction) => formatApiKey(jurisdiction, SUFFIX, secret);
const operatorOf = (jurisdiction: Jurisdiction) => formatOperatorSecret(jurisdiction, secret);
const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenOf = (iss: unknown) => `${base64url({ alg: "EdDSA", typ: "JWT" })}.${base64url({ iss })}.c2ln`;
const bearer = (credential: string) => `Bearer ${credential}`;
const route = (facts: Partial<RoutingFacts>) =>
  routeTo({ pathname: "/v1/whoami", authorization: null, bodyJurisdiction: null, ...facts });

describe("S0-23 what names a jurisdiction", () => {
  test.each<[string, Partial<RoutingFacts>, Jurisdiction | null]>([
    ["an id in the path", { pathname: `/v1/domains/${id("eu")}/audit/entries` }, "eu"],
    [
      "two ids in the path that agree",
      { pathname: `/v1/tenants/${id("us", "tenant")}/keys/${id("us", "apiKey")}` },
      "us",
    ],
    ["an API key", { authorization: bearer(keyOf("us")) }, "us"],
    ["an operator's secret", { authorization: bearer(operatorOf("eu")) }, "eu"],
    ["a key, whatever the case of the scheme", { authorization: `bearer ${keyOf("eu")}` }, "eu"],
    ["the issuer of a token", { authorization: bearer(tokenOf("https://log.test/eu")) }, "eu"],
    ["the address of a sign-in", { pathname: "/v1/auth/us/login" }, "us"],
    ["the same with the cell's token", { pathname: "/v1/auth/us/me", authorization: bearer(tokenOf("x/us")) }, "us"],
    [
      "a sign-in with the other cell's token",
      { pathname: "/v1/auth/us", authorization: bearer(tokenOf("x/eu")) },
      null,
    ],
    ["a sign-in at another cell's tenant", { pathname: `/v1/auth/us/sso/${id("eu", "tenant")}` }, null],
    ["a sign-in nowhere", { pathname: "/v1/auth/sso" }, null],
    ["a sign-in under an encoded name", { pathname: "/v1/auth/%65u/login" }, null],
    ["a sign-in with an upper-case name, and an id", { pathname: `/v1/auth/EU/sso/${id("eu", "tenant")}` }, null],
    ["the operator's pages by token", { pathname: "/admin/tenants", authorization: bearer(tokenOf("x/us")) }, "us"],
    ["the body of a new tenant", { bodyJurisdiction: "us" }, "us"],
    [
      "all of them",
      { pathname: `/v1/domains/${id("eu")}`, authorization: bearer(keyOf("eu")), bodyJurisdiction: "eu" },
      "eu",
    ],
    ["nothing", {}, null],
    [
      "an id and a key that disagree",
      { pathname: `/v1/domains/${id("us")}`, authorization: bearer(keyOf("eu")) },
      null,
    ],
    ["two ids that disagree", { pathname: `/v1/tenants/${id("eu", "tenant")}/keys/${id("us", "apiKey")}` }, null],
    ["a key and a body that disagree", { authorization: bearer(operatorOf("eu")), bodyJurisdiction: "us" }, null],
    [
      "a token and an id that disagree",
      { pathname: `/v1/domains/${id("us")}`, authorization: bearer(tokenOf("x/eu")) },
      null,
    ],
    ["an unknown jurisdiction in a key", { authorization: bearer(keyOf("eu").replace("_eu_", "_de_")) }, null],
    ["an unknown one in an id", { pathname: `/v1/domains/dom_de_${SUFFIX}` }, null],
    ["an unknown one in the body", { bodyJurisdiction: "de" }, null],
    ["an empty one in the body", { bodyJurisdiction: "" }, null],
    [
      "an unknown one in the body beside a right key",
      { authorization: bearer(keyOf("eu")), bodyJurisdiction: "EU" },
      null,
    ],
    ["a foreign issuer", { authorization: bearer(tokenOf("https://accounts.example")) }, null],
    ["an issuer that is no text", { authorization: bearer(tokenOf(["eu"])) }, null],
    ["a key in capitals", { authorization: bearer(keyOf("eu").toUpperCase()) }, null],
    ["a kind of id that does not exist", { pathname: `/v1/domains/abc_eu_${SUFFIX}` }, null],
    ["an id that is too short", { pathname: "/v1/domains/dom_eu_01", authorization: bearer(keyOf("eu")) }, null],
    [
      "an id in capitals",
      { pathname: `/v1/domains/${id("eu").toUpperCase()}`, authorization: bearer(keyOf("eu")) },
      null,
    ],
    ...["hot_entries", "api_key.created", "job_run.begun", "log_"].map(
      (word): [string, Partial<RoutingFacts>, "eu"] => [
        `the tenant beside ${word}, which is no id`,
        { pathname: `/v1/tenants/${id("eu", "tenant")}/things/${word}` },
        "eu",
      ],
    ),
    ...["key_card.issued", "exp_used.up", "log_in_page.shown"].map((action): [string, Partial<RoutingFacts>, "eu"] => [
      `the tenant beside its type of event ${action}, which begins like an id`,
      { pathname: `/v1/tenants/${id("eu", "tenant")}/event-types/${action}/withdraw` },
      "eu",
    ]),
    ...[`dom_us_${SUFFIX}`, `dom_de_${SUFFIX}`, `abc_us_${SUFFIX}`, `DOM_US_${SUFFIX}.x`].map(
      (segment): [string, Partial<RoutingFacts>, null] => [
        `what is like an id in the place of a type of event: ${segment}`,
        {
          pathname: `/v1/tenants/${id("eu", "tenant")}/event-types/${segment}`,
          authorization: bearer(keyOf("eu")),
        },
        null,
      ],
    ),
    [
      "what is like a type of event in the place of an id",
      { pathname: "/v1/domains/dom_us_01.x", authorization: bearer(keyOf("eu")) },
      null,
    ],
  ])("%s", (_, facts, expected) => {
    expect(route(facts)).toBe(expected);
  });
});

/** What a part of a request names; null: nothing; "unknown": a jurisdiction that nobody serves. */
type Named = Jurisdiction | "unknown" | null;
const named = (...more: Named[]) => fc.constantFrom<Named>("eu", "us", null, ...more);

const path = fc
  .tuple(named("unknown"), named("unknown"), fc.constantFrom<IdKind>("tenant", "domain", "apiKey"))
  .map(([first, second, kind]) => {
    const segment = (name: Named) => (name === null ? "x" : name === "unknown" ? `dom_de_${SUFFIX}` : id(name, kind));
    return { names: [first, second], text: `/v1/things/${segment(first)}/more/${segment(second)}` };
  });
const credential = fc
  .tuple(
    named("unknown"),
    fc.constantFrom(keyOf, operatorOf, (j: Jurisdiction) => tokenOf(`https://log.test/${j}`)),
  )
  .map(([name, make]) => {
    if (name === null) return { names: [name], text: null };
    return { names: [name], text: bearer(name === "unknown" ? keyOf("eu").replace("_eu_", "_xx_") : make(name)) };
  });
const body = named("unknown").map((name) => ({ names: [name], text: name === "unknown" ? "de" : name }));

describe("R3 whatever a request says", () => {
  const expected = (all: Named[]) => {
    const said = [...new Set(all.filter((name) => name !== null))];
    return said.length === 1 && said[0] !== "unknown" ? said[0] : null;
  };

  test("it goes where all of it points, else nowhere", () => {
    fc.assert(
      fc.property(path, credential, body, (inPath, inHeader, inBody) => {
        const facts = { pathname: inPath.text, authorization: inHeader.text, bodyJurisdiction: inBody.text };
        expect(routeTo(facts)).toBe(expected([...inPath.names, ...inHeader.names, ...inBody.names]));
      }),
      { numRuns: 2000 },
    );
  });

  test("through the gateway at most one cell is called, and never one that the credential does not name", async () => {
    await fc.assert(
      fc.asyncProperty(path, credential, fc.constantFrom("GET", "POST", "DELETE"), async (inPath, inHeader, method) => {
        const { ask, reached } = spiedGateway();
        const headers: Record<string, string> = inHeader.text ? { Authorization: inHeader.text } : {};
        const answer = await ask(inPath.text, { method, headers });
        const goal = expected([...inPath.names, ...inHeader.names]);
        expect(reached.map(({ cell }) => cell)).toEqual(goal === null ? [] : [goal]);
        if (goal === null) await problemOf(answer, "resource.not_found");
      }),
      { numRuns: 1000 },
    );
  });

  test("untrusted paths and headers never throw and never reach two cells", async () => {
    const odd = fc.oneof(
      fc.string(),
      fc.constantFrom(keyOf("eu"), keyOf("us"), id("eu"), id("us"), "%2F", "//", "..", "Bearer "),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { maxLength: 6 }), fc.array(odd, { maxLength: 4 }), async (segments, words) => {
        const { ask, reached } = spiedGateway();
        const headers = new Headers();
        try {
          headers.set("Authorization", words.join(""));
        } catch {
          return; // No header can carry it.
        }
        await ask(`/${segments.map((segment) => encodeURI(segment.toWellFormed())).join("/")}`, { headers });
        expect(reached.length).toBeLessThanOrEqual(2);
        const cells = new Set(reached.map(({ cell }) => cell));
        for (const { cell, authorization } of reached) {
          const other = cell === "eu" ? "us" : "eu";
          expect(authorization ?? "").not.toContain(keyOf(other));
        }
        // Two cells only for the public report, and then without any credential.
        if (cells.size > 1) expect(reached.every(({ authorization }) => !authorization)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("R1 S4-34 what names two jurisdictions, an unknown one or none is a 404 at the gateway, and no cell is called", () => {
  const eu = { Authorization: bearer(keyOf("eu")) };
  test.each<[string, string, RequestInit]>([
    ["an id of the other jurisdiction with one's own key", `/v1/domains/${id("us")}`, { headers: eu }],
    ["the same in capitals", `/v1/domains/${id("us").toUpperCase()}`, { headers: eu }],
    ["one's own id in capitals", `/v1/domains/${id("eu").toUpperCase()}`, { headers: eu }],
    ["an encoded slash between two ids", `/v1/domains/${id("eu")}%2F${id("us")}`, { headers: eu }],
    ["an id with something behind it", `/v1/domains/${id("eu")}x`, { headers: eu }],
    ["an id with a trailing dot", `/v1/domains/${id("eu")}.`, { headers: eu }],
    ["an id with a parameter", `/v1/domains/${id("eu")};${id("us")}`, { headers: eu }],
    ["a second id further on", `/v1/domains/${id("eu")}/x/${id("us")}`, { headers: eu }],
    ["double slashes before the other's id", `//v1//domains//${id("us")}`, { headers: eu }],
    ["a way back from one's own id to the other's", `/v1/domains/${id("eu")}/../${id("us")}`, { headers: eu }],
    ["an id in full-width letters", `/v1/domains/dom_${encodeURIComponent("ｕｓ")}_${SUFFIX}`, { headers: eu }],
    ["nothing that names anything", "/v1/whoami", {}],
    ["an unknown address", "/wp-login.php", {}],
    ["an encoded id without a credential", `/v1/domains/%64${id("us").slice(1)}`, {}],
    ["the list of tenants without a credential", "/v1/tenants", {}],
    ["a residency report for an unknown credential", "/v1/residency", { headers: { Authorization: "Bearer x" } }],
    [
      "a new tenant elsewhere than its operator",
      "/v1/tenants",
      { method: "POST", headers: eu, body: '{"jurisdiction":"us"}' },
    ],
    ["a new tenant nowhere", "/v1/tenants", { method: "POST", headers: eu, body: '{"jurisdiction":"de"}' }],
    [
      "a new tenant in two places",
      "/v1/tenants",
      { method: "POST", headers: eu, body: '{"jurisdiction":["eu","us"]}' },
    ],
    [
      "a new tenant that says twice where, and means the other",
      "/v1/tenants",
      { method: "POST", headers: eu, body: '{"jurisdiction":"eu","jurisdiction":"us"}' },
    ],
    ["a new tenant without anything", "/v1/tenants", { method: "POST", body: "{}" }],
  ])("%s", async (_, pathname, init) => {
    const { ask, reached } = spiedGateway();
    const answer = await ask(pathname, init);
    const nothing = await withoutInstance(await ask("/v1/no-such-thing"));
    expect(await withoutInstance(answer.clone())).toEqual(nothing);
    await problemOf(answer, "resource.not_found");
    expect(reached).toEqual([]);
  });

  test("an encoded spelling of the other's id stays in the credential's own cell, which knows no such thing", async () => {
    const { ask, reached } = spiedGateway();
    await ask(`/v1/domains/%64${id("us").slice(1)}`, { headers: eu });
    expect(reached.map(({ cell }) => cell)).toEqual(["eu"]);
  });
});

describe("S0-23 a cookie is the cell's that set it", () => {
  const both = "__Host-moonseal-session-eu=e; other=1; __Host-moonseal-session-us=u; __Host-moonseal-browser-eu=b";

  test.each<[Jurisdiction, string]>([
    ["eu", "__Host-moonseal-session-eu=e; __Host-moonseal-browser-eu=b"],
    ["us", "__Host-moonseal-session-us=u"],
  ])("and no other cell's reaches %s, nor one that no cell has set", async (cell, cookie) => {
    const { ask, reached } = spiedGateway();
    await ask(`/v1/auth/${cell}/signed-in`, { headers: { Cookie: both } });
    expect(reached).toMatchObject([{ cell, cookie }]);
  });

  test.each(["__Host-moonseal-session=old", "x-eu", "a=__Host-moonseal-session-us; moonseal-session-us=u"])(
    "nothing of %s",
    async (cookie) => {
      const { ask, reached } = spiedGateway();
      await ask("/v1/auth/us/signed-in", { headers: { Cookie: cookie } });
      expect(reached).toMatchObject([{ cell: "us", cookie: null }]);
    },
  );

  test("and what both cells are asked goes without cookies and credentials", async () => {
    const { ask, reached } = spiedGateway(() => Response.json({ cells: [], keys: [] }));
    const headers = { Cookie: both, Authorization: bearer(keyOf("eu")) };
    for (const path of ["/.well-known/moonseal", "/.well-known/jwks.json"]) await ask(path, { headers });
    expect(reached.map(({ cell, cookie, authorization }) => [cell, cookie, authorization])).toEqual(
      ["eu", "us", "eu", "us"].map((cell) => [cell, null, null]),
    );
  });
});

describe("S0-23 a credential that names no jurisdiction reaches no cell", () => {
  test.each([
    `Basic ${btoa(`${keyOf("eu")}:`)}`,
    `Token ${keyOf("eu")}`,
    keyOf("eu"),
    `Bearer  ${keyOf("eu")}`,
    `Bearer ${keyOf("eu")}, Bearer ${keyOf("us")}`,
    `Bearer ${keyOf("us")},${keyOf("eu")}`,
    `Bearer ${keyOf("eu").toUpperCase()}`,
    `Bearer x${keyOf("eu")}`,
    `Bearer "${keyOf("eu")}"`,
    `Bearer ${tokenOf(undefined)}`,
    "Bearer opaque",
  ])("%s", async (authorization) => {
    const { ask, reached } = spiedGateway();
    await ask(`/v1/domains/${id("us")}`, { headers: { Authorization: authorization } });
    expect(reached).toEqual([expect.objectContaining({ cell: "us", authorization: null })]);
  });
});

describe("what is forwarded", () => {
  test("is the request as it came: method, address, credential, body", async () => {
    const { ask, reached } = spiedGateway();
    const headers = { Authorization: bearer(keyOf("us")), "X-Request-Id": "req-12345678" };
    const answer = await ask(`/v1/domains/${id("us")}/audit/entries?a=1&a=2`, { method: "POST", headers, body: "[1]" });
    expect(await answer.text()).toBe("from a cell");
    expect(reached).toEqual([
      {
        cell: "us",
        method: "POST",
        url: `https://log.test/v1/domains/${id("us")}/audit/entries?a=1&a=2`,
        authorization: bearer(keyOf("us")),
        cookie: null,
        body: "[1]",
      },
    ]);
  });

  test.each(JURISDICTIONS)("of a new tenant in %s is the body byte by byte, odd or not", async (jurisdiction) => {
    const sent: Uint8Array[] = [];
    const { ask } = spiedGateway(async (request) => {
      sent.push(new Uint8Array(await request.arrayBuffer()));
      return new Response();
    });
    const headers = { Authorization: bearer(operatorOf(jurisdiction)) };
    const bodies = ["", "{", `{"jurisdiction":"${jurisdiction}"}`, `\ufeff{"jurisdiction":"${jurisdiction}"}`].map(
      (text) => Uint8Array.from(Buffer.from(text)),
    );
    const brokenUtf8 = Uint8Array.of(0x7b, 0xc3, 0x28, 0x7d);
    for (const body of [...bodies, brokenUtf8]) await ask("/v1/tenants", { method: "POST", headers, body });
    expect(sent).toEqual([...bodies, brokenUtf8]);
  });

  test("of a new tenant is at most 64 KiB: more is refused here, with the limit", async () => {
    const { ask, reached } = spiedGateway();
    const headers = { Authorization: bearer(operatorOf("eu")) };
    const problem = await problemOf(
      await ask("/v1/tenants", { method: "POST", headers, body: "x".repeat(65_537) }),
      "request.too_large",
    );
    expect(problem.detail).toContain("65536");
    expect(reached).toEqual([]);
  });

  test("a cell that fails is the gateway's 500, without a word of why", async () => {
    const { ask } = spiedGateway(() => Promise.reject(new Error("canary-of-the-cell")));
    const answer = await ask(`/v1/domains/${id("eu")}`, { headers: { Authorization: bearer(keyOf("eu")) } });
    expect(JSON.stringify(await problemOf(answer, "internal"))).not.toContain("canary");
  });
});
