/** What the object of a tenant keeps of its identity provider. Times: Unix ms. */
import type { Sealed } from "../../../crypto/sealed.ts";
import type { FailureBook } from "../factors/login-failures.ts";
import type { PeopleDeps } from "../people/deps.ts";
import type { AskDeps } from "./ask.ts";
import type { JoinRule } from "./calls.ts";
import type { ProviderMemory } from "./provider.ts";

export interface IdentityProvider {
  issuer: string;
  clientId: string;
  secret: Sealed<"oauth_tokens">;
  join: JoinRule | null;
  trustsSecondFactor: boolean;
  createdAtMs: number;
  updatedAtMs: number;
}

/** One sign-in that went to the provider. Of its state and its browser only hashes. */
export interface SsoLogin {
  browserHash: string;
  createdAtMs: number;
}

/** Synchronous, in the object's SQLite. Every change runs inside a transaction of the caller. */
export interface SsoBook {
  provider(): IdentityProvider | null;
  /** With another issuer nobody is known by what the old one called them. */
  setProvider(provider: IdentityProvider): void;
  setSecret(secret: Sealed<"oauth_tokens">): void;
  /** And what was begun there, and whom it knew. */
  removeProvider(): void;

  addLogin(stateHash: string, login: SsoLogin): void;
  /** Once: it is gone with that. */
  takeLogin(stateHash: string): SsoLogin | null;
  dropLogins(beforeMs: number): void;
  /** The newest stay. */
  keepLogins(most: number): void;

  /** Hash of what the provider calls this member; null before they have signed in there. */
  subject(personId: string): string | null;
  personBySubject(subject: string): string | null;
  setSubject(personId: string, subject: string): void;
  forget(personId: string): void;
}

export interface SsoDeps {
  people: PeopleDeps;
  book: SsoBook;
  /** Refusals that no entry tells of yet. */
  failures: FailureBook;
  memory: ProviderMemory;
  ask: AskDeps;
}
