/**
 * Recovery codes: ten of 80 bits, each good once, for somebody whose other factors are gone. Only a keyed hash of each is kept,
 * with the person in it; nobody guesses 80 bits, so no slow hash is needed.
 */
import { hmacSha256 } from "../../../crypto/hmac.ts";
import type { RandomBytes } from "../../ports.ts";

export const RECOVERY_CODES = 10;
const CODE_BYTES = 10;
/** Crockford's base32, without i, l, o and u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

export function newRecoveryCodes(random: RandomBytes): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => spelled(random(CODE_BYTES)));
}

/** Sixteen letters and digits in groups of four. */
function spelled(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const letters = Array.from({ length: 16 }, (_, i) => ALPHABET[Number((bits >> BigInt(75 - 5 * i)) & 31n)]);
  return (letters.join("").match(/.{4}/g) ?? []).join("-");
}

/** An untrusted code as it was handed out, whatever its spaces, dashes and case; null when it can be none. */
export function parseRecoveryCode(text: string): string | null {
  if (text.length > 40) return null;
  const letters = text.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return /^[0-9a-hjkmnp-tv-z]{16}$/.test(letters) ? letters : null;
}

export function recoveryCodeMac(pepper: Uint8Array, personId: string, code: string): Uint8Array {
  return hmacSha256(pepper, `moonseal/recovery-code/v1\n${personId}\n${parseRecoveryCode(code) ?? ""}`);
}
