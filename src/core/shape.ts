/** Checks of the shape of untrusted JSON that was read back: exactly these fields, each of its kind. */
import { fromHex } from "./bytes.ts";
import { type IdKind, parseId } from "./ids.ts";

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === "string";
/** A size or a place: 0 or more, without losing a digit. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** 32 bytes, lower-case hex. */
export const isHash: Check = (value) => typeof value === "string" && value.length === 64 && fromHex(value) !== null;
/** RFC 3339 in the one spelling of `Date.prototype.toISOString`: the order of such texts is that of the times. */
export const isInstant: Check = (value) =>
  typeof value === "string" &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));

export const isIdOf =
  (kind: IdKind): Check =>
  (value) =>
    typeof value === "string" && parseId(value)?.kind === kind;

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** An object with exactly these fields. */
export const withFields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === Object.keys(checks).length &&
    Object.entries(checks).every(
      ([name, check]) => Object.hasOwn(value, name) && check((value as Record<string, unknown>)[name]),
    );
