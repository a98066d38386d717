/** What the rules of second factors need of the object that keeps them. Everything but keys is synchronous. */
import type { Sealed } from "../../../crypto/sealed.ts";
import type { PeopleDeps } from "../people/deps.ts";
import type { FailureBook } from "./login-failures.ts";
import type { Passkey } from "./passkeys.ts";

export interface TotpRow {
  sealed: Sealed<"totp_secrets">;
  addedAtMs: number;
  /** Null until a code was accepted. */
  lastStep: number | null;
}

export interface PasskeyRow extends Passkey {
  name: string;
  addedAtMs: number;
  lastUsedAtMs: number | null;
}

export type ChallengePurpose = "registration" | "authentication";

/** Factors of people in the object's own storage. */
export interface FactorBook {
  totp(personId: string): TotpRow | null;
  /** Not confirmed yet. */
  pendingTotp(personId: string): TotpRow | null;
  putPendingTotp(personId: string, sealed: Sealed<"totp_secrets">, atMs: number): void;
  /** The pending one is the one. */
  confirmTotp(personId: string, atMs: number, step: number): void;
  usedStep(personId: string, step: number): void;
  removeTotp(personId: string): void;
  /** Those before are void. */
  putRecoveryCodes(personId: string, macs: readonly Uint8Array[]): void;
  /** Whether it was there and unused; it is used from now on. */
  useRecoveryCode(personId: string, mac: Uint8Array, atMs: number): boolean;
  recoveryCodesLeft(personId: string): number;
  /** Oldest first. */
  passkeys(personId: string): PasskeyRow[];
  /** False: the id is somebody's already. */
  addPasskey(personId: string, passkey: PasskeyRow): boolean;
  usedPasskey(personId: string, id: string, counter: number, atMs: number): void;
  renamePasskey(personId: string, id: string, name: string): void;
  removePasskey(personId: string, id: string): void;
  /** One of each purpose a session: the one before is void. */
  putChallenge(sessionId: string, purpose: ChallengePurpose, challenge: string, untilMs: number): void;
  /** Each can be taken once. */
  takeChallenge(sessionId: string, purpose: ChallengePurpose, nowMs: number): string | null;
  knowsBrowser(personId: string, hash: string): boolean;
  /** Was used now; also makes it known. */
  usedBrowser(personId: string, hash: string, atMs: number): void;
  /** Of the operator's people only. Null: none. */
  passwordHash(personId: string): string | null;
  putPassword(personId: string, hash: string, atMs: number): void;
  /** Everything of the person. */
  forget(personId: string): void;
}

/** Failed tries, by where they count. */
export interface TryBook {
  /** Unix milliseconds within the last day, ascending, at most 1,000. */
  failures(place: string, nowMs: number): number[];
  /** Names what it has written, for `forgive`. */
  failed(places: readonly string[], nowMs: number): number[];
  /** They turned out to be right. */
  forgive(failures: readonly number[]): void;
}

export interface FactorDeps {
  book: FactorBook;
  tries: TryBook;
  failures: FailureBook;
  /** Whose factors: people, their sessions, and what a change with its entries takes. */
  people: PeopleDeps;
}
