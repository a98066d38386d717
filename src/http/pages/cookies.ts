/**
 * The cookies of the pages for people. All are `__Host-`: of this host only, over TLS only (or on this machine). The cells share a host
 * and nothing else, so each names its own (`__Host-moonseal-session-eu`), and the gateway shows it no other's.
 */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { LIMITS } from "../../core/limits.ts";
import { secretHashHex } from "../../services/access/people/secrets.ts";
import type { HttpEnv } from "../environment.ts";

const DAY_S = 86_400;
const HOST_ONLY = { prefix: "host", path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;
type Kept = "browser" | "session" | "device";
const named = (c: Context<HttpEnv>, kept: Kept): string => `moonseal-${kept}-${c.get("services").config.jurisdiction}`;

/** What this browser proves to be the same by; objects know its SHA-256. Null: it has none that is spelled right. */
export function browserSecret(c: Context<HttpEnv>): string | null {
  const secret = getCookie(c, named(c, "browser"), "host");
  return secret !== undefined && secretHashHex(secret) !== null ? secret : null;
}

export const browserHash = (c: Context<HttpEnv>): string | null => {
  const secret = browserSecret(c);
  return secret && secretHashHex(secret);
};

export function keepBrowser(c: Context<HttpEnv>, secret: string): void {
  setCookie(c, named(c, "browser"), secret, { ...HOST_ONLY, maxAge: 400 * DAY_S });
}

/** The session's token, for these pages alone: the API takes none from a cookie. */
export const sessionToken = (c: Context<HttpEnv>): string | null => getCookie(c, named(c, "session"), "host") ?? null;

export function keepSession(c: Context<HttpEnv>, token: string): void {
  setCookie(c, named(c, "session"), token, { ...HOST_ONLY, maxAge: c.get("services").config.tokens.lifetimeS });
}

export function dropSession(c: Context<HttpEnv>): void {
  deleteCookie(c, named(c, "session"), HOST_ONLY);
}

/** The code of a device that its owner wants to approve once they are signed in. */
export function keepDeviceCode(c: Context<HttpEnv>, code: string): void {
  setCookie(c, named(c, "device"), code, { ...HOST_ONLY, maxAge: LIMITS.deviceLifeS });
}

export function takeDeviceCode(c: Context<HttpEnv>): string | null {
  const code = getCookie(c, named(c, "device"), "host");
  if (code !== undefined) deleteCookie(c, named(c, "device"), HOST_ONLY);
  return code ?? null;
}
