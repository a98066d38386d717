/**
 * Which cell a request belongs to (DESIGN §1). Pure: everything that names a jurisdiction is collected, and the request goes
 * to a cell only when all of it agrees. Nothing is looked up, so nothing is kept here.
 */
import { decode } from "@tsndr/cloudflare-worker-jwt";
import { parseApiKey, parseOperatorSecret } from "../core/api-key.ts";
import { ACTION_PATTERN } from "../core/event.ts";
import { ID_KINDS, isJurisdiction, type Jurisdiction, parseId } from "../core/ids.ts";

export interface RoutingFacts {
  pathname: string;
  authorization: string | null;
  /** `jurisdiction` of the body; asked for only where a tenant is created. */
  bodyJurisdiction: string | null;
}

/** The one jurisdiction that the request names; null when it names none, two, or an unknown one: it goes nowhere then. */
export function routeTo(facts: RoutingFacts): Jurisdiction | null {
  const named = [
    ...facts.pathname.split("/").flatMap(pathJurisdiction),
    ...signInJurisdiction(facts.pathname),
    ...credentialJurisdiction(facts.authorization),
    ...(facts.bodyJurisdiction === null ? [] : [facts.bodyJurisdiction]),
  ];
  const [first] = named;
  return isJurisdiction(first) && named.every((jurisdiction) => jurisdiction === first) ? first : null;
}

/** Not `hot_entries` or `api_key.created`, which are words: those name nothing. */
const LIKE_AN_ID = new RegExp(`^(?:(?:${Object.values(ID_KINDS).join("|")})_|[a-z]{3}_[a-z0-9]{2}_)`, "i");

/** A segment that begins like an id and is none names a jurisdiction that nobody knows. A type of event may begin like anything. */
function pathJurisdiction(segment: string, index: number, segments: readonly string[]): string[] {
  if (segments[index - 1] === "event-types" && ACTION_PATTERN.test(segment)) return [];
  const id = parseId(segment);
  if (id) return [id.jurisdiction];
  return LIKE_AN_ID.test(segment) ? ["unknown"] : [];
}

/** `/v1/auth/<jurisdiction>/…`: who signs in shows nothing yet that would name a cell. */
function signInJurisdiction(pathname: string): string[] {
  const [, version, group, jurisdiction = ""] = pathname.split("/");
  return version === "v1" && group === "auth" ? [jurisdiction] : [];
}

/** What a header names; empty for what cannot be read. A mistyped key still says where it belongs. */
function credentialJurisdiction(authorization: string | null): string[] {
  const credential = bearerToken(authorization);
  if (!credential) return [];
  const prefix = /^ms[ko]_([a-z]{2})_/.exec(credential)?.[1];
  if (prefix) return [prefix];
  const issuer = tokenIssuer(credential);
  return issuer ? [issuer.slice(issuer.lastIndexOf("/") + 1)] : [];
}

/**
 * Whether a header is one whole credential that names its jurisdiction. Anything else may be, or hide, the other cell's in a
 * wrong spelling, so it is not forwarded: the cell answers as to a request without any.
 */
export function isWholeCredential(authorization: string): boolean {
  const credential = bearerToken(authorization);
  if (!credential) return false;
  return Boolean(parseApiKey(credential) ?? parseOperatorSecret(credential) ?? tokenIssuer(credential));
}

const OFFERED = "bearer.";

/**
 * A browser sets no header on a WebSocket; it offers the credential as a subprotocol, `bearer.<credential>`, which is no part of an
 * address. The headers as if it had been able to: `Authorization`, and the other subprotocols. Null when none is offered. With an
 * `Authorization` beside it, or offered twice, neither counts.
 */
export function offeredCredential(
  offered: string | null,
  authorization: string | null,
): { authorization: string | null; protocols: string | null } | null {
  const protocols = (offered ?? "").split(",").map((name) => name.trim());
  const credentials = protocols.filter((name) => name.startsWith(OFFERED));
  const [credential] = credentials;
  if (credential === undefined) return null;
  const others = protocols.filter((name) => !name.startsWith(OFFERED) && name !== "");
  return {
    authorization:
      credentials.length === 1 && authorization === null ? `Bearer ${credential.slice(OFFERED.length)}` : null,
    protocols: others.length === 0 ? null : others.join(", "),
  };
}

/** As the pages for people name them (src/http/pages/cookies.ts): the last word is the cell that set it. */
const CELL_COOKIE = /^__Host-moonseal-[a-z]+-(?<cell>[a-z]{2})=/;

/** What of a `Cookie` header the cell has set itself; null for nothing. A session's token is a credential of one cell. */
export function cookiesOf(header: string, jurisdiction: Jurisdiction): string | null {
  const own = header.split(/; */).filter((cookie) => CELL_COOKIE.exec(cookie)?.groups?.cell === jurisdiction);
  return own.length === 0 ? null : own.join("; ");
}

/** The token of a header with exactly one (RFC 6750 §2.1). */
function bearerToken(authorization: string | null): string | null {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? "")?.[1] ?? null;
}

/** Unverified, for routing only: the cell verifies the token. An issuer's last path segment is its jurisdiction. */
function tokenIssuer(token: string): string | null {
  if (token.split(".").length !== 3) return null;
  try {
    const issuer = decode(token).payload?.iss;
    return typeof issuer === "string" ? issuer : null;
  } catch {
    return null;
  }
}
