/**
 * IP addresses of machines that may be somebody's (GDPR recital 30; CJEU C-582/14): IPv4 in four decimal parts, IPv6 in any
 * spelling of RFC 4291 §2.2. Also private and documentation addresses: whose they are is not for us to know.
 *
 * Left alone: networks (`10.0.0.0/16`), loopback, unspecified, multicast, broadcast, IPv4 link-local (the cloud's metadata
 * service), 240.0.0.0/4. Versions: under a name or a word that says version, after `Product/`, four numbers below ten, two zeros
 * at the end. Not found: addresses spelled in other ways (`ec2-203-0-113-7`, decimal or hex numbers).
 */
import ipaddr from "ipaddr.js";
import { isSaid, someMatch } from "./context.ts";

/** Neither end is joined to a word, a further part or a host name. */
const V4 = /(?<![\w.-]|[A-Za-z0-9]\/)(?:\d{1,3}\.){3}\d{1,3}(?:\/\d{1,2})?(?![\w-]|\.\w)/g;
/** Two colons and more, and the first group of an address that somebody can have: global, unique local, link-local. */
const V6 =
  /(?<![\w:.])(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f])(?::[0-9a-f]{0,4}){2,7}(?:\/\d{1,3})?(?![\w:])/gi;
const VERSION = / (?:v|ver|version|release|build|revision|firmware|oid) (?:[^ ]+ )?$/;

/** O(n). */
export function isIpAddressIn(text: string, called: string): boolean {
  const isV4 = (spelled: string, index: number) => isSomebodysV4(spelled) && !isSaid(VERSION, text, index, called);
  return someMatch(text, V4, isV4) || someMatch(text, V6, isSomebodysV6);
}

function isSomebodysV4(spelled: string): boolean {
  const [address = "", prefix] = spelled.split("/");
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) || isLikeVersion(address)) return false;
  if (
    prefix !== undefined &&
    Number(prefix) < 32 &&
    ipaddr.IPv4.networkAddressFromCIDR(spelled).toString() === address
  ) {
    return false;
  }
  const parsed = ipaddr.IPv4.parse(address);
  return !NOBODYS.includes(parsed.range()) && (parsed.octets[0] as number) < 240;
}

function isSomebodysV6(spelled: string): boolean {
  const [address = "", prefix] = spelled.split("/");
  if (!ipaddr.IPv6.isValid(address)) return false;
  if (prefix === undefined || Number(prefix) >= 128) return true;
  return ipaddr.IPv6.networkAddressFromCIDR(spelled).toString() !== ipaddr.IPv6.parse(address).toString();
}

function isLikeVersion(address: string): boolean {
  const parts = address.split(".").map(Number);
  return parts.every((part) => part < 10) || (parts[2] === 0 && parts[3] === 0);
}

const NOBODYS: readonly string[] = ["unspecified", "loopback", "multicast", "broadcast", "linkLocal"];
