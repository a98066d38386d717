/** Commitments to private values (SPEC.md §4): the payload holds this, the value and its salt are sealed elsewhere. */
import { lengthPrefixed } from "./bytes.ts";
import { canonicalJson } from "./canonical.ts";
import { hmacSha256, type Sha256 } from "./sha256.ts";
import type { JsonValue } from "./strict-json.ts";

/** HMAC-SHA-256(salt32, length-prefixed("moonseal/private/v1", domain, entry id, pointer, JCS value)). */
export function privateCommitment(
  sha256: Sha256,
  salt32: Uint8Array,
  place: { domain: string; entryId: string; pointer: string },
  value: JsonValue,
): Uint8Array {
  if (salt32.length !== 32) throw new RangeError("a commitment's salt has 32 bytes");
  const message = lengthPrefixed(
    "moonseal/private/v1",
    place.domain,
    place.entryId,
    place.pointer,
    canonicalJson(value as object),
  );
  return hmacSha256(sha256, salt32, message);
}
