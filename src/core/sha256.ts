/**
 * SHA-256 over the concatenation of its parts; a string stands for its UTF-8 bytes.
 * `core` takes it as an argument: `node:crypto` in Workers and Node (`crypto/sha256.ts`), @noble/hashes in a browser.
 */
export type Sha256 = (...parts: (Uint8Array | string)[]) => Uint8Array;

export const HASH_BYTES = 32;

const BLOCK_BYTES = 64;

/** HMAC-SHA-256 (RFC 2104) over the concatenation of `parts`. */
export function hmacSha256(sha256: Sha256, key: Uint8Array, ...parts: (Uint8Array | string)[]): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return sha256(outer, sha256(inner, ...parts));
}

/** HKDF-SHA-256 (RFC 5869), one block: exactly 32 bytes of output. */
export function hkdfSha256(sha256: Sha256, salt: Uint8Array, ikm: Uint8Array, info: Uint8Array): Uint8Array {
  const prk = hmacSha256(sha256, salt, ikm);
  return hmacSha256(sha256, prk, info, Uint8Array.of(1));
}
