/** ML-DSA-44 (FIPS 204): both implementations that the product may meet, against each other and against vectors of others. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { describe, expect, test } from "vitest";
import { fromBase64 } from "../../src/core/bytes.ts";
import { mlDsaKey, mlDsaPublicKey, nobleKey, supported, webCryptoKey } from "../../src/crypto/ml-dsa.ts";
import { nativeMlDsa, verifyMlDsa44 } from "../../src/crypto/verify-ml-dsa.ts";

interface Vectors {
  keys: { seed: string; publicKey: string }[];
  verify: { tcId: number; flags: string[]; publicKey: string; msg: string; sig: string; result: string }[];
}
const file = path.join(import.meta.dirname, "../vectors/cosignature/wycheproof-ml-dsa-44.json");
const vectors: Vectors = JSON.parse(readFileSync(file, "utf8"));
const bytes = (base64: string) => fromBase64(base64) ?? new Uint8Array();
const seed = new Uint8Array(32).fill(9);
const message = new TextEncoder().encode("a message");

/** As the verifier's page does it: noble throws on a wrong length. */
function byNoble(publicKey: Uint8Array, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ml_dsa44.verify(signature, signed, publicKey);
  } catch {
    return false;
  }
}

test("the runtime of these tests has the algorithm itself, so that both implementations are tried", () => {
  expect([nativeMlDsa(), supported()]).toEqual([true, true]);
});

describe("vectors of Wycheproof", () => {
  test.each(vectors.verify)("$tcId $flags: $result", ({ publicKey, msg, sig, result }) => {
    const [key, signed, signature] = [bytes(publicKey), bytes(msg), bytes(sig)];
    expect(verifyMlDsa44(key, signed, signature)).toBe(result === "valid");
    expect(byNoble(key, signed, signature)).toBe(result === "valid");
  });

  test.each(vectors.keys)("the key of seed $seed", async ({ seed: base64, publicKey }) => {
    expect(mlDsaPublicKey(bytes(base64))).toEqual(bytes(publicKey));
    expect((await webCryptoKey(bytes(base64))).publicKey).toEqual(bytes(publicKey));
  });

  test("hold both answers", () => {
    expect(new Set(vectors.verify.map(({ result }) => result))).toEqual(new Set(["valid", "invalid"]));
    expect(vectors.verify.length + vectors.keys.length).toBeGreaterThan(20);
  });
});

describe("each implementation takes what the other one signed, and no changed bit of it", () => {
  test.each([
    ["WebCrypto", webCryptoKey],
    ["noble", nobleKey],
    ["whichever the runtime has", mlDsaKey],
  ])("%s", async (_, keyOf) => {
    const { publicKey, sign } = await keyOf(seed);
    expect(publicKey).toEqual(mlDsaPublicKey(seed));
    const signature = await sign(message);
    expect(verifyMlDsa44(publicKey, message, signature)).toBe(true);
    expect(byNoble(publicKey, message, signature)).toBe(true);
    for (const at of [0, 31, 32, 1000, 2335, 2336, 2419]) {
      const changed = signature.with(at, (signature[at] ?? 0) ^ 1);
      expect(verifyMlDsa44(publicKey, message, changed)).toBe(false);
      expect(byNoble(publicKey, message, changed)).toBe(false);
    }
    expect(verifyMlDsa44(publicKey.with(7, (publicKey[7] ?? 0) ^ 1), message, signature)).toBe(false);
    expect(verifyMlDsa44(publicKey, message.with(0, 0), signature)).toBe(false);
  });
});

test("a seed of another length makes no key", async () => {
  for (const byteLength of [0, 31, 33]) {
    expect(() => mlDsaPublicKey(new Uint8Array(byteLength))).toThrow(RangeError);
    await expect(mlDsaKey(new Uint8Array(byteLength))).rejects.toThrow(RangeError);
  }
});
