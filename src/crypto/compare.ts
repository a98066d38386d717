import { timingSafeEqual } from "node:crypto";
import { sha256 } from "./sha256.ts";

/** Constant-time equality of secrets of any length: their SHA-256 digests are compared. */
export function equalSecrets(a: Uint8Array | string, b: Uint8Array | string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}
