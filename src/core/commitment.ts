/** Commitments to private values (SPEC.md §4): the payload holds this, the value and its salt are sealed elsewhere. */
import { lengthPrefixed } from "./bytes.ts";
import { canonicalJson } from "./canonical.ts";
import { hmacSha256, type Sha256 } from "./sha256.ts";
import type { JsonValue } from "./strict-json.ts";

/** HMAC-SHA-256(salt32, length-prefixed("moonseal/private/v1", domain, entry id, pointer, JCS value)). */
export function privateCommitment(
  sha256: Sha256,
  salt32: Uint8Array,
  place: CommitmentPlace,
  value: JsonValue,
): Uint8Array {
  if (salt32.length !== 32) throw new RangeError("a commitment's salt has 32 bytes");
  return hmacSha256(sha256, salt32, commitmentMessage(place, value));
}

export interface CommitmentPlace {
  domain: string;
  entryId: string;
  pointer: string;
}

/** What the HMAC is taken of, for whoever has a faster one. */
export function commitmentMessage({ domain, entryId, pointer }: CommitmentPlace, value: JsonValue): Uint8Array {
  return lengthPrefixed("moonseal/private/v1", domain, entryId, pointer, canonicalJson(value as object));
}
