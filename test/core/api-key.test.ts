import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  API_KEY_PATTERN,
  formatApiKey,
  formatOperatorSecret,
  OPERATOR_SECRET_PATTERN,
  parseApiKey,
  parseOperatorSecret,
} from "../../src/core/api-key.ts";
import { JURISDICTIONS } from "../../src/core/ids.ts";
import vector from "../vectors/api-key.json" with { type: "json" };

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const jurisdiction = fc.constantFrom(...JURISDICTIONS);

const fromBase62 = (text: string) => [...text].reduce((value, c) => value * 62n + BigInt(BASE62.indexOf(c)), 0n);

test("S2-15 a key carries jurisdiction, key id and all 256 bits of its secret", () => {
  fc.assert(
    fc.property(jurisdiction, secretBytes, (j, secret) => {
      const key = formatApiKey(j, vector.key_suffix, secret);
      const parsed = parseApiKey(key);
      expect(parsed).toMatchObject({ jurisdiction: j, keySuffix: vector.key_suffix });
      expect(fromBase62(parsed?.secret ?? "")).toBe(BigInt(`0x${Buffer.from(secret).toString("hex")}`));
      expect(key).toMatch(API_KEY_PATTERN);
      const operator = formatOperatorSecret(j, secret);
      expect(parseOperatorSecret(operator)).toEqual({ jurisdiction: j });
      expect(operator).toMatch(OPERATOR_SECRET_PATTERN);
    }),
    { numRuns: 200 },
  );
});

test("S2-15 the checksum is CRC-32 of everything before it, by node:zlib", () => {
  for (const text of [vector.api_key, vector.operator_secret]) {
    expect(fromBase62(text.slice(-6))).toBe(BigInt(crc32(text.slice(0, -6))));
  }
});

test("S2-15 a key with any one character changed, left out or doubled is refused by its checksum", () => {
  for (const [text, parse] of [
    [vector.api_key, parseApiKey],
    [vector.operator_secret, parseOperatorSecret],
  ] as const) {
    expect(parse(text)).not.toBeNull();
    for (let at = 0; at < text.length; at++) {
      for (const c of [...BASE62, "_", "-", "é", "", (text[at] as string).repeat(2)]) {
        if (c !== text[at]) expect(parse(text.slice(0, at) + c + text.slice(at + 1))).toBeNull();
      }
    }
  }
});

test("a transposed pair of characters is refused", () => {
  const key = vector.api_key;
  for (let at = 0; at + 1 < key.length; at++) {
    const swapped = key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2);
    if (swapped !== key) expect(parseApiKey(swapped)).toBeNull();
  }
});

test.each(["", "\n", " ", "Bearer "])("white space and words around a key are not part of it (%j)", (extra) => {
  expect(parseApiKey(`${vector.api_key}${extra}`) === null).toBe(extra !== "");
  expect(parseApiKey(`${extra}${vector.api_key}`) === null).toBe(extra !== "");
});

test("S0-23 a key of one cell cannot be relabelled for the other without a new checksum", () => {
  expect(parseApiKey(vector.api_key.replace("msk_eu_", "msk_us_"))).toBeNull();
  expect(parseOperatorSecret(vector.operator_secret.replace("mso_us_", "mso_eu_"))).toBeNull();
});

test("a key is no operator secret and an operator secret is no key", () => {
  expect(parseOperatorSecret(vector.api_key)).toBeNull();
  expect(parseApiKey(vector.operator_secret)).toBeNull();
});

test("a secret of any other length than 32 bytes throws", () => {
  for (const length of [0, 31, 33]) {
    expect(() => formatApiKey("eu", vector.key_suffix, new Uint8Array(length))).toThrow(RangeError);
    expect(() => formatOperatorSecret("eu", new Uint8Array(length))).toThrow(RangeError);
  }
});
