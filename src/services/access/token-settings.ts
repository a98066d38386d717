/** The settings and secrets of a cell that are about session tokens. */
import type { Jurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JwtAlgorithm } from "./jwt.ts";
import { isTokenAlgorithm, type PublicJwk, retiredTokenKeys, type TokenKey, tokenKey } from "./token-keys.ts";
import type { TokenKeys } from "./tokens.ts";

export interface TokenSettings {
  /** `RS256`, the default, or `HS256`. */
  TOKEN_ALGORITHM?: string;
  /** Whom tokens are for, exactly: one an environment, so that a token of staging is nobody's in production (S1-23). */
  TOKEN_AUDIENCE: string;
  /** Seconds; 86,400 unless it is said (S1-22). */
  TOKEN_LIFETIME_S?: string;
  /** Base64: an RSA-2048 key in PKCS #8 for RS256, 32 to 64 random bytes for HS256. */
  TOKEN_SIGNING_KEY: string;
  /** The key that TOKEN_SIGNING_KEY replaces: its tokens are good until they end. Of either algorithm. */
  TOKEN_SIGNING_KEY_PREVIOUS?: string;
  /** JSON list of public JWKs that `/.well-known/jwks.json` still shows. Nothing that they signed is accepted. */
  TOKEN_RETIRED_KEYS?: string;
}

export interface TokenRules {
  algorithm: JwtAlgorithm;
  audience: string;
  lifetimeS: number;
  retired: PublicJwk[];
}

/** What is no secret. Throws an `Error` that names the setting and says what is wrong, never its value. */
export function readTokenRules(settings: Partial<TokenSettings>): TokenRules {
  const algorithm = settings.TOKEN_ALGORITHM || "RS256";
  if (!isTokenAlgorithm(algorithm)) throw new Error("TOKEN_ALGORITHM must be RS256 or HS256");
  return {
    algorithm,
    audience: audience(settings.TOKEN_AUDIENCE ?? ""),
    lifetimeS: lifetimeS(settings.TOKEN_LIFETIME_S),
    retired: named("TOKEN_RETIRED_KEYS", () => retiredTokenKeys(settings.TOKEN_RETIRED_KEYS ?? "")),
  };
}

/** Throws as `readTokenRules` does. */
export function readTokenKeys(settings: TokenSettings, logHost: string, jurisdiction: Jurisdiction): TokenKeys {
  const { algorithm, audience, lifetimeS, retired } = readTokenRules(settings);
  const signing = named("TOKEN_SIGNING_KEY", () => tokenKey(settings.TOKEN_SIGNING_KEY ?? ""));
  if (signing.algorithm !== algorithm) throw new Error(`TOKEN_SIGNING_KEY must be a key for ${algorithm}`);
  const before = settings.TOKEN_SIGNING_KEY_PREVIOUS;
  const previous = before ? [named("TOKEN_SIGNING_KEY_PREVIOUS", () => tokenKey(before))] : [];
  const accepted = [signing, ...previous];
  return {
    jurisdiction,
    issuer: `${logHost}/${jurisdiction}`,
    audience,
    lifetimeS,
    signing,
    accepted: new Map(accepted.map((key) => [key.kid, key])),
    published: publicKeys(accepted, retired),
  };
}

function publicKeys(accepted: readonly TokenKey[], retired: readonly PublicJwk[]): PublicJwk[] {
  const keys = [...accepted.flatMap(({ publicJwk }) => publicJwk ?? []), ...retired];
  const names = new Set(keys.map(({ kid }) => kid));
  if (names.size !== keys.length) throw new Error("TOKEN_RETIRED_KEYS must list each key once and none that is in use");
  return keys;
}

/** One absolute URI or name without white space: what is compared exactly should be hard to misspell. */
function audience(text: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(text)) throw new Error("TOKEN_AUDIENCE must be 1 to 200 visible ASCII characters");
  return text;
}

function lifetimeS(text: string | undefined): number {
  const seconds = text ? Number(text) : LIMITS.tokenLifetimeS;
  const right = Number.isSafeInteger(seconds) && seconds >= MIN_LIFETIME_S && seconds <= LIMITS.maxTokenLifetimeS;
  if (!right) throw new Error(`TOKEN_LIFETIME_S must be ${MIN_LIFETIME_S} to ${LIMITS.maxTokenLifetimeS} seconds`);
  return seconds;
}

const MIN_LIFETIME_S = 60;

function named<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${setting} ${(error as Error).message}`);
  }
}
