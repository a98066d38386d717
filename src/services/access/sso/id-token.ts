/** The ID token of a sign-in (OpenID Connect Core 1.0 §3.1.3.7), and what it says about a person. */
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import { equalSecrets } from "../../../crypto/compare.ts";
import { ID_TOKEN_ALGORITHMS } from "./provider.ts";

export interface IdTokenRules {
  issuer: string;
  clientId: string;
  nonce: string;
}

/** The key of `kid` is not among those that are known: they may be older than it. */
export const isUnknownKey = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey;

/**
 * The claims of an untrusted ID token that the provider signed for this client and for this very sign-in. Throws
 * `auth.sso_refused`; and jose's `JWKSNoMatchingKey`, for a caller who can read the keys again.
 */
export async function verifyIdToken(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, clientId, nonce }: IdTokenRules,
  nowMs: number,
): Promise<JWTPayload> {
  if (token.length > LIMITS.idTokenChars) throw ssoRefused("the ID token is too long");
  let claims: JWTPayload;
  try {
    const verified = await jwtVerify(token, keys, {
      issuer,
      audience: clientId,
      algorithms: ID_TOKEN_ALGORITHMS,
      requiredClaims: ["exp", "iat", "sub", "nonce"],
      maxTokenAge: LIMITS.ssoLoginMs / 1000,
      clockTolerance: LIMITS.tokenSkewMs / 1000,
      currentDate: new Date(nowMs),
    });
    claims = verified.payload;
  } catch (error) {
    if (isUnknownKey(error)) throw error;
    throw ssoRefused(`the ID token does not hold${error instanceof errors.JOSEError ? ` (${error.code})` : ""}`);
  }
  if (typeof claims.nonce !== "string" || !equalSecrets(claims.nonce, nonce))
    throw ssoRefused("the ID token is of another sign-in");
  const { azp, aud, sub } = claims;
  if (azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== clientId) {
    throw ssoRefused("the ID token is of another client");
  }
  if (typeof sub !== "string" || sub === "" || sub.length > MAX_SUBJECT_CHARS)
    throw ssoRefused("the ID token names nobody");
  return claims;
}

/** Core §2. */
const MAX_SUBJECT_CHARS = 255;

/** Authentication that was several factors: `amr` of RFC 8176 §2, `acr` of OpenID EAP and PAPE. */
const STRONG_ACR = ["phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"];

/**
 * When the provider saw a second factor, Unix milliseconds; null when it does not say both that and when: a token is issued anew for a
 * session there that may be old. Only for a tenant that trusts it.
 */
export function secondFactorAtMs({ amr, acr, auth_time }: JWTPayload, nowMs: number): number | null {
  const strong = (Array.isArray(amr) && amr.includes("mfa")) || (typeof acr === "string" && STRONG_ACR.includes(acr));
  if (!strong || typeof auth_time !== "number" || !(auth_time > 0)) return null;
  return Math.min(nowMs, Math.floor(auth_time * 1000));
}

export const ssoRefused = (detail: string) => new AppError("auth.sso_refused", { detail });
