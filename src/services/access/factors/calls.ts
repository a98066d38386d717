/** What a cell's Worker asks of the object that keeps a person's second factors. Plain values: they cross RPC. */
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { SignIn } from "../people/calls.ts";
import type {
  AuthenticationOptions,
  AuthenticationResponseJSON,
  RegistrationOptions,
  RegistrationResponseJSON,
} from "./passkeys.ts";

/** One wish to log in with a password; the fields below as `FactorAsker` has them. */
export interface PasswordLogin extends Pick<FactorAsker, "network" | "browser"> {
  email: string;
  password: string;
  device: string;
}

/** Whose factors, in which session, from where. */
export interface FactorAsker {
  personId: string;
  sessionId: string;
  by: AskedBy;
  /** Hash of the network that the request came from. */
  network: string;
  /** SHA-256 of the secret that the browser keeps, lower-case hex; untrusted. Null: it keeps none. */
  browser: string | null;
}

export type Proof = { totp: string } | { recoveryCode: string } | { passkey: AuthenticationResponseJSON };

export interface FactorList {
  /** ISO 8601; null: no authenticator app. */
  totpAddedAt: string | null;
  passkeys: { id: string; name: string; addedAt: string; lastUsedAt: string | null }[];
  recoveryCodesLeft: number;
  /** When a factor was last shown in this session. */
  shownAt: string | null;
}

export interface TotpEnrolment {
  /** Base32. In this answer and never again, as the two below. */
  secret: string;
  uri: string;
  qrSvg: string;
}

export interface FactorAdded {
  factors: FactorList;
  /** With the first factor; in this answer and never again. */
  recoveryCodes: string[] | null;
}

export interface FactorShown {
  shownAt: string;
  recoveryCodesLeft: number;
}

/**
 * All throw `auth.required` when the session is over. Whatever changes factors throws `auth.step_up_required` once the person has
 * one, unless one was shown in this session within `LIMITS.stepUpMs`. What opens or seals a TOTP secret throws `keys.unavailable`.
 */
export interface FactorCalls {
  list(asker: FactorAsker): Promise<FactorList>;
  /** A new secret, which counts for nothing until `confirmTotp`. */
  beginTotp(asker: FactorAsker): Promise<TotpEnrolment>;
  /** Throws `auth.factor_wrong`, `auth.too_many_tries`. */
  confirmTotp(asker: FactorAsker, code: string): Promise<FactorAdded>;
  /** This and `removePasskey` throw `auth.factor_needed`, `resource.not_found`. */
  removeTotp(asker: FactorAsker): Promise<FactorList>;
  /** Ten new ones; the old ones are void. */
  newRecoveryCodes(asker: FactorAsker): Promise<string[]>;
  passkeyRegistration(asker: FactorAsker): Promise<RegistrationOptions>;
  /** Throws `auth.factor_wrong`, `limit.reached`. */
  addPasskey(asker: FactorAsker, name: string, response: RegistrationResponseJSON): Promise<FactorAdded>;
  renamePasskey(asker: FactorAsker, id: string, name: string): Promise<FactorList>;
  removePasskey(asker: FactorAsker, id: string): Promise<FactorList>;
  passkeyChallenge(asker: FactorAsker): Promise<AuthenticationOptions>;
  /** Shows a factor: what is sensitive is open to the session for `LIMITS.stepUpMs`. Throws as `confirmTotp` does. */
  show(asker: FactorAsker, proof: Proof): Promise<FactorShown>;
}

/** What is asked about the operator's people beside what is asked about everybody. */
export interface StaffCalls {
  factors: FactorCalls;
  /** Takes all factors and the password away and ends the sessions. Throws `resource.not_found`. */
  resetFactors(staffId: string, by: AskedBy): Promise<void>;
  /** Throws `auth.login_failed`, `auth.too_many_tries`. */
  login(wish: PasswordLogin): Promise<SignIn>;
  /** Throws `auth.mfa_required`, `auth.step_up_required`, `request.invalid`. */
  setPassword(asker: FactorAsker, password: string): Promise<void>;
}

type Methods = { [K in keyof FactorCalls]: { name: K; args: Parameters<FactorCalls[K]> } };
/** One of them, as it crosses RPC. */
export type FactorCall = Methods[keyof FactorCalls];

const NAMES = {
  list: 1,
  beginTotp: 1,
  confirmTotp: 1,
  removeTotp: 1,
  newRecoveryCodes: 1,
  passkeyRegistration: 1,
  addPasskey: 1,
  renamePasskey: 1,
  removePasskey: 1,
  passkeyChallenge: 1,
  show: 1,
} satisfies Record<keyof FactorCalls, 1>;

/** The calls over one that carries them. */
export function factorCallsBy(carry: (call: FactorCall) => Promise<unknown>): FactorCalls {
  const calls = Object.keys(NAMES).map((name) => [
    name,
    (...args: unknown[]) => carry({ name, args } as unknown as FactorCall),
  ]);
  return Object.fromEntries(calls) as FactorCalls;
}

/** The other end. Throws TypeError for a name that is none. */
export function answerFactorCall(calls: FactorCalls, { name, args }: FactorCall): Promise<unknown> {
  if (!Object.hasOwn(NAMES, name)) throw new TypeError("no such call");
  return (calls[name] as (...args: unknown[]) => Promise<unknown>)(...args);
}
