/**
 * What a provider says of itself (OpenID Connect Discovery 1.0 §4) and its keys (RFC 7517), from memory for a bounded time. A key id
 * that nobody knows makes the keys be read again, at most once a minute.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from "jose";
import { LIMITS } from "../../../core/limits.ts";
import type { JsonValue } from "../../../core/strict-json.ts";
import { issuerAddress, providerAddress, refused } from "./address.ts";
import { type AskDeps, askProvider } from "./ask.ts";

export interface ProviderDocument {
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  userinfoEndpoint: string | null;
  jwksUri: string;
  secretInBody: boolean;
  /** It names itself in its answers (RFC 9207). */
  namesItself: boolean;
}

/** Asymmetric ones only: no public key can be taken for a shared secret. */
export const ID_TOKEN_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/** Throws `identity_provider.refused`, `identity_provider.unavailable`. */
export async function discover(issuer: string, deps: AskDeps): Promise<ProviderDocument> {
  issuerAddress(issuer, deps.rules);
  const document = await askProvider(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {}, deps);
  // Another issuer's document under this address would be a mix-up (Discovery §4.3).
  if (document.issuer !== issuer) throw refused("the provider's document names another issuer");
  const address = (name: string): string => {
    const value = document[name];
    if (typeof value !== "string") throw refused(`the provider's document has no ${name}`);
    providerAddress(value, deps.rules);
    return value;
  };
  if (!lists(document.response_types_supported, "code")) throw refused("the provider does not answer with codes");
  if (!lists(document.code_challenge_methods_supported, "S256"))
    throw refused("the provider does not know PKCE (S256)");
  const algorithms = document.id_token_signing_alg_values_supported;
  if (!ID_TOKEN_ALGORITHMS.some((algorithm) => lists(algorithms, algorithm))) {
    throw refused("the provider signs with none of the algorithms that are known here");
  }
  const methods = document.token_endpoint_auth_methods_supported;
  const secretInBody = methods !== undefined && !lists(methods, "client_secret_basic");
  if (secretInBody && !lists(methods, "client_secret_post")) throw refused("the provider takes no client secret");
  return {
    issuer,
    authorizationEndpoint: address("authorization_endpoint"),
    tokenEndpoint: address("token_endpoint"),
    userinfoEndpoint: document.userinfo_endpoint === undefined ? null : address("userinfo_endpoint"),
    jwksUri: address("jwks_uri"),
    secretInBody,
    namesItself: document.authorization_response_iss_parameter_supported === true,
  };
}

const lists = (value: JsonValue | undefined, wanted: string): boolean => Array.isArray(value) && value.includes(wanted);

interface KnownKeys {
  keys: JWTVerifyGetKey;
  readAtMs: number;
}

/** Of one tenant's provider. Forgets everything with another issuer. */
export class ProviderMemory {
  #document: { value: ProviderDocument; readAtMs: number } | null = null;
  #keys: KnownKeys | null = null;

  async document(issuer: string, nowMs: number, deps: AskDeps): Promise<ProviderDocument> {
    const known = this.#document;
    if (known?.value.issuer === issuer && isFresh(known.readAtMs, nowMs)) return known.value;
    const value = await discover(issuer, deps);
    if (known?.value.jwksUri !== value.jwksUri) this.#keys = null;
    this.#document = { value, readAtMs: nowMs };
    return value;
  }

  /** `again`: the keys that are known have not got the one that is needed. */
  async keys({ jwksUri }: ProviderDocument, again: boolean, nowMs: number, deps: AskDeps): Promise<JWTVerifyGetKey> {
    const known = this.#keys;
    const mayReadAgain = again && known !== null && nowMs - known.readAtMs >= LIMITS.providerRereadMs;
    if (known && isFresh(known.readAtMs, nowMs) && !mayReadAgain) return known.keys;
    const keys = createLocalJWKSet(usableKeys(await askProvider(jwksUri, {}, deps)));
    this.#keys = { keys, readAtMs: nowMs };
    return keys;
  }

  forget(): void {
    this.#document = null;
    this.#keys = null;
  }
}

function isFresh(readAtMs: number, nowMs: number): boolean {
  return nowMs >= readAtMs && nowMs - readAtMs < LIMITS.providerCacheMs;
}

/** Signing keys alone, each of a size that is quick to check. Private and symmetric keys in a public set are a provider's mishap. */
function usableKeys({ keys }: Record<string, JsonValue>): JSONWebKeySet {
  if (!Array.isArray(keys) || keys.length > LIMITS.providerKeys)
    throw refused("the provider's keys are no list, or too many");
  const usable = (keys as unknown as JWK[]).filter(
    (key) =>
      typeof key === "object" &&
      key !== null &&
      (key.kty === "RSA" || key.kty === "EC" || key.kty === "OKP") &&
      (key.use === undefined || key.use === "sig") &&
      (key.alg === undefined || ID_TOKEN_ALGORITHMS.includes(key.alg)) &&
      key.d === undefined &&
      (key.kty !== "RSA" || isModestRsa(key)),
  );
  return { keys: usable };
}

const isModestRsa = ({ n, e }: JWK): boolean =>
  typeof n === "string" && n.length <= MAX_MODULUS_CHARS && typeof e === "string" && e.length <= MAX_EXPONENT_CHARS;
/** 4,096 bits and 32 bits in base64url: a huge key is a way to make others compute. */
const MAX_MODULUS_CHARS = 684;
const MAX_EXPONENT_CHARS = 6;
