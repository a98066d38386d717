/**
 * Session tokens: what a signed-in person shows at each request. A token says whose session it is and until when, and nothing
 * that can change: what the person may do is asked of the object that keeps the session.
 */
import { type Jurisdiction, parseId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { isCount, isText, orNull, withFields } from "../../core/shape.ts";
import { type JwtClaims, type JwtKey, signJwt, verifyJwt } from "./jwt.ts";
import type { PublicJwk } from "./token-keys.ts";

export interface SessionClaims {
  /** `mem_…` or `stf_…`. */
  sub: string;
  /** `ses_…` */
  sid: string;
  /** The member's tenant; null for the operator's people. */
  tnt: string | null;
  /** Unix seconds, as the two below. */
  iat: number;
  nbf: number;
  exp: number;
}

/** What tokens of this cell are signed with and how they read; made by token-keys.ts. */
export interface TokenKeys {
  jurisdiction: Jurisdiction;
  /** `<log host>/<jurisdiction>` */
  issuer: string;
  /** One an environment: a token of staging is nobody's in production (S1-23). */
  audience: string;
  lifetimeS: number;
  signing: JwtKey;
  /** By `kid`: the signing key, and the one that it replaces. */
  accepted: ReadonlyMap<string, JwtKey>;
  /** Of RS256 keys only, the signing key's first, the retired ones last. */
  published: readonly PublicJwk[];
}

export type TokenSubject = Pick<SessionClaims, "sub" | "sid" | "tnt">;

/** A token for `claims`, good from now on for the configured life. Throws for ids that `verifySessionToken` would refuse. */
export function signSessionToken(claims: TokenSubject, keys: TokenKeys, nowMs: number): Promise<string> {
  if (!isSubject(claims, keys.jurisdiction))
    throw new RangeError("a token names a person and a session of its own cell");
  const { sub, sid, tnt } = claims;
  const iat = Math.floor(nowMs / 1000);
  const times = { iat, nbf: iat, exp: iat + keys.lifetimeS };
  return signJwt({ iss: keys.issuer, aud: keys.audience, sub, sid, tnt, ...times }, keys.signing);
}

/**
 * The claims of an untrusted token that this cell has signed for this environment and that holds now; null for every other
 * (S1-22, S1-23). One signature is checked, nothing is looked up.
 *
 * Not checked: whether the session is still open.
 */
export async function verifySessionToken(token: string, keys: TokenKeys, nowMs: number): Promise<SessionClaims | null> {
  const claims = await verifyJwt(token, keys.accepted);
  if (!claims || !hasFields(claims)) return null;
  const { iss, aud, ...session } = claims as JwtClaims & SessionClaims;
  if (iss !== keys.issuer || aud !== keys.audience || !isSubject(session, keys.jurisdiction)) return null;
  return holdsNow(session, keys.lifetimeS, Math.floor(nowMs / 1000)) ? session : null;
}

/** Exactly what `signSessionToken` writes. A list as audience would be good in two environments, so it is none. */
const hasFields = withFields({
  iss: isText,
  aud: isText,
  sub: isText,
  sid: isText,
  tnt: orNull(isText),
  iat: isCount,
  nbf: isCount,
  exp: isCount,
});

/** A token lives no longer than is configured today, whatever was when it was signed. */
function holdsNow({ iat, nbf, exp }: SessionClaims, lifetimeS: number, nowS: number): boolean {
  const skewS = LIMITS.tokenSkewMs / 1000;
  return exp > nowS && exp > nbf && exp - iat <= lifetimeS && iat <= nowS + skewS && nbf <= nowS + skewS && iat > 0;
}

/** A member with a tenant or one of the operator's people without any, and a session, all of this cell. */
function isSubject({ sub, sid, tnt }: TokenSubject, jurisdiction: Jurisdiction): boolean {
  const [who, session, tenant] = [sub, sid, tnt ?? ""].map((id) => parseId(id));
  const here = [who, session, ...(tnt === null ? [] : [tenant])].every((id) => id?.jurisdiction === jurisdiction);
  if (!here || session?.kind !== "session") return false;
  return tnt === null ? who?.kind === "staff" : who?.kind === "member" && tenant?.kind === "tenant";
}
