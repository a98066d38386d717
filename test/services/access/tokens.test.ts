/** Session tokens: what this cell has signed for this environment and that holds now; every other text is nobody's. */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign as rsaSign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeId } from "../../../src/core/ids.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { readTokenKeys, type TokenSettings } from "../../../src/services/access/token-settings.ts";
import { signSessionToken, type TokenKeys, verifySessionToken } from "../../../src/services/access/tokens.ts";
import { TOKEN_SIGNING_KEYS } from "../../support/token-keys.ts";

const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";
const NOW = Date.parse("2026-11-21T12:00:00.000Z");
const NOW_S = NOW / 1000;
const SECRET = Buffer.alloc(32, 9).toString("base64");
const AUDIENCE = "https://api.test";

const keysOf = (settings: Partial<TokenSettings> = {}, jurisdiction: "eu" | "us" = "eu"): TokenKeys =>
  readTokenKeys(
    { TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS[jurisdiction], TOKEN_AUDIENCE: AUDIENCE, ...settings },
    "log.test",
    jurisdiction,
  );
const HS256 = { TOKEN_ALGORITHM: "HS256", TOKEN_SIGNING_KEY: SECRET };
const RS = keysOf();
const HS = keysOf(HS256);
const member = {
  sub: makeId("member", "eu", UUID),
  sid: makeId("session", "eu", UUID),
  tnt: makeId("tenant", "eu", UUID),
};
const staff = { sub: makeId("staff", "eu", UUID), sid: member.sid, tnt: null };
const verify = (token: string, keys = RS, atMs = NOW) => verifySessionToken(token, keys, atMs);

const base64url = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const privateKey = createPrivateKey({
  key: Buffer.from(TOKEN_SIGNING_KEYS.eu, "base64"),
  format: "der",
  type: "pkcs8",
});
const header = (keys = RS) => ({ typ: "JWT", kid: keys.signing.kid, alg: keys.signing.algorithm });
const claims = (keys = RS) => ({
  iss: keys.issuer,
  aud: keys.audience,
  ...member,
  iat: NOW_S,
  nbf: NOW_S,
  exp: NOW_S + 3600,
});
/** A token with any header and claims under the cell's own keys: only what is said in it can be wrong. */
function forge(
  head: unknown,
  body: unknown,
  algorithm: "RS256" | "HS256" = "RS256",
  secret = Buffer.from(SECRET, "base64"),
) {
  const text = `${base64url(head)}.${base64url(body)}`;
  const signature =
    algorithm === "RS256"
      ? rsaSign("sha256", Buffer.from(text), privateKey)
      : createHmac("sha256", secret).update(text).digest();
  return `${text}.${signature.toString("base64url")}`;
}

