/** Which schemas are taken, and where the others are said to be wrong. */
import { expect, test } from "vitest";
import { clearKeys, type SchemaJson, schemaFaults } from "../../../src/core/event-schema/vet.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { JsonValue } from "../../../src/core/strict-json.ts";

test("a schema with every keyword that is supported is taken", () => {
  const schema: SchemaJson = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $comment: "all of them",
    $defs: { money: { type: "integer", minimum: 0, exclusiveMaximum: 10, multipleOf: 1 } },
    title: "An order",
    type: ["object", "null"],
    properties: {
      amount: { $ref: "#/$defs/money", "x-clear": true, description: "in cents", default: 1, examples: [1] },
      code: { type: "string", minLength: 1, maxLength: 9, pattern: "^[A-Z]+$", deprecated: true },
      at: { type: "string", format: "date-time" },
      kind: { enum: ["a", "b"] },
      one: { const: 1 },
      list: { type: "array", items: { type: "string" }, prefixItems: [true], minItems: 1, maxItems: 3 },
      either: { anyOf: [{ type: "string" }, { type: "null" }], oneOf: [true], allOf: [true], not: { const: 2 } },
      id: { type: "string" },
    },
    required: ["amount"],
    dependentRequired: { code: ["kind"] },
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 9,
    if: { required: ["code"] },
    then: true,
    else: { maximum: 1, exclusiveMinimum: 0 },
  };
  expect(schemaFaults(schema, "metadata")).toEqual([]);
  expect(clearKeys(schema)).toEqual(["amount"]);
});

test.each<[string, JsonValue, string]>([
  ["no object", [], ""],
  ["true", true, ""],
  ["an unknown keyword", { properties: { a: { typ: "string" } } }, "/properties/a/typ"],
  ["another dialect", { $schema: "http://json-schema.org/draft-07/schema#" }, "/$schema"],
  ["a type that is none", { type: "text" }, "/type"],
  ["a type twice", { type: ["string", "string"] }, "/type"],
  ["a remote $ref", { items: { $ref: "https://example.com/a" } }, "/items/$ref"],
  ["a $ref to nothing", { $ref: "#/$defs/a" }, "/$ref"],
  ["a $ref to itself", { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }, "/$defs/a/$ref"],
  ["$defs inside", { items: { $defs: {} } }, "/items/$defs"],
  ["an anchor", { $anchor: "a" }, "/$anchor"],
  ["an id", { $id: "a" }, "/$id"],
  ["uniqueItems, whose check is quadratic", { uniqueItems: true }, "/uniqueItems"],
  ["patternProperties", { patternProperties: {} }, "/patternProperties"],
  ["a pattern that is dear", { properties: { a: { pattern: "^(a+)+$" } } }, "/properties/a/pattern"],
  ["a format whose check is dear", { format: "email" }, "/format"],
  ["an empty enum", { enum: [] }, "/enum"],
  ["required with a name twice", { required: ["a", "a"] }, "/required"],
  ["a name that every object has", { required: ["constructor"] }, "/required"],
  ["a property that every object has", { properties: { toString: {} } }, "/properties/toString"],
  ["a negative length", { minLength: -1 }, "/minLength"],
  [
    "x-clear deeper than a key of metadata",
    { properties: { a: { items: { "x-clear": true } } } },
    "/properties/a/items/x-clear",
  ],
  ["a card number", { enum: ["4111 1111 1111 1111"] }, "/enum/0"],
  ["an e-mail address", { examples: [{ to: "ana@example.com" }] }, "/examples/0/to"],
])("%s is refused with its pointer", (_, schema, pointer) => {
  expect(schemaFaults(schema, "metadata").map((fault) => fault.pointer)).toEqual([pointer]);
});

test("x-clear is for metadata alone", () => {
  const schema = { properties: { action: { "x-clear": true } } };
  expect(schemaFaults(schema, "metadata")).toEqual([]);
  expect(schemaFaults(schema, "event")).toMatchObject([{ pointer: "/properties/action/x-clear" }]);
});

test("a schema that doubles with every $ref is refused before anything is checked by it", () => {
  const $defs: SchemaJson = { d0: { type: "string" } };
  for (let i = 1; i <= 12; i++)
    $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
  expect(schemaFaults({ $defs, $ref: "#/$defs/d12" }, "event")).toMatchObject([
    { pointer: "", detail: expect.stringContaining("every $ref followed") },
  ]);
});

test.each(["enum", "const", "default", "examples", "$defs", "$ref"])(
  "a $ref under a property that is named like a keyword, %s, is followed too",
  (name) => {
    const again = { $ref: "#/$defs/a" };
    const $defs = { a: { properties: { [name]: { allOf: [again, again, again] } } } };
    expect(schemaFaults({ $defs, ...again }, "event")).toMatchObject([{ detail: "leads back to itself" }]);
    const counted = { allOf: Array.from({ length: 600 }, () => true) };
    const wide = { properties: { [name]: { allOf: Array.from({ length: 600 }, () => ({})) } } };
    expect(schemaFaults(counted, "event")).toEqual([]);
    expect(schemaFaults(wide, "event")).toMatchObject([{ detail: expect.stringContaining("every $ref followed") }]);
  },
);

test("one that is too large, or too deep, is refused", () => {
  const large = { description: "x".repeat(LIMITS.eventSchemaBytes) };
  expect(schemaFaults(large, "event")).toMatchObject([{ pointer: "" }]);
  let deep: SchemaJson = {};
  for (let i = 0; i < 20; i++) deep = { items: deep };
  expect(schemaFaults(deep, "event")[0]?.detail).toContain("nested deeper");
});
