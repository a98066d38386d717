/** The plaintext of what is sealed about one entry and one subject (SPEC.md §9): every value with the salt of its commitment. */
import { fromHex, lengthPrefixed, toHex } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { LIMITS } from "./limits.ts";
import type { JsonValue } from "./strict-json.ts";

export const PRIVATE_SALT_BYTES = 32;

export interface SealedPrivateValue {
  /** JSON Pointer in the event. */
  pointer: string;
  /** Salt of the commitment: 32 bytes. */
  salt: Uint8Array;
  value: JsonValue;
}

/** What binds the sealed value to its row: entry id and subject (pseudonym in lower-case hex, empty: about nobody). */
export const privateRowId = (entryId: string, subject: string): Uint8Array => lengthPrefixed(entryId, subject);

/** Canonical JSON: `[[pointer, salt in lower-case hex, value], …]`. */
export function encodePrivateValues(values: readonly SealedPrivateValue[]): string {
  return canonicalJson(values.map(({ pointer, salt, value }) => [pointer, toHex(salt), value]));
}

/** The values of an opened text; null for anything else. */
export function decodePrivateValues(text: string): SealedPrivateValue[] | null {
  const parsed = parseCanonicalJson(text, LIMITS.jsonDepth);
  if (!Array.isArray(parsed?.value)) return null;
  const values: SealedPrivateValue[] = [];
  for (const item of parsed.value) {
    if (!Array.isArray(item) || item.length !== 3) return null;
    const [pointer, saltHex, value] = item;
    const salt = typeof saltHex === "string" ? fromHex(saltHex) : null;
    if (typeof pointer !== "string" || salt?.length !== PRIVATE_SALT_BYTES || value === undefined) return null;
    values.push({ pointer, salt, value });
  }
  return values;
}
