/** The body of an append: one event, a JSON array of events, or one event a line. */

import { LIMITS } from "../../core/limits.ts";
import type { JsonFault, JsonValue } from "../../core/strict-json.ts";
import { jsonPointer, parseStrictJson } from "../../core/strict-json.ts";

export type BodyForm = "json" | "ndjson";

export interface ParsedBody {
  values: JsonValue[];
  /** The body was one event: pointers into it carry no index. */
  single: boolean;
}

export type BodyResult =
  | { ok: true; body: ParsedBody }
  | { ok: false; fault: JsonFault; pointer: string; detail: string };

/** Reads an untrusted body by the rules of strict JSON. A line that is empty is skipped in NDJSON. */
export function parseBody(text: string, form: BodyForm): BodyResult {
  if (form === "json") {
    const parsed = parseStrictJson(text, LIMITS.jsonDepth);
    if (!parsed.ok) return parsed;
    const single = !Array.isArray(parsed.value);
    return { ok: true, body: { values: Array.isArray(parsed.value) ? parsed.value : [parsed.value], single } };
  }
  const values: JsonValue[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const parsed = parseStrictJson(line, LIMITS.jsonDepth);
    if (!parsed.ok) return { ...parsed, pointer: jsonPointer(values.length) + parsed.pointer };
    values.push(parsed.value);
  }
  return { ok: true, body: { values, single: false } };
}

/** The same body again, once `parseBody` has accepted it: in the object, which is called by this cell's Worker only. */
export function readBody(text: string, form: BodyForm): ParsedBody {
  if (form === "json") {
    const value: JsonValue = JSON.parse(text);
    return Array.isArray(value) ? { values: value, single: false } : { values: [value], single: true };
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return { values: lines.map((line) => JSON.parse(line)), single: false };
}
