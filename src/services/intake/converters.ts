/** How values of other formats become fields of an event. Each gives undefined for what is no such value: nothing is guessed. */
import { Buffer } from "node:buffer";
import { isProductsOwn } from "../../core/actions/product.ts";
import { type Outcome, TRACEPARENT_PATTERN } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { snakeCase } from "../../core/snake-case.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { type Converter, isObject } from "./mapping.ts";

/** Text of one line, as names and ids are. */
export const lineOf =
  (maxChars: number): Converter =>
  (value) =>
    typeof value === "string" && value.length > 0 && value.length <= maxChars && !/\p{Cc}/u.test(value)
      ? value
      : undefined;

export const identityId = lineOf(LIMITS.identityIdChars);
export const nameLine = lineOf(LIMITS.nameChars);

export const text =
  (maxChars: number): Converter =>
  (value) =>
    typeof value === "string" && value.length > 0 && value.length <= maxChars ? value : undefined;

export const ipAddress: Converter = (value) =>
  typeof value === "string" && value.length <= 45 && (IPV4.test(value) || isIpv6(value)) ? value : undefined;

export const traceparent: Converter = (value) =>
  typeof value === "string" && TRACEPARENT_PATTERN.test(value) ? value : undefined;

export const object: Converter = (value) => (isObject(value) ? value : undefined);

/** RFC 3339 with an offset, as the event wants it; whether it is a time at all is for the check of the event. */
export const dateTime: Converter = (value) => (typeof value === "string" ? value : undefined);

/** Milliseconds since 1970, of the years that RFC 3339 can write. */
export const epochMs: Converter = (value) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return undefined;
  return value >= YEAR_0_MS && value < YEAR_10000_MS ? new Date(value).toISOString() : undefined;
};

/** A type of ours: lower snake case. */
export const typeName: Converter = (value) => {
  const name = typeof value === "string" && value.length <= MAX_NAME_CHARS ? snakeCase(value) : "";
  return /^[a-z][a-z0-9_]{0,63}$/.test(name) ? name : undefined;
};

export const outcomeBy =
  (table: Readonly<Record<string, Outcome>>): Converter =>
  (value) =>
    typeof value === "number" ? table[String(value)] : undefined;

/** One segment of an action; `prefix` goes before a digit. Undefined: nothing of the name is a letter or digit. */
export function segment(name: JsonValue | undefined, prefix: string): string | undefined {
  // The rules for capitals are not linear; no name of an operation is this long.
  if (typeof name !== "string" || name.length > MAX_NAME_CHARS) return undefined;
  const snake = snakeCase(name);
  if (snake === "") return undefined;
  return /^[0-9]/.test(snake) ? prefix + snake : snake;
}

/** What only the product writes gets a prefix: somebody else's `key.created` is not this log's. */
export const foreignAction = (action: string, prefix: string): string =>
  isProductsOwn(action) ? `${prefix}_${action}` : action;

/** An id of ours for one that is unique only beside other words: 128 bits of SHA-256 over them, each with its length. */
export function derivedId(prefix: string, ...words: readonly string[]): string {
  const parts = words.map((word) => `${word.length}:${word}`);
  return `${prefix}-${Buffer.from(sha256(`moonseal/${prefix}/v1\n`, ...parts).subarray(0, 16)).toString("hex")}`;
}

function isIpv6(value: string): boolean {
  return /^[0-9a-f:.]+$/i.test(value) && value.includes(":") && URL.canParse(`http://[${value}]/`);
}

const MAX_NAME_CHARS = 256;
const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const YEAR_0_MS = -62_167_219_200_000;
const YEAR_10000_MS = Date.UTC(10_000, 0);
