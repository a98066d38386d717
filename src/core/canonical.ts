/** RFC 8785 (JSON Canonicalization Scheme): one spelling for every JSON value. */
import canonicalize from "canonicalize";
import { keysAreSorted, readPlain, writePlainSorted } from "./plain-json.ts";
import { type JsonValue, parseStrictJson } from "./strict-json.ts";

/** The canonical text of a JSON value. Throws on what JSON cannot say (NaN, infinities, lone surrogates). */
export function canonicalJson(value: JsonValue | object): string {
  const plain = writePlainSorted(value);
  if (plain !== null) return plain;
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

/** The value of a canonical text; `null` for every other spelling of it, and for what is not JSON. */
export function parseCanonicalJson(text: string, maxDepth: number): { value: JsonValue } | null {
  const plain = readPlain(text, maxDepth);
  if (plain && keysAreSorted(plain.value)) return plain;
  const parsed = parseStrictJson(text, maxDepth);
  return parsed.ok && canonicalJson(parsed.value as object) === text ? { value: parsed.value } : null;
}