describe("S1-22 a token that this cell signed", () => {
  test.each([
    ["RS256", RS],
    ["HS256", HS],
  ])("%s: says again whose session it is, for a member and for staff", async (_, keys) => {
    const times = { iat: NOW_S, nbf: NOW_S, exp: NOW_S + 86_400 };
    for (const whose of [member, staff]) {
      const token = await signSessionToken(whose, keys, NOW + 999);
      expect(await verify(token, keys)).toEqual({ ...whose, ...times });
      expect(token.length).toBeLessThan(1000);
    }
  });

  test("S1-22 lives 24 hours unless the environment says otherwise, and not a second longer", async () => {
    const token = await signSessionToken(member, RS, NOW);
    expect(await verify(token, RS, NOW + 86_400_000 - 1)).not.toBeNull();
    expect(await verify(token, RS, NOW + 86_400_000)).toBeNull();
    const short = keysOf({ TOKEN_LIFETIME_S: "600" });
    const brief = await signSessionToken(member, short, NOW);
    expect(await verify(brief, short, NOW + 599_999)).not.toBeNull();
    expect(await verify(brief, short, NOW + 600_000)).toBeNull();
    // A life that was cut short holds for tokens of before, too.
    expect(await verify(token, short)).toBeNull();
  });

  test("the test's own forgery of a right token is accepted, so that what follows is refused for what it changes", async () => {
    expect(await verify(forge(header(), claims()))).toMatchObject(member);
    expect(await verify(forge(header(HS), claims(HS), "HS256"), HS)).toMatchObject(member);
  });

  test("is good while its key is being replaced, and no longer when the key is only shown", async () => {
    const token = await signSessionToken(member, RS, NOW);
    const next = { TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS.us };
    const replacing = keysOf({ ...next, TOKEN_SIGNING_KEY_PREVIOUS: TOKEN_SIGNING_KEYS.eu });
    expect(await verify(token, replacing)).toMatchObject(member);
    expect(replacing.published.map(({ kid }) => kid)).toEqual([replacing.signing.kid, RS.signing.kid]);
    const { kty, n, e } = RS.published[0] ?? {};
    const retired = keysOf({ ...next, TOKEN_RETIRED_KEYS: JSON.stringify([{ kty, n, e }]) });
    expect(await verify(token, retired)).toBeNull();
    expect(retired.published).toEqual(replacing.published);
    // From one algorithm to the other.
    const toSecret = keysOf({ ...HS256, TOKEN_SIGNING_KEY_PREVIOUS: TOKEN_SIGNING_KEYS.eu });
    expect(await verify(token, toSecret)).toMatchObject(member);
    expect(toSecret.published.map(({ kid }) => kid)).toEqual([RS.signing.kid]);
  });

  test("is only signed for a person and a session of this cell", () => {
    const wrong = [
      { ...member, sub: makeId("member", "us", UUID) },
      { ...member, tnt: null },
      { ...staff, tnt: member.tnt },
      { ...member, sid: member.sub },
      { ...member, sid: makeId("session", "us", UUID) },
    ];
    for (const whose of wrong) expect(() => signSessionToken(whose, RS, NOW)).toThrow(RangeError);
  });
});

describe("S1-22 a header decides nothing", () => {
  const publicPem = createPublicKey(privateKey).export({ type: "spki", format: "pem" }) as string;
  const publicDer = createPublicKey(privateKey).export({ type: "spki", format: "der" });

  test.each([
    ["as PEM", Buffer.from(publicPem)],
    ["as PEM without its last line break", Buffer.from(publicPem.trimEnd())],
    ["as DER", publicDer],
    ["as the modulus", Buffer.from(RS.published[0]?.n ?? "", "base64url")],
  ])("algorithm confusion: the public key %s as secret of HS256", async (_, secret) => {
    for (const alg of ["HS256", "RS256"]) {
      expect(await verify(forge({ ...header(), alg }, claims(), "HS256", secret))).toBeNull();
    }
  });

  test.each([
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "RS384",
    "RS512",
    "PS256",
    "HS384",
    "ES256",
    "EdDSA",
    null,
    5,
    ["RS256"],
  ])("alg %j, with the right signature, with none, or with an empty one", async (alg) => {
    const token = forge({ ...header(), alg }, claims());
    const unsigned = token.slice(0, token.lastIndexOf("."));
    for (const text of [token, unsigned, `${unsigned}.`]) expect(await verify(text)).toBeNull();
  });

  test("alg RS256 for the secret of a cell that signs with HS256, and the reverse", async () => {
    expect(await verify(forge({ ...header(HS), alg: "RS256" }, claims(HS), "HS256"), HS)).toBeNull();
    expect(await verify(forge({ ...header(HS), alg: "RS256" }, claims(HS)), HS)).toBeNull();
    expect(await verify(forge({ ...header(), alg: "HS256" }, claims(), "HS256"), RS)).toBeNull();
  });

  test.each([
    "../../../../dev/null",
    "/etc/passwd",
    "' OR 1=1 --",
    "x' UNION SELECT 'secret' --",
    "https://evil.test/jwks.json",
    "__proto__",
    "constructor",
    "toString",
    "",
    null,
    0,
    true,
    {},
    [RS.signing.kid],
    `${RS.signing.kid} `,
    RS.signing.kid.toLowerCase(),
    HS.signing.kid,
  ])("kid %j names no key, whatever the token is signed with", async (kid) => {
    const empty = [Buffer.alloc(0), Buffer.from("secret")];
    for (const secret of empty) {
      expect(await verify(forge({ ...header(), kid, alg: "HS256" }, claims(), "HS256", secret))).toBeNull();
    }
    expect(await verify(forge({ ...header(), kid }, claims()))).toBeNull();
  });

  test.each([
    ["an unknown crit", { crit: ["exp"] }],
    ["an empty crit", { crit: [] }],
    ["a key of its own", { jwk: RS.published[0] }],
    ["the address of a key", { jku: "https://evil.test/jwks.json" }],
    ["certificates", { x5c: ["MII="] }],
    ["the address of certificates", { x5u: "https://evil.test" }],
    ["unencoded claims", { b64: false, crit: ["b64"] }],
    ["compression", { zip: "DEF" }],
    ["another content type", { cty: "JWT" }],
    ["another type", { typ: "at+jwt" }],
    ["a type in another case", { typ: "jwt" }],
  ])("%s in the header", async (_, more) => {
    expect(await verify(forge({ ...header(), ...more }, claims()))).toBeNull();
  });

  test("no type, no kid, no alg", async () => {
    for (const name of ["typ", "kid", "alg"]) {
      const head = Object.fromEntries(Object.entries(header()).filter(([key]) => key !== name));
      expect(await verify(forge(head, claims()))).toBeNull();
    }
  });
});

