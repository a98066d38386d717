/** The plaintext of what is sealed about one entry and one subject (SPEC.md §9). */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { decodePrivateValues, encodePrivateValues, privateRowId } from "../../src/core/private-values.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import vector from "../vectors/private-values.json" with { type: "json" };

/** What an event may hold: only that is ever sealed. */
const json = fc
  .jsonValue({ maxDepth: 5 })
  .map((value) => parseStrictJson(canonicalJson(value as object), 16))
  .filter((parsed) => parsed.ok)
  .map((parsed) => (parsed as { value: JsonValue }).value);
const value = fc.record({
  pointer: fc.string({ unit: "grapheme" }),
  salt: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  value: json,
});

describe("private values", () => {
  test("come back as they were, in their order", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 10 }), (values) => {
        expect(decodePrivateValues(encodePrivateValues(values))).toEqual(
          values.map((each) => ({ ...each, salt: new Uint8Array(each.salt) })),
        );
      }),
    );
  });

  test("have the bytes of the vector: changing them breaks revealing everything that is sealed already", () => {
    const values = vector.values.map((each) => ({ ...each, salt: fromHex(each.salt) as Uint8Array }));
    expect(encodePrivateValues(values)).toBe(vector.plaintext);
    expect(decodePrivateValues(vector.plaintext)).toEqual(values);
    expect(createHash("sha256").update(vector.plaintext).digest("hex")).toBe(vector.sha256);
  });

  test("have one spelling: every other text of the same values is refused", () => {
    const salt = "00".repeat(32);
    const text = `[["/a","${salt}",{"b":1,"c":2}]]`;
    expect(decodePrivateValues(text)).toHaveLength(1);
    for (const other of [
      ` ${text}`,
      text.replace(",", ", "),
      `[["/a","${salt}",{"c":2,"b":1}]]`,
      `[["/a","${salt.toUpperCase().replaceAll("0", "A")}",1]]`,
      `[["/a","${salt}",1.0]]`,
    ]) {
      expect(decodePrivateValues(other), other).toBeNull();
    }
  });

  test.each([
    ["no JSON", "x"],
    ["no array", "{}"],
    ["a value without salt", '[["/a",1]]'],
    ["a salt that is too short", `[["/a","${"00".repeat(31)}",1]]`],
    ["a salt that is too long", `[["/a","${"00".repeat(33)}",1]]`],
    ["a salt that is no hex", `[["/a","${"0g".repeat(32)}",1]]`],
    ["a pointer that is no string", `[[1,"${"00".repeat(32)}",1]]`],
    ["a fourth part", `[["/a","${"00".repeat(32)}",1,2]]`],
    ["a value that is no array", '["/a"]'],
  ])("%s is refused", (_, text) => {
    expect(decodePrivateValues(text)).toBeNull();
  });

  test("are bound to their entry and their subject: no two rows have one id", () => {
    const part = fc.string({ maxLength: 5 });
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        expect(toHex(privateRowId(a, b))).not.toBe(toHex(privateRowId(c, d)));
      }),
    );
  });
});
