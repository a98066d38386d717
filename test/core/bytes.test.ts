import fc from "fast-check";
import { expect, test } from "vitest";
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  lengthPrefixed,
  toBase64,
  toHex,
  utf8,
} from "../../src/core/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

test("hex and base64 give back the bytes and agree with node's own", () => {
  fc.assert(
    fc.property(bytes, (value) => {
      expect(toHex(value)).toBe(Buffer.from(value).toString("hex"));
      expect(toBase64(value)).toBe(Buffer.from(value).toString("base64"));
      expect(fromHex(toHex(value))).toEqual(value);
      expect(fromBase64(toBase64(value))).toEqual(value);
    }),
  );
});

test.each(["0", "0G", "AB", "0x", " 00", "00 ", "00\n", "é0"])("hex has one spelling: %j is refused", (text) => {
  expect(fromHex(text)).toBeNull();
});

test.each(["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q-==", "QUI-", "QQ==QQ==", "é", "\u2014"])(
  "base64 has one spelling: %j is refused",
  (text) => {
    expect(fromBase64(text)).toBeNull();
  },
);

test("length-prefixed lists that differ give bytes that differ", () => {
  const list = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      const same = a.length === b.length && a.every((part, i) => part === b[i]);
      expect(equalBytes(lengthPrefixed(...a), lengthPrefixed(...b))).toBe(same);
    }),
    { numRuns: 300 },
  );
  expect(lengthPrefixed("ab", "c")).not.toEqual(lengthPrefixed("a", "bc"));
  expect(toHex(lengthPrefixed("é", Uint8Array.of(1)))).toBe("00000002c3a90000000101");
});

test("bytes are joined in order and compared whole", () => {
  expect(concatBytes(utf8("a"), new Uint8Array(), utf8("bc"))).toEqual(utf8("abc"));
  expect(equalBytes(utf8("ab"), utf8("abc"))).toBe(false);
  expect(equalBytes(utf8("abd"), utf8("abc"))).toBe(false);
});
