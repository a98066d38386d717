/** RFC 8785 (JSON Canonicalization Scheme): one spelling for every JSON value. */
import canonicalize from "canonicalize";
import { type JsonValue, parseStrictJson } from "./strict-json.ts";

/** The canonical text of a JSON value. Throws on what JSON cannot say (NaN, infinities, lone surrogates). */
export function canonicalJson(value: JsonValue | object): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return text;
}

/** The value of a canonical text; `null` for every other spelling of it, and for what is not JSON. */
export function parseCanonicalJson(text: string, maxDepth: number): { value: JsonValue } | null {
  const parsed = parseStrictJson(text, maxDepth);
  return parsed.ok && canonicalJson(parsed.value as object) === text ? { value: parsed.value } : null;
}
