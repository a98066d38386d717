/**
 * zod compares the `length` of whatever stands where a string or an array is wanted (its length checks run on values of any type),
 * and comparing `{"toString": …}` throws a TypeError in JavaScript. JSON from outside can say that.
 */
import type { z } from "@hono/zod-openapi";
import type { FieldError } from "../core/errors.ts";
import { type JsonValue, jsonPointer } from "../core/strict-json.ts";

/** The first `length` in `json` that cannot be compared with a number; null: there is none. One walk over the value. */
export function lengthFault(json: JsonValue): FieldError | null {
  const path = pathTo(json);
  return path && { pointer: jsonPointer(...path), detail: "is an object that cannot be compared" };
}

/** As `schema.safeParse`, of JSON from outside; null: it is not of this shape. */
export function parsedAs<S extends z.ZodType>(schema: S, json: JsonValue): z.output<S> | null {
  if (pathTo(json)) return null;
  const result = schema.safeParse(json);
  return result.success ? result.data : null;
}

function pathTo(json: JsonValue): string[] | null {
  if (json === null || typeof json !== "object") return null;
  for (const [key, inner] of Object.entries(json)) {
    if (key === "length" && !isComparable(inner)) return [key];
    const below = pathTo(inner);
    if (below) return [key, ...below];
  }
  return null;
}

function isComparable(value: JsonValue): boolean {
  try {
    Number(value);
    return true;
  } catch {
    return false;
  }
}
