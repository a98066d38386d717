import { timingSafeEqual } from "node:crypto";
import { HASH_BYTES } from "../core/sha256.ts";
import { sha256 } from "./sha256.ts";

/** Constant-time equality of secrets of any length: digests as they are, the rest by their SHA-256 digests. */
export function equalSecrets(a: Uint8Array | string, b: Uint8Array | string): boolean {
  return timingSafeEqual(digestOf(a), digestOf(b));
}

function digestOf(secret: Uint8Array | string): Uint8Array {
  return typeof secret !== "string" && secret.length === HASH_BYTES ? secret : sha256(secret);
}
