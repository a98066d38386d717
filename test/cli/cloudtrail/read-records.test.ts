import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRecord } from "../../../src/cli/cloudtrail/parse-record.ts";
import { type RawRecord, RecordSplitter } from "../../../src/cli/cloudtrail/split-records.ts";
import { parseStrictJson } from "../../../src/core/strict-json.ts";

function split(pieces: string[]) {
  const splitter = new RecordSplitter();
  const records: RawRecord[] = pieces.flatMap((piece) => splitter.push(piece));
  return { splitter, records, texts: records.map(({ json }) => json) };
}

describe("splitting", () => {
  test("gives each record's own text, wherever the pieces of the file end", () => {
    const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => json !== undefined);
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 6 }),
        fc.nat(3),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (list, indent, cuts) => {
          const text = JSON.stringify(
            { before: [{ Records: "Records" }], Records: list, after: { Records: [1] } },
            null,
            indent,
          );
          const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
          const pieces = places.slice(1).map((end, i) => text.slice(places[i], end));
          const { splitter, texts } = split(pieces);
          expect(texts.map((json) => JSON.parse(json ?? ""))).toEqual(JSON.parse(JSON.stringify(list)));
          expect([splitter.found, splitter.complete]).toEqual([true, true]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a record that is no JSON spoils no other", () => {
    const { records } = split(['{"Records":[{"a":1},{"a":nonsense},{"a":3}]}']);
    expect(records).toEqual([
      { index: 0, json: '{"a":1}' },
      { index: 1, json: '{"a":nonsense}' },
      { index: 2, json: '{"a":3}' },
    ]);
  });

  test("a file that was cut off gives its whole records and is known to be incomplete", () => {
    const { splitter, texts } = split(['{"Records":[{"a":1},{"a":']);
    expect(texts).toEqual(['{"a":1}']);
    expect([splitter.complete, splitter.index]).toEqual([false, 1]);
  });

  test("a record longer than any may be is passed over in bounded memory", () => {
    const mebibyte = "x".repeat(1024 * 1024);
    const { texts } = split(['{"Records":[{"a":"', ...Array(5).fill(mebibyte), '"},{"b":1}]}']);
    expect(texts).toEqual([null, '{"b":1}']);
  });

  test("a file without Records says so", () => {
    expect(split(['{"digestEndTime":"2023"}']).splitter.found).toBe(false);
  });
});

describe("parsing a record", () => {
  test("numbers that a double cannot hold keep their digits as strings", () => {
    const json = '{"a":12345678901234567890,"b":[1e400],"c":1.5,"d":"12345678901234567890"}';
    expect(parseRecord(json)).toEqual({
      ok: true,
      record: { a: "12345678901234567890", b: ["1e400"], c: 1.5, d: "12345678901234567890" },
    });
  });

  test("every number comes out as the API takes it, as a number or as the string of its digits", () => {
    const literal = fc.stringMatching(/^-?(0|[1-9]\d{0,22})(\.\d{1,22})?(e-?\d{1,3})?$/);
    fc.assert(
      fc.property(literal, (number) => {
        const parsed = parseRecord(`{"n":${number}}`);
        const value = parsed.ok ? parsed.record.n : undefined;
        if (typeof value === "string") expect(value).toBe(number);
        else expect(parseStrictJson(JSON.stringify(value), 0).ok).toBe(true);
        expect(parsed.ok).toBe(true);
      }),
    );
  });

  test("half a character, where AWS cut a string, becomes U+FFFD; whole ones stay", () => {
    expect(parseRecord('{"a":"x\\ud83d","b":"\\ud83d\\ude00","c":"\\\\ud83d"}')).toEqual({
      ok: true,
      record: { a: "x\ufffd", b: "😀", c: "\\ud83d" },
    });
  });

  test.each([
    ['{"a":1,"a":2}', /twice.* at \/a/],
    ['{"a":1,"n":12345678901234567890,"a":2}', /twice/],
    ["[1]", /not a JSON object/],
    ["{", /not JSON/],
    [`{"a":${"[".repeat(500)}${"]".repeat(500)}}`, /deeper/],
  ])("%s is reported", (json, why) => {
    expect(parseRecord(json)).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });
});
