/**
 * Where requests come from: which networks a key may be used from, and what counts as one asker. Addresses are personal data
 * (GDPR recital 30): nothing here keeps, logs or answers one. An IPv4 address within IPv6 (`::ffff:…`) is the IPv4 address.
 */
import ipaddr from "ipaddr.js";

/** A network in its one spelling, `address/bits` with no bit behind the prefix; null for what is none. */
export function parseNetwork(text: string): string | null {
  if (!ipaddr.isValidCIDR(text)) return null;
  const [address, bits] = ipaddr.parseCIDR(text);
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) return null;
  const first =
    address instanceof ipaddr.IPv4
      ? ipaddr.IPv4.networkAddressFromCIDR(text)
      : ipaddr.IPv6.networkAddressFromCIDR(text);
  return first.toString() === address.toString() ? `${first.toString()}/${bits}` : null;
}

/** Null for what is no address in a spelling of today: the library also knows octal ones, and takes `::1.2.3.4` for IPv4. */
function parseAddress(text: string | null): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (text === null || !ipaddr.isValid(text)) return null;
  const spelled = text.includes(":")
    ? !text.includes(".") || /^::ffff:/i.test(text)
    : ipaddr.IPv4.isValidFourPartDecimal(text);
  return spelled ? ipaddr.process(text) : null;
}

type Parsed = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];
const known = new WeakMap<readonly string[], readonly Parsed[]>();

/** Of one list only once: a key's record is used from memory. */
function parsed(networks: readonly string[]): readonly Parsed[] {
  const cached = known.get(networks);
  if (cached) return cached;
  const fresh = networks.map((network) => ipaddr.parseCIDR(network));
  known.set(networks, fresh);
  return fresh;
}

/** Whether an untrusted address lies in one of the networks. What is no address lies in none. */
export function isWithin(address: string | null, networks: readonly string[]): boolean {
  const its = parseAddress(address);
  if (its === null) return false;
  return parsed(networks).some(([first, bits]) => {
    return first.kind() === its.kind() && its.match(first, bits);
  });
}

/** What counts as one asker: an IPv4 address, or the /64 that one subscriber of IPv6 has at least. */
export function askerOf(address: string | null): string {
  const its = parseAddress(address);
  if (its === null) return "unknown";
  if (its instanceof ipaddr.IPv4) return its.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${its.toString()}/64`).toString();
}
