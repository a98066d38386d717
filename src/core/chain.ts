/** The hash chain (SPEC.md §3, decisions 1 and 2). */
import { utf8 } from "./bytes.ts";
import { HASH_BYTES, hmacSha256, type Sha256 } from "./sha256.ts";

export const CHAIN_VERSION = 1;

const GENESIS_LABEL = "moonseal/genesis/v1\n";

/**
 * SHA-256(prevHash ‖ payload). `prevHash` has exactly 32 bytes, so the input is unambiguous; throws on any other length.
 * `payload` is the canonical text or its UTF-8 bytes.
 */
export function entryHash(sha256: Sha256, prevHash: Uint8Array, payload: Uint8Array | string): Uint8Array {
  if (prevHash.length !== HASH_BYTES) throw new RangeError("a previous hash has 32 bytes");
  return sha256(prevHash, payload);
}

/** The previous hash of entry 0: HMAC-SHA-256(chain secret, "moonseal/genesis/v1\n" ‖ domain id). */
export function genesisHash(sha256: Sha256, chainSecret: Uint8Array, domainId: string): Uint8Array {
  return hmacSha256(sha256, chainSecret, utf8(GENESIS_LABEL), utf8(domainId));
}
