/**
 * What is certified of a tenant's deletion (SPEC.md): a signed note about the whole, and beside it the final head of every
 * domain, bound to the note by their digest, because a note is short and a tenant may have a thousand domains. Ids, hashes,
 * times and counts only: nothing in it is about a person.
 */
import { toHex, utf8 } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { isJurisdiction } from "./ids.ts";
import type { Sha256 } from "./sha256.ts";
import { isCount, isHash, isIdOf, isInstant, isText, listOf, orNull, withFields } from "./shape.ts";

/** First line of the note: the same key signs other documents. */
export const DELETION_LABEL = "moonseal/deletion-certificate/v1";

/** Where a domain ended. `null` hashes: it never got an entry. */
export interface FinalHead {
  domain_id: string;
  /** Entries that the domain had. */
  size: number;
  /** Of the last one, lower-case hex. */
  entry_hash: string | null;
  genesis: string | null;
  recorded_at: string | null;
}

export interface DeletedFrom {
  store: "R2 KEYS" | "D1 ledger" | "R2 LOG" | "D1 control" | "Durable Objects";
  what: string;
  /** Deletions that were confirmed: one whose answer was lost on the way is done, and not counted. */
  count: number;
  method: string;
}

export interface KeptPart {
  what: string;
  where: string;
  why: string;
}

export interface DeletionCertificate {
  v: 1;
  tenant_id: string;
  jurisdiction: string;
  request_reference: string | null;
  requested_at: string;
  /** From here on nothing was accepted or changed any more. */
  stopped_at: string;
  /** From here on nothing that was sealed opens, in any copy. */
  keys_destroyed_at: string;
  /** Every store was asked again and held nothing. */
  verified_empty_at: string;
  /** How many domains, and SHA-256 of their final heads. */
  domains: number;
  domains_sha256: string;
  deleted: DeletedFrom[];
  kept: KeptPart[];
  /** Until when the platform itself could bring a store's contents back. */
  recoverable_until: Record<DeletedFrom["store"], string>;
}

/** SHA-256 over the canonical JSON of the heads, in ascending order of their domain ids. Lower-case hex. */
export function finalHeadsDigest(heads: readonly FinalHead[], sha256: Sha256): string {
  const sorted = heads.toSorted((a, b) => (a.domain_id < b.domain_id ? -1 : 1));
  const plain = sorted.map(({ domain_id, size, entry_hash, genesis, recorded_at }) => ({
    domain_id,
    size,
    entry_hash,
    genesis,
    recorded_at,
  }));
  return toHex(sha256(utf8(canonicalJson(plain))));
}

/** The text of the note, with its last LF. */
export function deletionText(certificate: DeletionCertificate): string {
  return `${DELETION_LABEL}\n${canonicalJson(certificate)}\n`;
}

/** Takes an untrusted note's text apart; null for anything that `deletionText` would not have written. */
export function parseDeletionText(text: string): DeletionCertificate | null {
  const [label, json, end, ...more] = text.split("\n");
  if (label !== DELETION_LABEL || !json || end !== "" || more.length > 0) return null;
  const parsed = parseCanonicalJson(json, MAX_DEPTH)?.value;
  return isCertificate(parsed) ? parsed : null;
}

/** Untrusted final heads that lie beside a note; null when they are none. What they are worth is for their digest to say. */
export function parseFinalHeads(value: unknown): FinalHead[] | null {
  return areHeads(value) ? (value as FinalHead[]) : null;
}

const MAX_DEPTH = 4;

const areHeads = listOf(
  withFields({
    domain_id: isIdOf("domain"),
    size: isCount,
    entry_hash: orNull(isHash),
    genesis: orNull(isHash),
    recorded_at: orNull(isInstant),
  }),
);

const isShaped = withFields({
  v: (value) => value === 1,
  tenant_id: isIdOf("tenant"),
  jurisdiction: isJurisdiction,
  request_reference: orNull(isText),
  requested_at: isInstant,
  stopped_at: isInstant,
  keys_destroyed_at: isInstant,
  verified_empty_at: isInstant,
  domains: isCount,
  domains_sha256: isHash,
  deleted: listOf(withFields({ store: isText, what: isText, count: isCount, method: isText })),
  kept: listOf(withFields({ what: isText, where: isText, why: isText })),
  recoverable_until: withFields({
    "R2 KEYS": isInstant,
    "R2 LOG": isInstant,
    "D1 ledger": isInstant,
    "D1 control": isInstant,
    "Durable Objects": isInstant,
  }),
});

function isCertificate(value: unknown): value is DeletionCertificate {
  return isShaped(value);
}
