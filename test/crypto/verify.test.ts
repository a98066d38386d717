/** Signed notes: published vectors, and every byte of a note flipped (FAULTS A14). */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, fromHex } from "../../src/core/bytes.ts";
import { formatNote, formatVerifierKey, noteKeyHash } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyNote } from "../../src/crypto/verify.ts";
import vector from "../vectors/note.json" with { type: "json" };

const seed = fromHex(vector.seed) as Uint8Array;

// golang.org/x/mod/sumdb/note, note_test.go (BSD-3-Clause): the key and note of the reference implementation.
const GO = {
  seed: fromBase64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")?.slice(1) as Uint8Array,
  verifierKey: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
};

test("C2SP signed-note: the note of Go's sumdb/note is written byte for byte and verifies", () => {
  const signer = noteSigner("PeterNeumann", GO.seed);
  expect(signer.verifierKey).toBe(GO.verifierKey);
  expect(signer.keyId).toBe("c74f20a3");
  expect(signer.sign(GO.text)).toBe(`${GO.text}\n${GO.signature}`);
  expect(verifyNote(`${GO.text}\n${GO.signature}`, GO.verifierKey)).toMatchObject({
    ok: true,
    note: { text: GO.text },
  });
});

const RFC8032: [string, string, string, string, string][] = [
  [
    "TEST 1",
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "TEST 2",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "TEST 3",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
];

test.each(RFC8032)(
  "RFC 8032 §7.1 %s: our keys and the platform's Ed25519",
  (_name, secret, publicKey, message, wanted) => {
    const signer = noteSigner("test", fromHex(secret) as Uint8Array);
    const [, , base64] = signer.verifierKey.split("+", 2).concat(signer.verifierKey.slice("test+00000000+".length));
    expect(Buffer.from(base64 as string, "base64").toString("hex")).toBe(`01${publicKey}`);
    const pkcs8 = Buffer.from(`302e020100300506032b657004220420${secret}`, "hex");
    const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
    const signature = sign(null, Buffer.from(message, "hex"), key);
    expect(signature.toString("hex")).toBe(wanted);
    expect(verify(null, Buffer.from(message, "hex"), createPublicKey(key), signature)).toBe(true);
  },
);

describe("A14 a signed note", () => {
  test("with any byte flipped no longer verifies", () => {
    const original = Buffer.from(vector.note);
    for (let at = 0; at < original.length; at++) {
      for (const bit of [0x01, 0x02, 0x20, 0x80]) {
        const flipped = Buffer.from(original);
        flipped[at] = (flipped[at] as number) ^ bit;
        // As it would arrive: decoded. Invalid UTF-8 becomes U+FFFD, which is a change too.
        expect(verifyNote(flipped.toString(), vector.verifier_key).ok, `byte ${at}, bit ${bit}`).toBe(false);
      }
    }
    expect(verifyNote(vector.note, vector.verifier_key).ok).toBe(true);
  });

  test("signed by another key of the same name is not mine", () => {
    const other = noteSigner(vector.name, new Uint8Array(32).fill(1)).sign(vector.text);
    expect(verifyNote(other, vector.verifier_key)).toEqual({ ok: false, fault: "key_not_found" });
  });

  test("signed by my key under another name is not mine", () => {
    const other = noteSigner("log.example.com/us", seed).sign(vector.text);
    expect(verifyNote(other, vector.verifier_key)).toEqual({ ok: false, fault: "key_not_found" });
  });

  test("with further signatures of strangers verifies, before or after mine", () => {
    const stranger = noteSigner("witness.example", new Uint8Array(32).fill(2)).sign(vector.text);
    const line = stranger.slice(vector.text.length + 1);
    const mine = vector.note.slice(vector.text.length + 1);
    for (const order of [line + mine, mine + line]) {
      expect(verifyNote(`${vector.text}\n${order}`, vector.verifier_key).ok).toBe(true);
    }
  });

  test("with a right and a wrong signature of my key is refused", () => {
    const wrong = noteSigner(vector.name, seed).sign("other text\n").slice("other text\n\n".length);
    const mine = vector.note.slice(vector.text.length + 1);
    for (const order of [wrong + mine, mine + wrong]) {
      expect(verifyNote(`${vector.text}\n${order}`, vector.verifier_key)).toEqual({
        ok: false,
        fault: "signature_wrong",
      });
    }
  });

  test("with a signature of another length is refused, not thrown over", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        const blob = Buffer.concat([Buffer.from(vector.key_id, "hex"), bytes]).toString("base64");
        const verdict = verifyNote(`${vector.text}\n\u2014 ${vector.name} ${blob}\n`, vector.verifier_key);
        expect(verdict).toEqual({ ok: false, fault: "signature_wrong" });
      }),
    );
  });
});

describe("a verifier key", () => {
  test("with any character changed, left out or cut off is refused", () => {
    const key = GO.verifierKey;
    const note = `${GO.text}\n${GO.signature}`;
    for (let at = 0; at < key.length; at++) {
      for (const c of ["", "A", "+", " ", String.fromCharCode(key.charCodeAt(at) + 1)]) {
        const other = key.slice(0, at) + c + key.slice(at + 1);
        if (other !== key) expect(verifyNote(note, other), other).toMatchObject({ ok: false, fault: "key_malformed" });
      }
    }
  });

  // note_test.go: wrong length and unknown algorithm, each with its key hash adjusted.
  test.each([
    "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "",
  ])("%j is refused", (key) => {
    expect(verifyNote(vector.note, key)).toEqual({ ok: false, fault: "key_malformed" });
  });

  test("of 32 arbitrary bytes, on the curve or not, verifies nothing and throws nothing", () => {
    const signature = fromBase64(GO.signature.split(" ")[2]?.trim() ?? "")?.slice(4) as Uint8Array;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (publicKey) => {
        const signatures = [{ name: "x", keyHash: noteKeyHash(sha256, "x", publicKey), signature }];
        const verdict = verifyNote(
          formatNote({ text: GO.text, signatures }),
          formatVerifierKey(sha256, "x", publicKey),
        );
        expect(verdict).toEqual({ ok: false, fault: "signature_wrong" });
      }),
      { numRuns: 100 },
    );
  });
});

describe("a signer", () => {
  test("throws on a seed of any other length than 32 bytes", () => {
    for (const length of [0, 31, 33, 64]) expect(() => noteSigner("x", new Uint8Array(length))).toThrow(RangeError);
  });

  test.each(["", "no LF", "a\r\n", "a\tb\n", "half \ud800\n", `${"x".repeat(64 * 1024)}\n`])(
    "throws on a text that no reader would accept (%#)",
    (text) => {
      expect(() => noteSigner("x", seed).sign(text)).toThrow(RangeError);
    },
  );

  test.each(["", "a b", "a+b", "a\nb", "a\u0085b"])("throws on a name that no reader would accept: %j", (name) => {
    expect(() => noteSigner(name, seed).sign("text\n")).toThrow(RangeError);
  });
});
