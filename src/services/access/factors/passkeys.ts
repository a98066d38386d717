/**
 * Passkeys (WebAuthn Level 3) through @simplewebauthn/server. Pure but for its randomness: whoever calls keeps the challenge, bound to
 * one session, and hands it in once.
 */
import {
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";

export type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
export type RegistrationOptions = PublicKeyCredentialCreationOptionsJSON;
export type AuthenticationOptions = PublicKeyCredentialRequestOptionsJSON;

/** Where people log in: passkeys are bound to it by their browser (WebAuthn §5.1.7). */
export interface RelyingParty {
  /** `https://moonseal.example`, without a path. */
  origin: string;
  /** The host of the origin. */
  id: string;
  name: string;
}

export interface Passkey {
  /** Credential id, base64url. */
  id: string;
  /** COSE key. */
  publicKey: Uint8Array;
  /** As the authenticator last gave it; 0: it keeps none. */
  counter: number;
  transports: string[];
}

/** COSE: EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];
/** How long the browser lets the person think. */
const CEREMONY_MS = 5 * 60_000;

export function registrationOptions(
  rp: RelyingParty,
  person: { id: string; label: string },
  existing: readonly Passkey[],
): Promise<RegistrationOptions> {
  return generateRegistrationOptions({
    rpName: rp.name,
    rpID: rp.id,
    userID: Uint8Array.from(new TextEncoder().encode(person.id)),
    userName: person.label,
    timeout: CEREMONY_MS,
    attestationType: "none",
    excludeCredentials: existing.map(descriptor),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

export function authenticationOptions(rp: RelyingParty, existing: readonly Passkey[]): Promise<AuthenticationOptions> {
  return generateAuthenticationOptions({
    rpID: rp.id,
    timeout: CEREMONY_MS,
    allowCredentials: existing.map(descriptor),
    userVerification: "preferred",
  });
}

/** The new passkey, or null when this untrusted answer is not one to this challenge, at this origin, by somebody present. */
export async function registered(
  rp: RelyingParty,
  response: RegistrationResponseJSON,
  challenge: string,
): Promise<Passkey | null> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified || !registrationInfo) return null;
    const { id, publicKey, counter } = registrationInfo.credential;
    return { id, publicKey, counter, transports: response.response.transports ?? [] };
  } catch {
    return null;
  }
}

/**
 * The counter to store, or null when this untrusted answer does not prove the passkey: another challenge, origin, relying party or
 * key, nobody present, or a counter that has not grown (a copy of the authenticator, WebAuthn §6.1.1).
 */
export async function provedCounter(
  rp: RelyingParty,
  response: AuthenticationResponseJSON,
  challenge: string,
  passkey: Passkey,
): Promise<number | null> {
  if (response.id !== passkey.id) return null;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: false,
      credential: { id: passkey.id, publicKey: Uint8Array.from(passkey.publicKey), counter: passkey.counter },
    });
    return verified ? authenticationInfo.newCounter : null;
  } catch {
    return null;
  }
}

function descriptor({ id, transports }: Passkey) {
  return { id, transports: transports as AuthenticatorTransport[] };
}
