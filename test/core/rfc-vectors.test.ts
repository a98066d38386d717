/** Published vectors, titled by their section. They pin our own HMAC, HKDF and JCS to the documents they implement. */
import { expect, test } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { hkdfSha256, hmacSha256 } from "../../src/core/sha256.ts";
import { sha256 } from "../../src/crypto/sha256.ts";

const repeated = (byte: number, count: number) => new Uint8Array(count).fill(byte);
const counting = (from: number, count: number) => Uint8Array.from({ length: count }, (_, i) => from + i);

const HMAC: [string, Uint8Array, Uint8Array, string][] = [
  ["§4.2", repeated(0x0b, 20), utf8("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
  [
    "§4.3",
    utf8("Jefe"),
    utf8("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  ["§4.4", repeated(0xaa, 20), repeated(0xdd, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
  ["§4.5", counting(1, 25), repeated(0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
  [
    "§4.7 (key longer than a block)",
    repeated(0xaa, 131),
    utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    "§4.8 (key and data longer than a block)",
    repeated(0xaa, 131),
    utf8(
      "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
    ),
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  ],
];

test.each(HMAC)("RFC 4231 %s HMAC-SHA-256", (_section, key, message, mac) => {
  expect(toHex(hmacSha256(sha256, key, message))).toBe(mac);
  expect(toHex(hmacSha256(sha256, key, message.slice(0, 5), message.slice(5)))).toBe(mac);
});

// The first 32 bytes of each OKM: our HKDF gives exactly one block.
const HKDF: [string, Uint8Array, Uint8Array, Uint8Array, string][] = [
  [
    "A.1",
    counting(0, 13),
    repeated(0x0b, 22),
    counting(0xf0, 10),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
  ],
  [
    "A.2",
    counting(0x60, 80),
    counting(0, 80),
    counting(0xb0, 80),
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
  ],
  [
    "A.3 (no salt, no info)",
    new Uint8Array(),
    repeated(0x0b, 22),
    new Uint8Array(),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
  ],
];

test.each(HKDF)("RFC 5869 appendix %s HKDF-SHA-256", (_section, salt, ikm, info, okm) => {
  expect(toHex(hkdfSha256(sha256, salt, ikm, info))).toBe(okm);
});

test("RFC 8785 §3.2.2 serialization of numbers, strings and literals", () => {
  const input = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  const wanted = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
  expect(canonicalJson(JSON.parse(input))).toBe(wanted);
});

test("RFC 8785 §3.2.3 keys are sorted by UTF-16 code units", () => {
  const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
  const canonical = canonicalJson(Object.fromEntries(keys.map((name) => [name, 0])));
  const wanted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
  expect(canonical).toBe(`{${wanted.map((name) => `${JSON.stringify(name)}:0`).join(",")}}`);
});

const NUMBERS: [string, string][] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

test.each(NUMBERS)("RFC 8785 appendix B: the double %s is written %s", (bits, wanted) => {
  expect(canonicalJson([Buffer.from(bits, "hex").readDoubleBE()])).toBe(`[${wanted}]`);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, "\ud800", { "\udc00": 1 }])(
  "RFC 8785 §3.2.2: what I-JSON cannot say has no canonical text (%j)",
  (value) => {
    expect(() => canonicalJson([value] as never)).toThrow();
  },
);
