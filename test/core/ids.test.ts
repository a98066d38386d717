import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ID_KINDS,
  type IdKind,
  idPattern,
  idSuffix,
  JURISDICTIONS,
  makeId,
  parseId,
  platformDomainId,
  platformTenantId,
} from "../../src/core/ids.ts";
import { uuid } from "./arbitraries.ts";

const kind = fc.constantFrom(...(Object.keys(ID_KINDS) as IdKind[]));
const jurisdiction = fc.constantFrom(...JURISDICTIONS);

/** TypeID's base32 (Crockford, lower case) of the 128 bits, by arithmetic. */
function base32(text: string): string {
  let value = BigInt(`0x${text.replaceAll("-", "")}`);
  let out = "";
  for (let i = 0; i < 26; i++) {
    out = "0123456789abcdefghjkmnpqrstvwxyz"[Number(value % 32n)] + out;
    value /= 32n;
  }
  return out;
}

test("S0-22 every id says its kind and its jurisdiction, and no two UUIDs give one id", () => {
  fc.assert(
    fc.property(kind, jurisdiction, uuid, (k, j, id) => {
      const made = makeId(k, j, id);
      expect(made).toBe(`${ID_KINDS[k]}_${j}_${base32(id)}`);
      expect(parseId(made)).toEqual({ kind: k, jurisdiction: j });
      expect(idPattern(k).test(made)).toBe(true);
      expect(idSuffix(made)).toBe(base32(id));
    }),
    { numRuns: 300 },
  );
});

test("S0-23 an id with any one character changed is another id of the same form or no id", () => {
  fc.assert(
    fc.property(kind, jurisdiction, uuid, fc.nat(), fc.string({ maxLength: 1 }), (k, j, id, place, piece) => {
      const made = makeId(k, j, id);
      const at = place % made.length;
      const other = made.slice(0, at) + piece + made.slice(at + 1);
      const parsed = parseId(other);
      if (!parsed) return;
      expect(other.length).toBe(made.length);
      expect(other.startsWith(`${ID_KINDS[parsed.kind]}_${parsed.jurisdiction}_`)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test.each([
  "",
  "dom_eu_",
  "DOM_eu_01jegc8qvyfgx9tmvc3w70yjrh",
  "dom_EU_01jegc8qvyfgx9tmvc3w70yjrh",
  "dom_eu_01JEGC8QVYFGX9TMVC3W70YJRH",
  "dom_eu_81jegc8qvyfgx9tmvc3w70yjrh",
  "dom_eu_01jegc8qvyfgx9tmvc3w70yjri",
  "dom_eu_01jegc8qvyfgx9tmvc3w70yjr",
  "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh0",
  "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh\n",
  " dom_eu_01jegc8qvyfgx9tmvc3w70yjrh",
  "dom_de_01jegc8qvyfgx9tmvc3w70yjrh",
  "org_eu_01jegc8qvyfgx9tmvc3w70yjrh",
  "dom-eu-01jegc8qvyfgx9tmvc3w70yjrh",
  "dom_eu_../../../../../../../../..",
])("an untrusted id has one spelling: %j is refused", (text) => {
  expect(parseId(text)).toBeNull();
});

test.each(["", "0193a0c45f7e7c3a9d536c1f0e0f4b11", "zz93a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11"])(
  "makeId throws on what is not a UUID (%j) instead of making an id of something else",
  (text) => {
    expect(() => makeId("domain", "eu", text)).toThrow(RangeError);
  },
);

test("decision 12: each cell has its own reserved platform tenant and domain", () => {
  for (const j of JURISDICTIONS) {
    expect(platformTenantId(j)).toBe(`tnt_${j}_${"0".repeat(26)}`);
    expect(parseId(platformDomainId(j))).toEqual({ kind: "domain", jurisdiction: j });
  }
});
