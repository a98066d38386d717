/**
 * Signing in with a tenant's identity provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0 §3.1,
 * RFC 7636, RFC 9700). State is what the callback brings; the proof key and the nonce are computed from it and from the secret of
 * the browser that began, so nothing that would be worth stealing is stored, and another browser cannot finish.
 *
 * Steps of the way back, with the crash after each:
 *  1. the state is taken, once         the person begins anew
 *  2. code against tokens              the same
 *  3. ID token, person                 the same
 *  4. session and entries, one transaction
 */
import type { JWTPayload } from "jose";
import { AppError, isAppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import { hmacSha256 } from "../../../crypto/hmac.ts";
import { sha256 } from "../../../crypto/sha256.ts";
import { toBase64Url } from "../jwt.ts";
import type { SignIn } from "../people/calls.ts";
import { newSecret, secretHashHex } from "../people/secrets.ts";
import { askProvider } from "./ask.ts";
import type { SsoAnswer } from "./calls.ts";
import { isUnknownKey, secondFactorAtMs, ssoRefused, verifyIdToken } from "./id-token.ts";
import type { ProviderDocument } from "./provider.ts";
import { openSecret, redirectUri } from "./provider-desk.ts";
import type { IdentityProvider, SsoDeps } from "./records.ts";
import { signInProven, tellRefusal } from "./who.ts";

/** Where the browser goes. The browser keeps `browserSecret`; of it and of the state only hashes stay here. */
export async function beginSso(browserSecret: string, deps: SsoDeps): Promise<string> {
  const { book, people, memory, ask } = deps;
  const provider = book.provider();
  const browserHash = secretHashHex(browserSecret);
  if (!provider || browserHash === null) throw new AppError("resource.not_found");
  const nowMs = people.clock();
  const { authorizationEndpoint } = await memory.document(provider.issuer, nowMs, ask);
  const state = newSecret(people.random);
  await people.commit(
    () => {
      book.dropLogins(nowMs - LIMITS.ssoLoginMs);
      // Anybody may begin, so the oldest make room: refusing would let a stranger keep a whole tenant out.
      book.keepLogins(LIMITS.ssoLogins - 1);
      book.addLogin(secretHashHex(state) ?? "", { browserHash, createdAtMs: nowMs });
    },
    () => [],
  );
  const url = new URL(authorizationEndpoint);
  const asked = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: redirectUri(people),
    scope: "openid email profile",
    state,
    nonce: derived("nonce", browserSecret, state),
    code_challenge: toBase64Url(sha256(derived("verifier", browserSecret, state))),
    code_challenge_method: "S256",
    // With it a provider has to say when it saw the person (Core §3.1.2.1): without, "lately" would be whenever it answers.
    ...(provider.trustsSecondFactor ? { max_age: String(Math.floor(people.sessionMs / 1000)) } : {}),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return url.href;
}

const derived = (what: "nonce" | "verifier", browserSecret: string, state: string): string =>
  toBase64Url(hmacSha256(new TextEncoder().encode(browserSecret), `moonseal/sso-${what}/v1\n${state}`));

/** Throws `auth.link_invalid` for a state that nobody waits for, `auth.link_other_browser`, `auth.sso_refused`. */
export async function finishSso(answer: SsoAnswer, deps: SsoDeps): Promise<SignIn> {
  const { book, people } = deps;
  const stateHash = secretHashHex(answer.state);
  const login =
    stateHash &&
    (await people.commit(
      () => book.takeLogin(stateHash),
      () => [],
    ));
  const nowMs = people.clock();
  const provider = book.provider();
  if (!login || !provider || nowMs - login.createdAtMs > LIMITS.ssoLoginMs) throw new AppError("auth.link_invalid");
  const { browserSecret } = answer;
  if (!browserSecret || secretHashHex(browserSecret) !== login.browserHash)
    throw new AppError("auth.link_other_browser");
  try {
    const claims = await provenClaims({ ...answer, browserSecret }, provider, deps);
    const at = provider.trustsSecondFactor ? secondFactorAtMs(claims, nowMs) : null;
    return await signInProven({ issuer: provider.issuer, claims, secondFactorAtMs: at, device: answer.device }, deps);
  } catch (fault) {
    const error = asRefusal(fault);
    if (isAppError(error) && error.code === "auth.sso_refused") {
      await tellRefusal(deps);
    }
    throw error;
  }
}

/** While somebody signs in, a wrong answer of the provider is a failed sign-in and no wrong setting. */
function asRefusal(error: unknown): unknown {
  return isAppError(error) && error.code === "identity_provider.refused" ? ssoRefused(error.detail ?? "") : error;
}

async function provenClaims(
  answer: SsoAnswer & { browserSecret: string },
  provider: IdentityProvider,
  deps: SsoDeps,
): Promise<JWTPayload> {
  const { people, memory, ask } = deps;
  const document = await memory.document(provider.issuer, people.clock(), ask);
  // A provider that says who it is must say it here (RFC 9207 §2.4): another's answer is a mix-up.
  if (answer.issuer === null ? document.namesItself : answer.issuer !== provider.issuer) {
    throw ssoRefused("the answer is another provider's");
  }
  if (answer.code === null) throw ssoRefused("the provider did not sign you in");
  const tokens = await redeem(
    answer.code,
    derived("verifier", answer.browserSecret, answer.state),
    document,
    provider,
    deps,
  );
  const nonce = derived("nonce", answer.browserSecret, answer.state);
  const rules = { issuer: provider.issuer, clientId: provider.clientId, nonce };
  const check = async (again: boolean) => {
    const keys = await memory.keys(document, again, people.clock(), ask);
    return verifyIdToken(tokens.idToken, keys, rules, people.clock());
  };
  const claims = await check(false).catch((error: unknown) => {
    if (!isUnknownKey(error)) throw error;
    return check(true).catch((again: unknown) => {
      throw isUnknownKey(again) ? ssoRefused("the provider's keys have not signed the ID token") : again;
    });
  });
  return claims.email === undefined ? withUserinfo(claims, tokens.accessToken, document, deps) : claims;
}

async function redeem(
  code: string,
  verifier: string,
  { tokenEndpoint, secretInBody }: ProviderDocument,
  provider: IdentityProvider,
  { people, ask }: SsoDeps,
): Promise<{ idToken: string; accessToken: string }> {
  const secret = await openSecret(provider, people);
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri(people),
    code_verifier: verifier,
  });
  const headers = new Headers({ "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" });
  if (secretInBody) {
    form.set("client_id", provider.clientId);
    form.set("client_secret", secret);
  } else {
    // RFC 6749 §2.3.1: each part is form-encoded before it is joined.
    const encoded = [provider.clientId, secret].map((part) =>
      new URLSearchParams({ part }).toString().slice("part=".length),
    );
    headers.set("Authorization", `Basic ${btoa(encoded.join(":"))}`);
  }
  const answer = await askProvider(tokenEndpoint, { method: "POST", headers, body: form.toString() }, ask);
  const { id_token: idToken, access_token: accessToken } = answer;
  if (typeof idToken !== "string") throw ssoRefused("the provider gave no ID token");
  return { idToken, accessToken: typeof accessToken === "string" ? accessToken : "" };
}

/** Core §5.3.2: what it says is about the ID token's subject, or it is not believed. */
async function withUserinfo(
  claims: JWTPayload,
  accessToken: string,
  { userinfoEndpoint }: ProviderDocument,
  { ask }: SsoDeps,
): Promise<JWTPayload> {
  if (userinfoEndpoint === null || !/^[\x21-\x7e]{1,4096}$/.test(accessToken)) return claims;
  const headers = { Authorization: `Bearer ${accessToken}`, Accept: "application/json" };
  const { sub, email, email_verified, name } = await askProvider(userinfoEndpoint, { headers }, ask);
  if (sub !== claims.sub) throw ssoRefused("the provider speaks of somebody else");
  return { ...claims, email, email_verified, name };
}
