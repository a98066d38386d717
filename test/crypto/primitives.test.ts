import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { hmacSha256 } from "../../src/core/sha256.ts";
import { apiKeyMac } from "../../src/crypto/api-key-mac.ts";
import { equalSecrets } from "../../src/crypto/compare.ts";
import { sha256 } from "../../src/crypto/sha256.ts";

const part = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.string({ unit: "binary", maxLength: 40 }));

test("SHA-256 takes its parts as one message; a string stands for its UTF-8 bytes", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const whole = Buffer.concat(parts.map((piece) => Buffer.from(piece as string)));
      expect(toHex(sha256(...parts))).toBe(createHash("sha256").update(whole).digest("hex"));
    }),
    { numRuns: 200 },
  );
});

test("HMAC-SHA-256 agrees with node:crypto for keys below, at and above a block", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.array(part, { maxLength: 3 }), (key, parts) => {
      const whole = Buffer.concat(parts.map((piece) => Buffer.from(piece as string)));
      expect(toHex(hmacSha256(sha256, key, ...parts))).toBe(createHmac("sha256", key).update(whole).digest("hex"));
    }),
    { numRuns: 200 },
  );
});

test("secrets are equal exactly when their bytes are, whatever their lengths", () => {
  fc.assert(
    fc.property(part, part, (a, b) => {
      expect(equalSecrets(a, b)).toBe(Buffer.from(a as string).equals(Buffer.from(b as string)));
      expect(equalSecrets(a, typeof a === "string" ? a : a.slice())).toBe(true);
    }),
    { numRuns: 200 },
  );
  expect(equalSecrets("secret", "secres")).toBe(false);
});

test("S2-15 a stored MAC moved to another key's row, or under another pepper, matches nothing", () => {
  const pepper = new Uint8Array(32).fill(1);
  const macs = [
    apiKeyMac(pepper, "key_eu_a", "secret"),
    apiKeyMac(pepper, "key_eu_b", "secret"),
    apiKeyMac(pepper, "key_eu_a", "secreu"),
    apiKeyMac(new Uint8Array(32).fill(2), "key_eu_a", "secret"),
  ].map(toHex);
  expect(new Set(macs).size).toBe(4);
});
