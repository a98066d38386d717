/** Whose session a token is of: the signature is checked here, what the person may do is asked of the object that keeps it. */
import type { SessionPrincipal } from "./principal.ts";
import { type SessionClaims, type TokenKeys, verifySessionToken } from "./tokens.ts";

/** The objects that keep sessions. Null: there is no such session, it is over, or it is somebody else's. */
export interface SessionKeepers {
  member: (tenantId: string, sessionId: string, memberId: string) => Promise<SessionPrincipal | null>;
  staff: (sessionId: string, staffId: string) => Promise<SessionPrincipal | null>;
}

export interface SessionCache {
  /** Milliseconds that an answer is used from memory. */
  freshMs: number;
  /** The same while the object does not answer: an end of the session takes no longer to be felt. */
  staleMs: number;
  maxEntries: number;
}

/** `fresh`: not from memory, for what was just shown in another place, as a second factor is. */
export type SessionLookUp = (token: string, fresh?: boolean) => Promise<SessionPrincipal | null>;

/**
 * The principal of an untrusted token; null unless it is right, unexpired, of this cell, and its session is open. A warm
 * request costs one signature's check and no call. Sessions that are none are not kept: anybody could fill the memory.
 */
export function sessionLookUp(
  keys: TokenKeys,
  keepers: SessionKeepers,
  clock: () => number,
  { freshMs, staleMs, maxEntries }: SessionCache,
): SessionLookUp {
  const cache = new Map<string, { principal: SessionPrincipal; readAtMs: number }>();
  return async (token, fresh = false) => {
    const readAtMs = clock();
    const claims = await verifySessionToken(token, keys, readAtMs);
    if (!claims) return null;
    const place = `${claims.tnt}/${claims.sub}/${claims.sid}`;
    const hit = cache.get(place);
    // A clock that was set back must not stretch the bound.
    const ageMs = hit && readAtMs >= hit.readAtMs ? readAtMs - hit.readAtMs : Number.POSITIVE_INFINITY;
    if (hit && !fresh && ageMs < freshMs) return hit.principal;
    let principal: SessionPrincipal | null;
    try {
      principal = await askKeeper(claims, keepers);
    } catch (error) {
      if (hit && ageMs < staleMs) return hit.principal;
      throw error;
    }
    cache.delete(place);
    if (!principal || !isOf(principal, claims)) return null;
    if (cache.size >= maxEntries) cache.clear();
    cache.set(place, { principal, readAtMs });
    return principal;
  };
}

function askKeeper({ tnt, sid, sub }: SessionClaims, keepers: SessionKeepers): Promise<SessionPrincipal | null> {
  return tnt === null ? keepers.staff(sid, sub) : keepers.member(tnt, sid, sub);
}

/** What an object answers is believed only about whom it was asked for. */
function isOf({ kind, tenantId, person }: SessionPrincipal, { tnt, sid, sub }: SessionClaims): boolean {
  const right = kind === (tnt === null ? "staff" : "member");
  return right && tenantId === tnt && person.sessionId === sid && person.id === sub;
}
