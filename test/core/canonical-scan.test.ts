/** The fast judgement about canonical texts against the slow one: it may pass a text on, never judge otherwise. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, parseCanonicalJson } from "../../src/core/canonical.ts";
import { scanCanonicalObject } from "../../src/core/canonical-scan.ts";

const DEPTH = 16;
const scan = (text: string) => scanCanonicalObject(text, DEPTH, () => {});

describe("a text that the scan takes for canonical", () => {
  test("is one, for every JSON object with sorted keys and every change of one character", () => {
    const object = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 });
    const character = fc.constantFrom(...'{}[]",:\\0123456789-+.eE tfn_a\n\u00e9\ud800');
    fc.assert(
      fc.property(object, fc.nat(), character, fc.boolean(), (value, place, replacement, change) => {
        let text = canonicalJson(value);
        if (change) {
          const at = place % text.length;
          text = text.slice(0, at) + replacement + text.slice(at + 1);
        }
        if (scan(text)) expect(parseCanonicalJson(text, DEPTH)).not.toBeNull();
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    '{"a":01}',
    '{"a":-0}',
    '{"a":1.0}',
    '{"a":1e3}',
    '{"a":9007199254740993}',
    '{"a": 1}',
    '{"a":1} ',
    '{"a":"\\u0061"}',
    '{"__proto__":1}',
    '{"a":"\ud800"}',
    '{"a":[1,]}',
    '{"a":1,}',
    '{"a"}',
    '{"ab":1,"a":2}',
    "[1]",
    "",
    "{",
    `{"a":${"[".repeat(16)}${"]".repeat(16)}}`,
  ])("is not %j", (text) => {
    expect(scan(text)).toBe(false);
  });
});

test("ordinary objects are decided, and their members are named in order", () => {
  const text = '{"a":"x","ab":[1,-2,{"c":null}],"b":{},"c":true,"é":"ü"}';
  const members: [string, string][] = [];
  const decided = scanCanonicalObject(text, DEPTH, (from, to, valueFrom, valueTo) => {
    members.push([text.slice(from, to), text.slice(valueFrom, valueTo)]);
  });
  expect(decided).toBe(true);
  expect(members).toEqual([
    ['"a"', '"x"'],
    ['"ab"', '[1,-2,{"c":null}]'],
    ['"b"', "{}"],
    ['"c"', "true"],
    ['"é"', '"ü"'],
  ]);
});
