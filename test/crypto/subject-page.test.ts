import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  openSubjectPage,
  type PagePlace,
  SUBJECTS_PER_PAGE,
  type SubjectKey,
  sealSubjectPage,
  subjectPageKeyVersion,
} from "../../src/crypto/subject-page.ts";

const tenantKey = new Uint8Array(32).fill(5);
const place: PagePlace = { tenantId: "tnt_eu_1", scope: "dom_eu_1", page: 0 };
const keyOf = (n: number): SubjectKey => ({
  pseudonym: n.toString(16).padStart(64, "0"),
  epoch: 1 + (n % 3),
  key: new Uint8Array(32).fill(n),
});
const keysOf = (count: number) => Array.from({ length: count }, (_, n) => keyOf(n));

const subject = fc.record({
  pseudonym: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  epoch: fc.integer({ min: 1, max: 65_535 }),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const anyPlace = fc.record({
  tenantId: fc.string({ maxLength: 30 }),
  scope: fc.string({ maxLength: 30 }),
  page: fc.nat({ max: 99_999_999 }),
});

describe("a page of subject keys", () => {
  test("opens to the keys that were sealed, in their order, at any place, under any version", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(subject, { maxLength: 20, selector: ({ pseudonym }) => pseudonym }),
        anyPlace,
        fc.integer({ min: 1, max: 65_535 }),
        (keys, place, version) => {
          const page = sealSubjectPage(keys, place, tenantKey, version);
          expect(page.length).toBe(3 + 12 + 66 * keys.length + 16);
          expect(subjectPageKeyVersion(page)).toBe(version);
          expect(openSubjectPage(page, place, tenantKey)).toEqual(keys);
        },
      ),
    );
  });

  test("holds from none to 1,024 keys, and no more", () => {
    expect(SUBJECTS_PER_PAGE).toBe(1024);
    for (const count of [0, 1, 1023, 1024]) {
      expect(openSubjectPage(sealSubjectPage(keysOf(count), place, tenantKey, 1), place, tenantKey)).toEqual(
        keysOf(count),
      );
    }
    expect(() => sealSubjectPage(keysOf(1025), place, tenantKey, 1)).toThrow(RangeError);
  });

  test("written again without somebody holds everybody else and nothing of them", () => {
    fc.assert(
      fc.property(fc.uniqueArray(subject, { minLength: 1, maxLength: 12, selector: (s) => s.pseudonym }), (keys) => {
        const opened = openSubjectPage(sealSubjectPage(keys, place, tenantKey, 1), place, tenantKey) ?? [];
        const rest = opened.slice(1);
        expect(openSubjectPage(sealSubjectPage(rest, place, tenantKey, 1), place, tenantKey)).toEqual(keys.slice(1));
      }),
    );
  });

  test("is sealed anew each time, under a nonce of its own", () => {
    const pages = Array.from({ length: 500 }, () => sealSubjectPage(keysOf(1), place, tenantKey, 1));
    expect(new Set(pages.map((page) => Buffer.from(page.subarray(3, 15)).toString("hex"))).size).toBe(500);
  });

  test("gives keys of their own: changing one changes no other", () => {
    const opened = openSubjectPage(sealSubjectPage(keysOf(2), place, tenantKey, 1), place, tenantKey) ?? [];
    opened[0]?.key.fill(0xff);
    expect(opened[1]).toEqual(keyOf(1));
    expect(opened[0]?.key.buffer.byteLength).toBe(32);
  });
});

describe("a page never opens", () => {
  const page = sealSubjectPage(keysOf(3), place, tenantKey, 7);
  const opens = (bytes: Uint8Array, at: Partial<PagePlace> = {}, key = tenantKey) =>
    openSubjectPage(bytes, { ...place, ...at }, key) !== null;

  test("with any bit flipped", () => {
    expect(opens(page)).toBe(true);
    for (let at = 0; at < page.length; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        expect(opens(page.with(at, (page[at] as number) ^ bit)), `byte ${at}, bit ${bit}`).toBe(false);
      }
    }
  });

  test("cut short or made longer, and arbitrary bytes throw nothing", () => {
    for (let length = 0; length < page.length; length++) expect(opens(page.subarray(0, length))).toBe(false);
    expect(opens(Uint8Array.of(...page, 0))).toBe(false);
    expect(opens(Uint8Array.of(...page, ...new Uint8Array(66)))).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 31 + 66 * 2 }), (bytes) => {
        expect(opens(bytes)).toBe(false);
      }),
    );
  });

  test.each<[string, Partial<PagePlace>]>([
    ["another tenant", { tenantId: "tnt_eu_2" }],
    ["another domain", { scope: "dom_eu_2" }],
    ["another number", { page: 1 }],
    ["a tenant and a domain cut elsewhere", { tenantId: "tnt_eu_1d", scope: "om_eu_1" }],
    ["a domain and a number cut elsewhere", { scope: "dom_eu_", page: 10 }],
  ])("at the place of %s", (_, at) => expect(opens(page, at)).toBe(false));

  test("under another tenant key", () => {
    expect(opens(page, {}, new Uint8Array(32).fill(6))).toBe(false);
  });
});

describe("a page is not made", () => {
  const make =
    (keys: SubjectKey[], at = place, key = tenantKey, version = 1) =>
    () =>
      sealSubjectPage(keys, at, key, version);

  test.each<[string, Partial<SubjectKey>]>([
    ["a key of 31 bytes", { key: new Uint8Array(31) }],
    ["a key of 33 bytes", { key: new Uint8Array(33) }],
    ["a pseudonym in capitals", { pseudonym: "AB".repeat(32) }],
    ["a pseudonym that is cut", { pseudonym: "ab".repeat(31) }],
    ["epoch 0", { epoch: 0 }],
    ["epoch 65536", { epoch: 65_536 }],
    ["epoch 1.5", { epoch: 1.5 }],
  ])("with %s", (_, change) => expect(make([{ ...keyOf(1), ...change }])).toThrow(RangeError));

  test("that names somebody twice", () => {
    expect(make([keyOf(1), keyOf(2), { ...keyOf(1), key: new Uint8Array(32) }])).toThrow(RangeError);
  });

  test.each([0, -1, 65_536, 1.5, Number.NaN])("under version %d of the tenant's key", (version) => {
    expect(make([], place, tenantKey, version)).toThrow(RangeError);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])("with the number %d", (page) => {
    expect(make([], { ...place, page })).toThrow(RangeError);
  });

  test.each([0, 31, 33])("under a tenant key of %d bytes", (byteLength) => {
    expect(make([], place, new Uint8Array(byteLength))).toThrow(RangeError);
  });
});

test("what is no page has no version", () => {
  const page = sealSubjectPage([], place, tenantKey, 258);
  expect(subjectPageKeyVersion(page)).toBe(258);
  for (const bytes of [
    new Uint8Array(),
    page.with(0, 2),
    page.with(0, 0),
    page.with(1, 0).with(2, 0),
    page.slice(1),
    Uint8Array.of(...page, 0),
    Uint8Array.of(...page, ...new Uint8Array(66 * 1025)),
  ]) {
    expect(subjectPageKeyVersion(bytes)).toBeNull();
  }
});
