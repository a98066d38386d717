/**
 * JSON Web Tokens (RFC 7519) as RFC 8725 asks for them, through @tsndr/cloudflare-worker-jwt. That library reads loosely: it
 * ignores a fourth segment, `crit`, `kid` and everything about time that is not a number, so what it leaves open is closed here:
 * three segments of canonical base64url, strict JSON, and the algorithm of the key, never of the header.
 *
 * Not checked here: what the claims say (tokens.ts).
 */
import { sign, verify } from "@tsndr/cloudflare-worker-jwt";
import { fromBase64, toBase64 } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";

export type JwtAlgorithm = "HS256" | "RS256";

/** One key under the name that a header may call it by. A key is of one algorithm for life (RFC 8725 §3.1). */
export interface JwtKey {
  kid: string;
  algorithm: JwtAlgorithm;
  /** Imported at first use and kept. Null: this one only verifies. */
  toSign: (() => Promise<CryptoKey>) | null;
  toVerify: () => Promise<CryptoKey>;
}

export type JwtClaims = Record<string, JsonValue>;

/** The compact form (RFC 7515 §7.1), with the headers `typ`, `kid` and `alg`. Throws for a key that only verifies. */
export async function signJwt(claims: JwtClaims, key: JwtKey): Promise<string> {
  if (!key.toSign) throw new Error("this key only verifies");
  const header = { typ: "JWT", kid: key.kid };
  return sign(claims, await key.toSign(), { algorithm: key.algorithm, header });
}

/**
 * The claims of an untrusted token that one of `keys` has signed; null for every other text. One verification at most: a `kid`
 * only picks among the given keys and is used for nothing else.
 */
export async function verifyJwt(token: string, keys: ReadonlyMap<string, JwtKey>): Promise<JwtClaims | null> {
  if (token.length > LIMITS.tokenChars) return null;
  const segments = token.split(".");
  const [header, claims] = segments.slice(0, 2).map(readObject);
  if (segments.length !== 3 || !header || !claims || !fromBase64Url(segments[2] as string)) return null;
  // Nothing but these three: a `crit` (RFC 7515 §4.1.11), a key or the address of one is never what this cell wrote.
  const { typ, kid, alg, ...others } = header;
  if (Object.keys(others).length > 0 || typ !== "JWT" || typeof kid !== "string") return null;
  const key = keys.get(kid);
  if (!key || alg !== key.algorithm) return null;
  return (await isSigned(token, key)) ? claims : null;
}

/** The library judges no times here: its clock is the machine's, and it lets through what is no number. */
async function isSigned(token: string, key: JwtKey): Promise<boolean> {
  try {
    const options = { algorithm: key.algorithm, clockTolerance: Number.MAX_VALUE };
    return (await verify(token, await key.toVerify(), options)) !== undefined;
  } catch {
    return false;
  }
}

/** A segment as one JSON object without doubled names; null for anything else. */
function readObject(segment: string): JwtClaims | null {
  const bytes = fromBase64Url(segment);
  if (!bytes) return null;
  try {
    const json = parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), MAX_DEPTH);
    if (!json.ok || typeof json.value !== "object" || json.value === null || Array.isArray(json.value)) return null;
    return json.value;
  } catch {
    return null;
  }
}

const MAX_DEPTH = 4;

/** The bytes of unpadded base64url (RFC 7515 §2), or null for any other spelling of them. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const padding = "=".repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
}

export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
