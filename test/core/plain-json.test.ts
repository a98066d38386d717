/**
 * The short way decides nothing that the long way decides otherwise. A text that begins with a space always goes the long way:
 * `JSON.stringify` writes none.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, parseCanonicalJson } from "../../src/core/canonical.ts";
import { keysAreSorted, readPlain, writePlainSorted } from "../../src/core/plain-json.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { json } from "./arbitraries.ts";

const DEPTH = 16;
const longWay = (text: string) => parseStrictJson(` ${text}`, DEPTH);

const ODD = [
  '{"a":1,"a":2}',
  '{"__proto__":1}',
  '{"a":{"__proto__":{}}}',
  "9007199254740991",
  "9007199254740992",
  "-9007199254740993",
  "1e+21",
  "1e21",
  "5e-324",
  "1e-7",
  "0.1",
  "0.30000000000000004",
  "123456.7890123456",
  "-0",
  "1.0",
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"\ud83d\ude00"',
  '"\ud800"',
  '"\\\\ud800"',
  '"\\u0001"',
  '"\\n"',
  '{"2":1,"10":2}',
  '{"10":1,"2":2}',
  '{"b":1,"a":2}',
  "[".repeat(16) + "]".repeat(16),
  "[".repeat(17) + "]".repeat(17),
  "[".repeat(100_000) + "]".repeat(100_000),
  "",
  "nul",
];

test.each(ODD.map((text) => [text.slice(0, 40), text]))("reads %s as the long way does", (_, text) => {
  const plain = readPlain(text, DEPTH);
  if (plain) expect(longWay(text)).toStrictEqual({ ok: true, value: plain.value });
  const { ok } = parseStrictJson(text, DEPTH);
  expect(ok).toBe(longWay(text).ok);
});

test("reads every text as the long way does, also one that was changed a little", () => {
  const piece = fc.constantFrom("", " ", "0", "1", '"', ",", "\\ud800", "e5", ".5", "[", "}", '"a":1,');
  fc.assert(
    fc.property(json, fc.nat(), piece, (value, place, inserted) => {
      const text = JSON.stringify(value);
      const at = place % (text.length + 1);
      const other = text.slice(0, at) + inserted + text.slice(inserted === "" ? at + 1 : at);
      for (const each of [text, other]) {
        const read = parseStrictJson(each, DEPTH);
        const expected = longWay(each);
        if (read.ok) expect(read).toStrictEqual(expected);
        else expect({ ...read, detail: "" }).toStrictEqual({ ...expected, detail: "" });
      }
    }),
    { numRuns: 1000 },
  );
});

test("most of what programs send goes the short way", () => {
  const event = {
    action: "invoice.sent",
    actor: { type: "user", id: "u" },
    metadata: { n: 12.5, list: [1, null, true] },
  };
  expect(readPlain(JSON.stringify(event), DEPTH)).toEqual({ value: event });
  expect(writePlainSorted(event)).toBe(canonicalJson(event));
});

test("a text is canonical only with sorted keys, whichever way it went", () => {
  expect(parseCanonicalJson('{"a":1,"b":2}', DEPTH)).toEqual({ value: { a: 1, b: 2 } });
  expect(parseCanonicalJson('{"b":1,"a":2}', DEPTH)).toBeNull();
  expect(parseCanonicalJson('{"10":1,"2":2}', DEPTH)).toEqual({ value: { "10": 1, "2": 2 } });
  expect(parseCanonicalJson('{"2":2,"10":1}', DEPTH)).toBeNull();
  expect(keysAreSorted([{ a: { d: 1, c: 1 } }] as JsonValue)).toBe(false);
});

test("what JSON cannot say is never written the short way", () => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    ["\ud800"],
    { a: () => 1 },
    new Date(0),
    [undefined],
    1n,
  ]) {
    expect(writePlainSorted(value)).toBeNull();
  }
  expect(() => canonicalJson({ a: "\ud800" })).toThrow();
  expect(() => canonicalJson({ a: Number.NaN })).toThrow();
});
