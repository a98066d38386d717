/** A tenant's own identity provider, as the Worker asks its object about it. Plain values: they cross RPC. */
import type { Role } from "../../permissions.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { SignIn } from "../people/calls.ts";
import type { Holding } from "../people/roles.ts";

/** Whom the provider may bring in who was not invited: addresses in these domains, in this role. */
export interface JoinRule {
  role: Role;
  emailDomains: string[];
}

export interface ProviderWish {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Null: nobody, only members and those with an open invitation sign in. */
  join: JoinRule | null;
  /** Whether a second factor that the provider has seen counts here. */
  trustsSecondFactor: boolean;
}

export interface DescribedProvider extends Omit<ProviderWish, "clientSecret"> {
  /** What the provider has to be told. */
  redirectUri: string;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface SsoAnswer {
  /** The query of the callback, untrusted: `state`, `code`, `iss`, `error`. */
  state: string;
  code: string | null;
  issuer: string | null;
  /** Of the browser that began; null when it has none. */
  browserSecret: string | null;
  device: string;
}

export interface SsoCalls {
  identityProvider(): Promise<DescribedProvider | null>;
  /** Throws `identity_provider.refused`, `identity_provider.unavailable`, `auth.forbidden`, `keys.unavailable`. */
  setIdentityProvider(wish: ProviderWish, by: AskedBy, holding: Holding): Promise<DescribedProvider>;
  /** Throws `resource.not_found`. */
  removeIdentityProvider(by: AskedBy): Promise<void>;
  /** Where the browser goes. Throws `resource.not_found`, `identity_provider.unavailable`, `identity_provider.refused`. */
  beginSso(browserSecret: string): Promise<string>;
  /** Throws `auth.sso_refused`, `auth.link_invalid`, `auth.link_other_browser`, `identity_provider.unavailable`. */
  finishSso(answer: SsoAnswer): Promise<SignIn>;
}