describe("S1-22 S1-23 claims that do not hold", () => {
  test.each<[string, Record<string, unknown>]>([
    ["no exp", { exp: undefined }],
    ["exp null", { exp: null }],
    ["exp zero", { exp: 0 }],
    ["exp as text", { exp: String(NOW_S + 3600) }],
    ["exp huge", { exp: Number.MAX_SAFE_INTEGER }],
    ["exp a second longer than the configured life", { exp: NOW_S + 86_401 }],
    ["exp of a whole century", { exp: NOW_S + 3_153_600_000 }],
    ["exp with a fraction", { exp: NOW_S + 0.5 }],
    ["exp negative", { exp: -1 }],
    ["exp this second", { exp: NOW_S }],
    ["exp in milliseconds", { exp: NOW + 3_600_000 }],
    ["exp in a list", { exp: [NOW_S + 3600] }],
    ["exp before nbf", { exp: NOW_S + 10, nbf: NOW_S + 20 }],
    ["no iat", { iat: undefined }],
    ["iat zero, so that no life is too long", { iat: 0 }],
    ["iat as text", { iat: String(NOW_S) }],
    ["iat more than a minute ahead", { iat: NOW_S + 61, nbf: NOW_S }],
    ["iat in milliseconds", { iat: NOW }],
    ["nbf more than a minute ahead", { nbf: NOW_S + 61 }],
    ["no nbf", { nbf: undefined }],
    ["nbf as text", { nbf: String(NOW_S) }],
    ["the audience of another environment", { aud: "https://staging.api.test" }],
    ["the audience with a slash more", { aud: `${AUDIENCE}/` }],
    ["the audience in a list", { aud: [AUDIENCE] }],
    ["the audience among others", { aud: [AUDIENCE, "https://staging.api.test"] }],
    ["no audience", { aud: undefined }],
    ["the issuer of the other cell", { iss: "log.test/us" }],
    ["an issuer that ends like this one", { iss: "https://evil.test/log.test/eu" }],
    ["no issuer", { iss: undefined }],
    ["a member of no tenant", { tnt: null }],
    ["a tenant of the other cell", { tnt: makeId("tenant", "us", UUID) }],
    ["a domain as tenant", { tnt: makeId("domain", "eu", UUID) }],
    ["no tenant claim", { tnt: undefined }],
    ["an API key as person", { sub: makeId("apiKey", "eu", UUID) }],
    ["one of the operator's people in a tenant", { sub: staff.sub }],
    ["no session", { sid: undefined }],
    ["something else as session", { sid: member.tnt }],
    ["a claim more", { admin: true }],
    ["a role that nobody gave", { role: "owner" }],
  ])("%s", async (_, change) => {
    expect(await verify(forge(header(), { ...claims(), ...change }))).toBeNull();
  });

  test("a clock that is a minute ahead is borne, at both claims", async () => {
    const skewS = LIMITS.tokenSkewMs / 1000;
    const ahead = { ...claims(), iat: NOW_S + skewS, nbf: NOW_S + skewS };
    expect(await verify(forge(header(), ahead))).toMatchObject(member);
  });

  test("S1-23 a token of staging is nobody's in production, though it has the same keys", async () => {
    const staging = keysOf({ TOKEN_AUDIENCE: "https://staging.api.test" });
    const token = await signSessionToken(member, staging, NOW);
    expect(await verify(token, staging)).not.toBeNull();
    expect(await verify(token, RS)).toBeNull();
  });

  test("an EU token is nobody's at the US cell, even under the same key", async () => {
    const us = keysOf({ TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS.eu }, "us");
    expect(await verify(await signSessionToken(member, RS, NOW), us)).toBeNull();
  });
});

