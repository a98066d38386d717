/**
 * AES-256-GCM (NIST SP 800-38D) of `node:crypto`: synchronous, so that a value can be sealed in the middle of a synchronous
 * block. Nonces are 12 random bytes and tags 16 bytes, nothing else.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes } from "../core/bytes.ts";

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

const CIPHER = "aes-256-gcm";

/** Unpredictable bytes, a nonce at a time. */
export const randomNonce = (byteLength: number): Uint8Array => crypto.getRandomValues(new Uint8Array(byteLength));

/** Ciphertext ‖ tag. A nonce must never come twice with the same key. Strings stand for their UTF-8 bytes. */
export function encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array | string,
): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = typeof plaintext === "string" ? cipher.update(plaintext, "utf8") : cipher.update(plaintext);
  return concatBytes(ciphertext, cipher.final(), cipher.getAuthTag());
}

/** The plaintext of untrusted `sealed` (ciphertext ‖ tag), or null when it does not authenticate. */
export function decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(0, -TAG_BYTES));
  try {
    return concatBytes(plaintext, decipher.final());
  } catch {
    return null;
  }
}
