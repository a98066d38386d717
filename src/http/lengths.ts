/**
 * zod compares the `length` of whatever stands where a string or an array is wanted (its length checks run on values of any type),
 * and comparing `{"toString": …}` throws a TypeError in JavaScript. JSON from outside can say that, so it is looked for first.
 */
import type { z } from "@hono/zod-openapi";
import type { FieldError } from "../core/errors.ts";
import { type JsonValue, jsonPointer } from "../core/strict-json.ts";

/** The first `length` in `value` that cannot be compared with a number; null: there is none. O(n). */
export function lengthFault(value: JsonValue, ...path: (string | number)[]): FieldError | null {
  if (value === null || typeof value !== "object") return null;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "length" && !Array.isArray(value) && !isComparable(inner)) {
      return { pointer: jsonPointer(...path, key), detail: "is an object that cannot be compared" };
    }
    const fault = lengthFault(inner, ...path, key);
    if (fault) return fault;
  }
  return null;
}

/** As `schema.safeParse`, of JSON from outside; null: it is not of this shape. */
export function parsedAs<S extends z.ZodType>(schema: S, json: JsonValue): z.output<S> | null {
  if (lengthFault(json)) return null;
  const result = schema.safeParse(json);
  return result.success ? result.data : null;
}

function isComparable(value: JsonValue): boolean {
  try {
    return typeof Number(value) === "number";
  } catch {
    return false;
  }
}