describe("S1-22 a token has one spelling", () => {
  test("every other text of it is refused", async () => {
    const token = await signSessionToken(member, RS, NOW);
    const [head = "", body = "", signature = ""] = token.split(".");
    const doubled = `{"typ":"JWT","kid":"${RS.signing.kid}","alg":"none","alg":"RS256"}`;
    const twice = `${JSON.stringify(claims()).slice(0, -1)},"sub":"${staff.sub}"}`;
    const standard = (text: string) => Buffer.from(text, "base64url").toString("base64");
    const texts = [
      "",
      ".",
      "..",
      "...",
      `${token}.`,
      `${token}.${signature}`,
      `.${token}`,
      `${head}.${body}`,
      `${head}.${body}.`,
      `${head}..${signature}`,
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      `${head}.${body}.${standard(signature)}`,
      `${standard(head)}.${standard(body)}.${signature}`,
      forge(doubled, claims()),
      forge(header(), twice),
      forge(`${JSON.stringify(header())} trailing`, claims()),
      forge(`\ufeff${JSON.stringify(header())}`, claims()),
      forge([header()], claims()),
      forge(header(), [claims()]),
      forge(header(), "null"),
      forge(header(), { ...claims(), tnt: { deep: { deeper: { deepest: { bottom: 1 } } } } }),
      forge({ ...header(), kid: "x".repeat(LIMITS.tokenChars) }, claims()),
    ];
    for (const text of texts) expect(await verify(text), text.slice(0, 60)).toBeNull();
    // The last character of a segment has bits that decode to nothing.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const spare = alphabet.split("").map((last) => `${token.slice(0, -1)}${last}`);
    const good = await Promise.all(spare.map((text) => verify(text)));
    expect(good.filter(Boolean)).toHaveLength(1);
  });

  test("any flipped bit of any character is seen", async () => {
    const token = await signSessionToken(member, HS, NOW);
    for (let at = 0; at < token.length; at++) {
      const flipped = `${token.slice(0, at)}${String.fromCharCode(token.charCodeAt(at) ^ 1)}${token.slice(at + 1)}`;
      expect(await verify(flipped, HS), String(at)).toBeNull();
    }
  });

  test("another cell's or anybody's key", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const text = `${base64url(header())}.${base64url(claims())}`;
    const signature = rsaSign("sha256", Buffer.from(text), other).toString("base64url");
    expect(await verify(`${text}.${signature}`)).toBeNull();
  });
});

