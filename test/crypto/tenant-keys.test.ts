import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { deriveDomainKeys, subjectPseudonym } from "../../src/crypto/tenant-keys.ts";
import vector from "../vectors/keys.json" with { type: "json" };

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const pepper = new Uint8Array(32).fill(1);
const root = new Uint8Array(32).fill(2);
const DOMAINS = ["dom_eu_00000000000000000000000001", "dom_eu_00000000000000000000000002"] as const;

test.each([0, 31, 33, 64])("S4-29 a pepper or a root of %d bytes is refused", (length) => {
  const wrong = new Uint8Array(length);
  expect(() => deriveDomainKeys(wrong, root, DOMAINS[0])).toThrow(RangeError);
  expect(() => deriveDomainKeys(pepper, wrong, DOMAINS[0])).toThrow(RangeError);
  expect(() => subjectPseudonym(wrong, "usr_42")).toThrow(RangeError);
});

test("S4-25 one subject of one domain has one pseudonym, in any process and after the cache was full", () => {
  const keys = deriveDomainKeys(pepper, root, DOMAINS[0]);
  const first = keys.pseudonymOf("usr_42");
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  for (let i = 0; i < 5000; i++) keys.pseudonymOf(`usr_${i}x`);
  expect(keys.pseudonymOf("usr_42")).toBe(first);
  expect(deriveDomainKeys(pepper.slice(), root.slice(), DOMAINS[0]).pseudonymOf("usr_42")).toBe(first);
});

test("S4-26 one subject has different pseudonyms in two domains, under two tenants and in two cells", () => {
  const refs = [
    deriveDomainKeys(pepper, root, DOMAINS[0]),
    deriveDomainKeys(pepper, root, DOMAINS[1]),
    deriveDomainKeys(pepper, pepper, DOMAINS[0]),
    deriveDomainKeys(root, root, DOMAINS[0]),
  ].map((keys) => keys.pseudonymOf("usr_42"));
  expect(new Set(refs).size).toBe(4);
});

test("S0-31 two domains have different genesis values", () => {
  const genesis = DOMAINS.map((domain) => toHex(deriveDomainKeys(pepper, root, domain).genesis));
  expect(genesis[0]).not.toBe(genesis[1]);
});

test("different identities have different pseudonyms, also when only case or Unicode form differs", () => {
  const keys = deriveDomainKeys(pepper, root, DOMAINS[0]);
  const ids = ["usr_42", "USR_42", "usr_42 ", "\u00e9", "e\u0301", ""];
  expect(new Set(ids.map(keys.pseudonymOf)).size).toBe(ids.length);
});

describe("P2 keys of different purposes", () => {
  test("are pairwise different, for any secrets", () => {
    fc.assert(
      fc.property(bytes32, bytes32, (a, b) => {
        const keys = deriveDomainKeys(a, b, vector.domain);
        const derived = [
          toHex(keys.genesis),
          keys.pseudonymOf(""),
          toHex(keys.digest16("key", "")),
          toHex(keys.digest16("body", "")),
          toHex(keys.digest16("key", "body\n")),
        ];
        expect(new Set(derived.map((hex) => hex.slice(0, 32))).size).toBe(derived.length);
      }),
      { numRuns: 100 },
    );
  });

  test("need both secrets: salt and key material are not interchangeable", () => {
    const one = deriveDomainKeys(pepper, root, DOMAINS[0]).pseudonymOf("x");
    expect(deriveDomainKeys(root, pepper, DOMAINS[0]).pseudonymOf("x")).not.toBe(one);
  });

  test("a digest has 16 bytes and depends on label, text and domain", () => {
    const [a, b] = DOMAINS.map((domain) => deriveDomainKeys(pepper, root, domain));
    const digests = [a?.digest16("l", "t"), a?.digest16("l", "u"), a?.digest16("m", "t"), b?.digest16("l", "t")];
    for (const digest of digests) expect(digest).toHaveLength(16);
    expect(new Set(digests.map((digest) => toHex(digest as Uint8Array))).size).toBe(4);
  });
});
