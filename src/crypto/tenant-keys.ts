/**
 * What is derived from a tenant's root (DESIGN §4). The root is 32 random bytes in R2 KEYS; `PSEUDONYM_PEPPER` is a secret
 * of the cell; neither alone gives anything. None of the results is ever stored.
 */
import { utf8 } from "../core/bytes.ts";
import { genesisHash } from "../core/chain.ts";
import { hkdfSha256 } from "../core/sha256.ts";
import { hmacSha256 } from "./hmac.ts";
import { sha256 } from "./sha256.ts";

export const ROOT_BYTES = 32;

export interface DomainKeys {
  /** The first previous hash of the domain's chain. */
  genesis: Uint8Array;
  /** SHA-256(pepper(domain) ‖ identity id), lower-case hex (decision 6). */
  pseudonymOf: (identityId: string) => string;
  /** A 16-byte keyed digest for what the object remembers of requests. `label` separates the uses. */
  digest16: (label: string, text: string) => Uint8Array;
}

/** Throws unless both secrets have exactly 32 bytes. */
export function deriveDomainKeys(cellPepper: Uint8Array, tenantRoot: Uint8Array, domainId: string): DomainKeys {
  if (cellPepper.length !== ROOT_BYTES) throw new RangeError("PSEUDONYM_PEPPER must have exactly 32 bytes");
  if (tenantRoot.length !== ROOT_BYTES) throw new RangeError("a tenant root has exactly 32 bytes");
  const derive = (label: string) =>
    hkdfSha256(sha256, cellPepper, tenantRoot, utf8(`moonseal/${label}/v1\n${domainId}`));
  const pepper = derive("pepper");
  const digestKey = derive("idempotency");
  const cache = new Map<string, string>();
  return {
    genesis: genesisHash(sha256, derive("chain"), domainId),
    pseudonymOf: (identityId) => {
      const known = cache.get(identityId);
      if (known) return known;
      if (cache.size >= PSEUDONYM_CACHE) cache.clear();
      const pseudonym = subjectPseudonym(pepper, identityId);
      cache.set(identityId, pseudonym);
      return pseudonym;
    },
    digest16: (label, text) => hmacSha256(digestKey, `${label}\n`, text).slice(0, 16),
  };
}

/** SHA-256(pepper ‖ identity id) as lower-case hex. `pepper` has exactly 32 bytes, so the input is unambiguous. */
export function subjectPseudonym(pepper: Uint8Array, identityId: string): string {
  if (pepper.length !== ROOT_BYTES) throw new RangeError("a pepper has exactly 32 bytes");
  return Buffer.from(sha256(pepper, identityId)).toString("hex");
}

const PSEUDONYM_CACHE = 4096;
