/**
 * The keys of session tokens, read from a cell's settings. A key is HS256 or RS256 by what it is, and the two cannot be taken for
 * each other: 32 to 64 bytes are a shared secret, a PKCS #8 structure of an RSA key is RS256.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { fromBase64, utf8 } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { isText, withFields } from "../../core/shape.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { hmacSha256 } from "../../crypto/hmac.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { fromBase64Url, type JwtAlgorithm, type JwtKey, toBase64Url } from "./jwt.ts";

/** As `/.well-known/jwks.json` shows it (RFC 7517 §4, RFC 7518 §6.3.1). */
export interface PublicJwk {
  kty: "RSA";
  n: string;
  e: string;
  kid: string;
  alg: "RS256";
  use: "sig";
}

export interface TokenKey extends JwtKey {
  /** Null of a shared secret, which nobody is shown. */
  publicJwk: PublicJwk | null;
}

const HS256 = { name: "HMAC", hash: "SHA-256" } as const;
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
const [MIN_SECRET_BYTES, MAX_SECRET_BYTES] = [32, 64];
const MODULUS_BYTES = 256;

/** Throws, saying why and never what, for anything but base64 of a shared secret or of an RSA-2048 key in PKCS #8. */
export function tokenKey(base64: string): TokenKey {
  const bytes = fromBase64(base64);
  if (!bytes) throw new Error("must be base64");
  if (bytes.length < MIN_SECRET_BYTES) throw new Error(`must have ${MIN_SECRET_BYTES} bytes at least`);
  return bytes.length <= MAX_SECRET_BYTES ? secretKey(bytes) : rsaKey(bytes);
}

/** Public keys that sign no more, of a JSON list of `{kty, n, e}`: shown to who still has a token of theirs, and not accepted. */
export function retiredTokenKeys(json: string): PublicJwk[] {
  if (json.trim() === "") return [];
  const parsed = parseStrictJson(json, 4);
  if (!parsed.ok || !Array.isArray(parsed.value)) throw new Error("must be a JSON list of public keys");
  if (parsed.value.length > LIMITS.retiredTokenKeys) throw new Error(`may list ${LIMITS.retiredTokenKeys} keys`);
  return parsed.value.map((value) => {
    const { kty, n, e } = (value ?? {}) as Record<string, string>;
    if (!isRsaPublic(value) || kty !== "RSA") throw new Error("must list public RSA keys: kty, n and e, nothing else");
    return publicJwk(n as string, e as string);
  });
}

const isRsaPublic = withFields({ kty: isText, n: isText, e: isText });

/** The name of a shared secret says nothing about it. */
function secretKey(secret: Uint8Array): TokenKey {
  const kid = toBase64Url(hmacSha256(secret, utf8("moonseal/token-key/v1")).subarray(0, 16));
  const key = once(() => crypto.subtle.importKey("raw", secret, HS256, false, ["sign", "verify"]));
  return { kid, algorithm: "HS256", toSign: key, toVerify: key, publicJwk: null };
}

function rsaKey(pkcs8: Uint8Array): TokenKey {
  const { n, e } = rsaPublicOf(pkcs8);
  const jwk = publicJwk(n, e);
  return {
    kid: jwk.kid,
    algorithm: "RS256",
    toSign: once(() => crypto.subtle.importKey("pkcs8", pkcs8, RS256, false, ["sign"])),
    toVerify: once(() => crypto.subtle.importKey("jwk", { kty: "RSA", n, e }, RS256, false, ["verify"])),
    publicJwk: jwk,
  };
}

function rsaPublicOf(pkcs8: Uint8Array): { n: string; e: string } {
  try {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
    const { kty, n, e } = createPublicKey(key).export({ format: "jwk" });
    if (kty === "RSA" && n && e) return { n, e };
  } catch {
    // Said below: what OpenSSL says of a key may quote it.
  }
  throw new Error("must be an RSA key in PKCS #8, or a shared secret of at most 64 bytes");
}

/** Named by its thumbprint (RFC 7638). Throws for any size but 2048 bits and any exponent but 65537. */
function publicJwk(n: string, e: string): PublicJwk {
  const modulus = fromBase64Url(n);
  if (modulus?.length !== MODULUS_BYTES || (modulus[0] as number) < 0x80 || e !== "AQAB") {
    throw new Error("must be an RSA key of 2048 bits with the exponent 65537");
  }
  const kid = toBase64Url(sha256(`{"e":"${e}","kty":"RSA","n":"${n}"}`));
  return { kty: "RSA", n, e, kid, alg: "RS256", use: "sig" };
}

/** The key and not the promise is kept: a promise of one request does not end in another. */
function once(make: () => Promise<CryptoKey>): () => Promise<CryptoKey> {
  let made: CryptoKey | undefined;
  return async () => {
    made ??= await make();
    return made;
  };
}

export function isTokenAlgorithm(value: string): value is JwtAlgorithm {
  return value === "HS256" || value === "RS256";
}
