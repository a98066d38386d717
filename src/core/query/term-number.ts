/** How a term stands in the index: as a number that says nothing of it without the salt. */
import type { Sha256 } from "../sha256.ts";

const NUMBER_BYTES = 6;

/** The first 48 bits of SHA-256 of salt and term. Two terms may have one number: what an index yields is matched again. */
export function termNumber(sha256: Sha256, salt: Uint8Array, term: string): number {
  return sha256(salt, term)
    .subarray(0, NUMBER_BYTES)
    .reduce((number, byte) => number * 256 + byte, 0);
}
