/**
 * The metadata of an imported record. In clear stand only the fields below, and each only when it is a short plain value;
 * everything else that AWS wrote is private, under the name in snake case (`requestParameters` → `request_parameters`).
 */

import { LIMITS } from "../../core/limits.ts";
import { findInClearValue } from "../../core/payload/guard.ts";
import { snakeCase } from "../../core/snake-case.ts";
import { type JsonValue, jsonPointer } from "../../core/strict-json.ts";
import { isLine } from "./identity.ts";
import type { CloudTrailRecord } from "./parse-record.ts";

const CLEAR_FIELDS: readonly string[] = [
  "eventSource",
  "eventName",
  "awsRegion",
  "eventType",
  "eventCategory",
  "eventVersion",
  "readOnly",
  "errorCode",
  "managementEvent",
];
/** When not everything fits, these come first; the others follow by name. Part of the mapping: the order is frozen. */
const PRIVATE_FIRST: readonly string[] = [
  "userIdentity",
  "errorMessage",
  "requestParameters",
  "resources",
  "additionalEventData",
  "responseElements",
];
const MAX_CLEAR_CHARS = 256;

export interface Metadata {
  metadata: { [key: string]: JsonValue };
  clear_metadata: string[];
  /** JSON Pointers in the record of values that are too large or too deep for the log. */
  leftOut: string[];
}

/** `mapped`: fields of the record that have another place in the event. The same record always gives the same metadata. */
export function metadataOf(record: CloudTrailRecord, mapped: ReadonlySet<string>): Metadata {
  const metadata: { [key: string]: JsonValue } = {};
  const clear: string[] = [];
  const leftOut: string[] = [];
  let room = LIMITS.metadataBytes - 2;
  const put = (field: string, value: JsonValue): boolean => {
    const key = snakeCase(field);
    // Colon and comma.
    const byteLength = Buffer.byteLength(JSON.stringify(key) + JSON.stringify(value)) + 2;
    const fits = byteLength <= room && Object.keys(metadata).length < LIMITS.metadataKeys;
    const known = key === "" || key.length > LIMITS.metadataKeyChars || Object.hasOwn(metadata, key);
    if (!fits || known || depthOf(value) > LIMITS.metadataDepth - 1) {
      leftOut.push(jsonPointer(field));
      return false;
    }
    metadata[key] = value;
    room -= byteLength;
    return true;
  };
  for (const field of CLEAR_FIELDS) {
    const value = record[field];
    if (value === undefined || value === null) continue;
    const plain = clearValue(field, value);
    if (plain !== null && put(field, plain)) clear.push(snakeCase(field));
    else if (plain === null) put(field, value);
  }
  const rest = Object.keys(record).filter((field) => !CLEAR_FIELDS.includes(field) && !mapped.has(field));
  for (const field of [...rest].sort(byPriority)) {
    const value = record[field];
    if (value !== undefined && value !== null) put(field, value);
  }
  return { metadata, clear_metadata: clear, leftOut };
}

/** The value as it may stand in clear, `null` when it may not. Older records write `readOnly` as a string. */
function clearValue(field: string, value: JsonValue): JsonValue {
  if (typeof value === "boolean") return value;
  if (field === "readOnly" && (value === "true" || value === "false")) return value === "true";
  if (typeof value !== "string" || !isLine(value, MAX_CLEAR_CHARS)) return null;
  return findInClearValue(value, []) ? null : value;
}

function byPriority(a: string, b: string): number {
  const order = (field: string) =>
    PRIVATE_FIRST.includes(field) ? PRIVATE_FIRST.indexOf(field) : PRIVATE_FIRST.length;
  return order(a) - order(b) || (a < b ? -1 : 1);
}

function depthOf(value: JsonValue): number {
  if (value === null || typeof value !== "object") return 0;
  return 1 + Object.values(value).reduce<number>((deepest, child) => Math.max(deepest, depthOf(child)), 0);
}
