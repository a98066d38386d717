/** The secrets of links and browsers: 32 random bytes, of which only a SHA-256 is stored. */
import { fromBase64, toBase64, toHex } from "../../../core/bytes.ts";
import { idPattern } from "../../../core/ids.ts";
import { sha256 } from "../../../crypto/sha256.ts";
import type { RandomBytes } from "../../ports.ts";

const SECRET_BYTES = 32;
const SECRET_PATTERN = /^[A-Za-z0-9_-]{43}$/;
/** Stands in links of the operator's people, who belong to no tenant. */
export const STAFF_OWNER = "staff";

/** 43 characters of base64url. */
export function newSecret(random: RandomBytes): string {
  return toBase64(random(SECRET_BYTES)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** SHA-256 of an untrusted secret; null for what is not spelled like one. */
export function secretHash(secret: string): Uint8Array | null {
  if (!SECRET_PATTERN.test(secret)) return null;
  const bytes = fromBase64(`${secret.replaceAll("-", "+").replaceAll("_", "/")}=`);
  return bytes?.length === SECRET_BYTES ? sha256(bytes) : null;
}

export function secretHashHex(secret: string): string | null {
  const hash = secretHash(secret);
  return hash && toHex(hash);
}

/** `<tenant id or staff>.<secret>`: whose object to ask, and the secret. */
export const linkToken = (owner: string, secret: string): string => `${owner}.${secret}`;

/** Null for an untrusted text that is none. That anybody gave it out is not checked. */
export function parseLinkToken(token: string): { owner: string; secret: string } | null {
  const [owner = "", secret = "", ...rest] = token.split(".");
  if (rest.length > 0 || !SECRET_PATTERN.test(secret)) return null;
  return owner === STAFF_OWNER || idPattern("tenant").test(owner) ? { owner, secret } : null;
}
