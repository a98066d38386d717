/**
 * Which addresses of an identity provider this cell may ask (SSRF). An administrator of a tenant names the issuer, and the issuer's
 * own document names the rest, so each of them is untrusted and each goes through here, before every request.
 *
 * Not checked: what a name resolves to. A Worker's requests leave through Cloudflare's network, which reaches public addresses
 * only, and a binding to a private network is none that this cell has.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";

export interface AddressRules {
  /** On a machine without jurisdictions: plain HTTP on the loopback, on any port. */
  loopback: boolean;
  /** The host that this product is reached at: it asks nothing of itself. */
  ownHost: string;
}

/** RFC 6761, RFC 6762, RFC 8375, and what private networks call themselves: nobody's in public. */
const PRIVATE_NAME =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|in-addr\.arpa|ip6\.arpa|test|invalid|example|onion|alt|nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me)$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * The issuer as it is compared and asked: `https`, a public host name, port 443, no query, fragment or credentials, and spelled as
 * URLs are. Throws `identity_provider.refused`.
 */
export function issuerAddress(text: string, rules: AddressRules): URL {
  const url = providerAddress(text, rules);
  if (url.search || text.includes("?") || text.includes("#")) throw refused("the issuer has no query and no fragment");
  if (url.href !== text && url.href !== `${text}/`) throw refused(`the issuer is spelled differently: ${url.href}`);
  return url;
}

/** An address that a provider's document names; it may have a query. Throws `identity_provider.refused`. */
export function providerAddress(text: string, { loopback, ownHost }: AddressRules): URL {
  if (text.length > LIMITS.providerAddressChars || !URL.canParse(text)) throw refused("an address is no URL");
  const url = new URL(text);
  if (url.username || url.password || url.hash) throw refused("an address has credentials or a fragment");
  if (loopback && url.protocol === "http:" && LOOPBACK.test(url.hostname)) return url;
  if (url.protocol !== "https:" || url.port !== "") throw refused("an address is not https on port 443");
  // The parser has turned every spelling of an IPv4 address (0x7f.1, 2130706433, 017700000001) into dotted decimals.
  if (url.hostname.startsWith("[") || /(?:^|\.)\d+$/.test(url.hostname))
    throw refused("an address is not a name but a number");
  const labels = url.hostname.split(".");
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)) || PRIVATE_NAME.test(url.hostname)) {
    throw refused("the name of a host is not a public one");
  }
  if (url.hostname === ownHost) throw refused("the provider would be this product itself");
  return url;
}

export const refused = (detail: string) => new AppError("identity_provider.refused", { detail });
