/** E-mail addresses: what is taken for one, and the blind key under which an address is looked up. */
import { toHex, utf8 } from "../../../core/bytes.ts";
import { hkdfSha256 } from "../../../crypto/hkdf.ts";
import { hmacSha256 } from "../../../crypto/hmac.ts";

/** RFC 5321 §4.5.3.1.3, less the angle brackets. */
export const EMAIL_CHARS = 254;
const LOCAL = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/**
 * RFC 5321 §4.1.2 without quoted local parts, address literals and internationalised addresses (RFC 6531): what mail services deliver
 * to. Nothing that could end a header line is in it.
 */
export const EMAIL_PATTERN = new RegExp(`^(?=.{3,${EMAIL_CHARS}}$)(?=.{1,64}@)${LOCAL}@(?:${LABEL}\\.)+${LABEL}$`);

/** One spelling: without spaces around, lower case. Mail services that tell letters' cases apart are not known to be in use. */
export const normaliseEmail = (email: string): string => email.trim().toLowerCase();

const LABEL_OF_KEY = "moonseal/mail-index/v1\n";
const keys = new WeakMap<Uint8Array, Uint8Array>();

/**
 * The blind key of a normalised address in this cell: HMAC-SHA-256 under HKDF-SHA-256(ikm = PSEUDONYM_PEPPER), 64 hex characters. Who
 * holds the pepper can test addresses against it; nobody can read one out of it.
 */
export function mailLookup(pepper: Uint8Array, email: string): string {
  return toHex(hmacSha256(derived(pepper), normaliseEmail(email)));
}

/** Of a code that a person types, which is too short to be hashed without a key. */
export function codeLookup(pepper: Uint8Array, code: string): string {
  return toHex(hmacSha256(derived(pepper), "code\n", code));
}

function derived(pepper: Uint8Array): Uint8Array {
  const known = keys.get(pepper);
  if (known) return known;
  const key = hkdfSha256(new Uint8Array(0), pepper, utf8(LABEL_OF_KEY));
  keys.set(pepper, key);
  return key;
}
