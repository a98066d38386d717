/**
 * The short way for ordinary JSON. `JSON.parse` and `JSON.stringify` are many times faster than reading and writing character
 * by character, but lose things in silence (strict-json.ts, canonical.ts). Here stands when they lose nothing. Whatever is
 * unusual is not decided here: `null` means "look closely", never "refused".
 */
import type { JsonValue } from "./strict-json.ts";

/** Deeper values go the long way, which does not recurse. */
const MAX_DEPTH = 32;

/**
 * The value of an untrusted text that is spelled as `JSON.stringify` spells it and has nothing in it that two readers could
 * read as two things. The round trip shows that no key stands twice, no number was rounded and no space or escape is lost.
 */
export function readPlain(text: string, maxDepth: number): { value: JsonValue } | null {
  try {
    const value: JsonValue = JSON.parse(text);
    if (JSON.stringify(value) !== text) return null;
    return !holdsSurrogate(text) && isPlain(value, Math.min(maxDepth, MAX_DEPTH)) ? { value } : null;
  } catch {
    return null;
  }
}

/** Whether every object has its keys in the order of RFC 8785 §3.2.3, that of UTF-16 code units. */
export function keysAreSorted(value: JsonValue): boolean {
  if (value === null || typeof value !== "object") return true;
  if (Array.isArray(value)) return value.every(keysAreSorted);
  let before = "";
  for (const key of Object.keys(value)) {
    if (key < before || !keysAreSorted(value[key] as JsonValue)) return false;
    before = key;
  }
  return true;
}

/** The text that `JSON.stringify` writes for a value of plain objects once their keys are sorted. */
export function writePlainSorted(value: unknown): string | null {
  const sorted = inOrder(value, MAX_DEPTH);
  if (sorted === undefined) return null;
  const text = JSON.stringify(sorted);
  return holdsSurrogate(text) ? null : text;
}

/** `JSON.stringify` escapes half a surrogate pair and leaves whole ones alone. */
const holdsSurrogate = (text: string) => text.includes("\\ud");

function isPlain(value: JsonValue, depthLeft: number): boolean {
  if (typeof value === "number") return isPlainNumber(value);
  if (value === null || typeof value !== "object") return true;
  if (depthLeft === 0) return false;
  if (Array.isArray(value)) return value.every((child) => isPlain(child, depthLeft - 1));
  return Object.keys(value).every((key) => key !== "__proto__" && isPlain(value[key] as JsonValue, depthLeft - 1));
}

/** Integers that keep every digit, and fractions of at most 15 digits away from zero. */
function isPlainNumber(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value);
  return Math.abs(value) >= 1e-6 && String(value).length <= 16;
}

/** The same value with sorted keys, itself where they are; `undefined` when something in it is not plain. */
function inOrder(value: unknown, depthLeft: number): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object" || depthLeft === 0) return undefined;
  if (Array.isArray(value)) return allInOrder(value, depthLeft);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  return membersInOrder(value as { [key: string]: unknown }, depthLeft);
}

function membersInOrder(members: { [key: string]: unknown }, depthLeft: number): unknown {
  const keys = Object.keys(members);
  let before = "";
  let ordered = true;
  for (const key of keys) {
    // Keys that look like an index come first in any object, and this one is no ordinary member.
    if ((key >= "0" && key < ":") || key === "__proto__") return undefined;
    if (key < before) ordered = false;
    before = key;
  }
  if (!ordered) keys.sort();
  const sorted: { [key: string]: unknown } = {};
  for (const key of keys) {
    // As in JSON.stringify: what is undefined is not there.
    if (members[key] === undefined) continue;
    const child = inOrder(members[key], depthLeft - 1);
    if (child === undefined) return undefined;
    if (child !== members[key]) ordered = false;
    sorted[key] = child;
  }
  return ordered ? members : sorted;
}

function allInOrder(values: readonly unknown[], depthLeft: number): unknown[] | undefined {
  const sorted: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const child = inOrder(values[i], depthLeft - 1);
    if (child === undefined) return undefined;
    sorted.push(child);
  }
  return sorted;
}
