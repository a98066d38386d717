/** One record's text as a value that the API can carry. */
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";

export type CloudTrailRecord = { [field: string]: JsonValue };
export type ParsedRecord = { ok: true; record: CloudTrailRecord } | { ok: false; why: string };

/** Deeper values than the log takes are left out later, one by one; this only bounds the parser. */
const MAX_DEPTH = 100;

/**
 * AWS writes numbers that lose digits in a double, and cuts long strings in the middle of a character. Neither is a reason
 * to lose the record: such a number becomes the string of its digits, half a character becomes U+FFFD.
 */
export function parseRecord(json: string): ParsedRecord {
  let parsed = parseStrictJson(json, MAX_DEPTH);
  if (!parsed.ok && (parsed.fault === "unsafe_number" || parsed.fault === "lone_surrogate")) {
    parsed = parseStrictJson(mended(json), MAX_DEPTH);
  }
  if (!parsed.ok) return { ok: false, why: `${parsed.detail}${parsed.pointer ? ` at ${parsed.pointer}` : ""}` };
  const { value } = parsed;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return { ok: false, why: "the record is not a JSON object" };
  }
  return { ok: true, record: value };
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs;
const ESCAPE = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\./gs;

function mended(json: string): string {
  return json.replace(STRING_OR_NUMBER, (token) => {
    if (!token.startsWith('"')) return isSafeNumber(token) ? token : `"${token}"`;
    return token
      .replace(ESCAPE, (escape) => (/^\\u[dD][89a-fA-F]..$/.test(escape) ? "\\ufffd" : escape))
      .toWellFormed();
  });
}

/** As the API's own parser judges it, so that both agree. */
const isSafeNumber = (literal: string) => parseStrictJson(literal, 0).ok;