describe("keys of tokens", () => {
  const pkcs8 = (bits: number, publicExponent = 0x10001) =>
    generateKeyPairSync("rsa", { modulusLength: bits, publicExponent })
      .privateKey.export({ format: "der", type: "pkcs8" })
      .toString("base64");
  const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "der", type: "pkcs8" });

  test.each<[string, Partial<TokenSettings>, RegExp]>([
    ["no key", { TOKEN_SIGNING_KEY: "" }, /TOKEN_SIGNING_KEY/],
    ["no base64", { TOKEN_SIGNING_KEY: "?" }, /TOKEN_SIGNING_KEY must be base64/],
    ["31 bytes", { ...HS256, TOKEN_SIGNING_KEY: Buffer.alloc(31, 1).toString("base64") }, /32 bytes at least/],
    ["a secret for RS256", { TOKEN_SIGNING_KEY: SECRET }, /TOKEN_SIGNING_KEY must be a key for RS256/],
    ["an RSA key for HS256", { TOKEN_ALGORITHM: "HS256" }, /TOKEN_SIGNING_KEY must be a key for HS256/],
    ["1024 bits", { TOKEN_SIGNING_KEY: pkcs8(1024) }, /2048 bits/],
    ["the exponent 3", { TOKEN_SIGNING_KEY: pkcs8(2048, 3) }, /exponent/],
    ["Ed25519", { TOKEN_SIGNING_KEY: ed25519.toString("base64") }, /TOKEN_SIGNING_KEY/],
    ["P-256", { TOKEN_SIGNING_KEY: ec.toString("base64") }, /must be an RSA key/],
    ["zeros", { TOKEN_SIGNING_KEY: Buffer.alloc(1218).toString("base64") }, /must be an RSA key/],
    ["a malformed previous key", { TOKEN_SIGNING_KEY_PREVIOUS: "AAAA" }, /TOKEN_SIGNING_KEY_PREVIOUS/],
    ["the same key twice", { TOKEN_SIGNING_KEY_PREVIOUS: TOKEN_SIGNING_KEYS.eu }, /once/],
    [
      "a retired key that still signs",
      { TOKEN_RETIRED_KEYS: JSON.stringify(RS.published.map(({ kty, n, e }) => ({ kty, n, e }))) },
      /once/,
    ],
    ["retired keys that are no list", { TOKEN_RETIRED_KEYS: "{}" }, /TOKEN_RETIRED_KEYS/],
    [
      "a retired private key",
      { TOKEN_RETIRED_KEYS: JSON.stringify([privateKey.export({ format: "jwk" })]) },
      /nothing else/,
    ],
    ["an unknown algorithm", { TOKEN_ALGORITHM: "none" }, /TOKEN_ALGORITHM/],
    ["no audience", { TOKEN_AUDIENCE: "" }, /TOKEN_AUDIENCE/],
    ["an audience with a space", { TOKEN_AUDIENCE: "my api" }, /TOKEN_AUDIENCE/],
    ["a life of text", { TOKEN_LIFETIME_S: "a day" }, /TOKEN_LIFETIME_S/],
    ["a life of a fraction", { TOKEN_LIFETIME_S: "90.5" }, /TOKEN_LIFETIME_S/],
    ["a life of nothing", { TOKEN_LIFETIME_S: "0" }, /TOKEN_LIFETIME_S/],
    ["a life of a year", { TOKEN_LIFETIME_S: "31536000" }, /TOKEN_LIFETIME_S/],
  ])("%s: refused, and the value is not repeated", (_, settings, why) => {
    expect(() => keysOf(settings)).toThrow(why);
    const values = Object.values(settings).filter((value) => value.length > 40);
    try {
      keysOf(settings);
    } catch (error) {
      for (const value of values) expect(String(error)).not.toContain(value);
    }
  });

  test("a shared secret is shown to nobody, and its name tells nothing of it", () => {
    expect(HS.published).toEqual([]);
    expect(HS.signing.kid).toMatch(/^[\w-]{22}$/);
    expect(keysOf({ ...HS256, TOKEN_SIGNING_KEY: Buffer.alloc(32, 10).toString("base64") }).signing.kid).not.toBe(
      HS.signing.kid,
    );
  });

  test("what is shown is public, and named by its thumbprint (RFC 7638 §3.1)", () => {
    expect(Object.keys(RS.published[0] ?? {}).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    // The example of RFC 7638 §3.1.
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const { published } = keysOf({ TOKEN_RETIRED_KEYS: JSON.stringify([{ kty: "RSA", n, e: "AQAB" }]) });
    expect(published[1]?.kid).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });
});
