/** What a session's token says about itself. Read, never verified: only the server can; nothing is trusted for it. */
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";

export interface TokenClaims {
  jurisdiction: Jurisdiction;
  /** Unix milliseconds. */
  expiresAtMs: number;
}

/** Null for what is no token of a session (three segments, RFC 7519 §3, with an issuer that ends in a jurisdiction). */
export function readToken(credential: string): TokenClaims | null {
  const [, payload = "", ...others] = /^[\w-]+(\.[\w-]+){2}$/.test(credential) ? credential.split(".") : [];
  if (others.length !== 1) return null;
  try {
    const { iss, exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iss?: unknown; exp?: unknown };
    const jurisdiction = typeof iss === "string" ? iss.slice(iss.lastIndexOf("/") + 1) : "";
    if (!isJurisdiction(jurisdiction) || typeof exp !== "number") return null;
    return { jurisdiction, expiresAtMs: exp * 1000 };
  } catch {
    return null;
  }
}
