/** What the routes and the pages of signing in share. */
import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../core/errors.ts";
import type { PeopleCalls, SignIn } from "../services/access/people/calls.ts";
import { deviceLabel, parseUserCode, shownUserCode } from "../services/access/people/devices.ts";
import { newSecret, parseLinkToken, STAFF_OWNER, secretHashHex } from "../services/access/people/secrets.ts";
import { signSessionToken } from "../services/access/tokens.ts";
import type { RandomBytes } from "../services/ports.ts";
import type { HttpEnv } from "./environment.ts";
import { browserHash, browserSecret, keepBrowser, takeDeviceCode } from "./pages/cookies.ts";

export const randomBytes: RandomBytes = (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength));

/** A cell answers for its own jurisdiction only; the other's is the same 404 as what does not exist. */
export const ownCell: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.param("jurisdiction") !== c.get("services").config.jurisdiction) throw new AppError("resource.not_found");
  await next();
};

/** What asks, as its owner will read it in the list of sessions. */
export const deviceOf = (c: Context<HttpEnv>): string => deviceLabel(c.req.header("User-Agent"));

/**
 * Asks for links to be sent, whoever has the address, and has this browser keep what the link will be bound to. The same answer and
 * the same work for every address.
 */
export async function askForLink(c: Context<HttpEnv>, email: string): Promise<void> {
  const secret = browserSecret(c) ?? newSecret(randomBytes);
  const hash = secretHashHex(secret);
  if (hash === null) throw new Error("a secret is spelled like one");
  await c.get("services").signingIn.requestLogin({ email, browserHash: hash, device: deviceOf(c) });
  keepBrowser(c, secret);
}

/** Throws `auth.link_invalid`, `auth.link_other_browser`. */
export async function confirmLink(c: Context<HttpEnv>, token: string): Promise<SignIn> {
  const { people, secret } = await behindLink(c, token);
  return people.confirmLogin(secret, browserHash(c), deviceOf(c));
}

/** Throws `auth.link_invalid`, `member.exists`. */
export async function acceptLink(c: Context<HttpEnv>, token: string, name: string | null): Promise<SignIn> {
  const { people, secret } = await behindLink(c, token);
  return people.acceptInvitation(secret, name, deviceOf(c));
}

/** An object is asked only about a tenant that there is: a made-up id must not make one. */
async function behindLink(c: Context<HttpEnv>, token: string): Promise<{ people: PeopleCalls; secret: string }> {
  const link = parseLinkToken(token);
  const people = link && (await peopleOf(c, link.owner === STAFF_OWNER ? null : link.owner));
  if (!people) throw new AppError("auth.link_invalid");
  return { people, secret: link.secret };
}

/** Null for a tenant that is none. `tenantId` null: the operator's people. */
export async function peopleOf(c: Context<HttpEnv>, tenantId: string | null): Promise<PeopleCalls | null> {
  const { control, desk, staffPeople } = c.get("services");
  if (tenantId === null) return staffPeople ?? null;
  return (await control.tenant(tenantId)) ? desk(tenantId).people : null;
}

/** To the device that was waiting for somebody to sign in or to show a second factor, or else to this page. */
export function afterSignIn(c: Context<HttpEnv>, otherwise: string): string {
  const userCode = parseUserCode(takeDeviceCode(c) ?? "");
  if (!userCode) return otherwise;
  return `/v1/auth/${c.get("services").config.jurisdiction}/device?user_code=${shownUserCode(userCode)}`;
}

/** A session's token, and when it ends. */
export async function issueToken(c: Context<HttpEnv>, { personId, sessionId, tenantId, expiresAtMs }: SignIn) {
  const { config, clock } = c.get("services");
  const nowMs = clock();
  const token = await signSessionToken({ sub: personId, sid: sessionId, tnt: tenantId }, config.tokens, nowMs);
  return {
    token,
    expires_at: new Date(Math.min(expiresAtMs, nowMs + config.tokens.lifetimeS * 1000)).toISOString(),
    session_id: sessionId,
    person_id: personId,
    tenant_id: tenantId,
  };
}
