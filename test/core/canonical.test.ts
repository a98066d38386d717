import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, parseCanonicalJson } from "../../src/core/canonical.ts";
import type { JsonValue } from "../../src/core/strict-json.ts";
import { json } from "./arbitraries.ts";

/** Key order is the only freedom that JavaScript leaves a JSON value in memory. */
function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, child]) => [name, reversed(child)]),
  );
}

/** RFC 8785 again, in ten lines and without the library. */
function jcs(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${jcs(value[name] as JsonValue)}`).join(",")}}`;
}

test("canonical text does not depend on key order, is idempotent, and is what ten independent lines write", () => {
  fc.assert(
    fc.property(json, (value) => {
      const canonical = canonicalJson(value as object);
      expect(canonical).toBe(jcs(value));
      expect(canonicalJson(reversed(value) as object)).toBe(canonical);
      expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
    }),
    { numRuns: 400 },
  );
});

test("A15 the reader accepts the canonical spelling and gives back its value", () => {
  fc.assert(
    fc.property(json, (value) => {
      const canonical = canonicalJson(value as object);
      expect(parseCanonicalJson(canonical, 16)).toStrictEqual({ value: JSON.parse(canonical) });
    }),
    { numRuns: 300 },
  );
});

test("A15 a text with one character more, less or changed is another value or is refused", () => {
  fc.assert(
    fc.property(json, fc.nat(), fc.constantFrom(" ", "0", "\\u0061", "\n", ""), (value, place, piece) => {
      const canonical = canonicalJson(value as object);
      const at = place % (canonical.length + 1);
      const other = canonical.slice(0, at) + piece + canonical.slice(piece === "" ? at + 1 : at);
      fc.pre(other !== canonical);
      const parsed = parseCanonicalJson(other, 16);
      if (parsed) expect(jcs(parsed.value)).toBe(other);
    }),
    { numRuns: 500 },
  );
});

test.each([
  '{"b":1,"a":2}',
  '{"a": 1}',
  '{"a":1}\n',
  '\ufeff{"a":1}',
  '{"a":1.0}',
  '{"a":-0}',
  '{"a":1e0}',
  '{"a":1E30}',
  String.raw`{"a":"\u0061"}`,
  String.raw`{"a":"\/"}`,
  String.raw`{"a":"\u000A"}`,
  '{"a":1,"a":1}',
  '{"a":9007199254740993}',
  String.raw`{"a":"\ud800"}`,
  '{"__proto__":1}',
  "",
])("A15 one spelling only: %j is refused", (source) => {
  expect(parseCanonicalJson(source, 16)).toBeNull();
});

test("A15 NFC and NFD are two values with one stable spelling each", () => {
  const [nfc, nfd] = ["\u00e9", "e\u0301"].map((value) => canonicalJson([value]));
  expect([nfc, nfd]).toEqual(['["\u00e9"]', '["e\u0301"]']);
});

test("what is not JSON has no canonical text", () => {
  for (const value of [undefined, () => 1, Symbol("s")]) expect(() => canonicalJson(value as never)).toThrow();
});
