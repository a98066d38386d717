/** JSON whose `length` cannot be compared is told of as a fault of the sender; nothing throws. */
import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import type { JsonValue } from "../../src/core/strict-json.ts";
import { shapeErrors } from "../../src/http/intake/check.ts";
import { lengthFault, parsedAs } from "../../src/http/lengths.ts";

const COUNTED = z.object({ name: z.string().max(3) });

test.each<[string, JsonValue, string | null]>([
  ["an object that hides its own text", { name: { length: { toString: "" } } }, "/name/length"],
  ["such an object in a list", [{ length: [[{ toString: null }]] }], "/0/length"],
  ["deep in a list of lists", { length: [{ length: { a: 1 } }, { length: { toString: 1 } }] }, "/length/1/length"],
  ["a number", { name: { length: 3 } }, null],
  ["an object as others", { name: { length: { valueOf: 1 } } }, null],
  ["a list", { length: [1, [2, {}]] }, null],
])("a length that is %s", (_, json, pointer) => {
  expect(lengthFault(json)?.pointer ?? null).toBe(pointer);
  expect(parsedAs(COUNTED, json)).toBeNull();
});

test("an event with such a field is refused with the place", () => {
  const event = { action: "a.b", clear_metadata: { length: { toString: "" } } };
  expect(shapeErrors(event)).toEqual([
    { pointer: "/clear_metadata/length", detail: "is an object that cannot be compared" },
  ]);
});

test("a field that is not there is said to be missing, in words", () => {
  expect(shapeErrors({ action: "a.b" })).toContainEqual({ pointer: "/actor", detail: "is missing" });
});
