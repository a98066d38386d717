import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { decrypt, encrypt } from "../../src/crypto/aead.ts";
import { hkdfSha256 } from "../../src/crypto/hkdf.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;

/** McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: AES-256, 12-byte nonces. */
const VECTORS: [string, string, string, string, string, string][] = [
  ["13", "00".repeat(32), "00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
  [
    "14",
    "00".repeat(32),
    "00".repeat(12),
    "",
    "00".repeat(16),
    "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  ],
  [
    "16",
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
  ],
];

describe("AES-256-GCM", () => {
  test.each(VECTORS)("GCM appendix B, test case %s", (_, key, nonce, aad, plaintext, sealed) => {
    expect(toHex(encrypt(bytes(key), bytes(nonce), bytes(aad), bytes(plaintext)))).toBe(sealed);
    expect(decrypt(bytes(key), bytes(nonce), bytes(aad), bytes(sealed))).toEqual(bytes(plaintext));
  });

  test("text stands for its UTF-8 bytes", () => {
    const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
    expect(encrypt(key, nonce, key, "é\u{1f511}")).toEqual(encrypt(key, nonce, key, bytes("c3a9f09f9491")));
  });

  test("what is too short for a tag or has another nonce opens to nothing", () => {
    const [key, nonce, aad] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array()];
    const sealed = encrypt(key, nonce, aad, "x");
    for (let length = 0; length < sealed.length; length++) {
      expect(decrypt(key, nonce, aad, sealed.subarray(0, length))).toBeNull();
    }
    for (const byteLength of [0, 11, 13, 16]) expect(decrypt(key, new Uint8Array(byteLength), aad, sealed)).toBeNull();
  });

  test("a key of any other length than 32 bytes is a mistake of the caller", () => {
    for (const byteLength of [0, 16, 31, 33]) {
      expect(() => encrypt(new Uint8Array(byteLength), new Uint8Array(12), new Uint8Array(), "x")).toThrow();
    }
  });
});

test("HKDF: RFC 5869 A.1, its first 32 bytes", () => {
  const [salt, ikm, info] = ["000102030405060708090a0b0c", "0b".repeat(22), "f0f1f2f3f4f5f6f7f8f9"].map(bytes);
  const okm = hkdfSha256(salt as Uint8Array, ikm as Uint8Array, info as Uint8Array);
  expect(toHex(okm)).toBe("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
});
