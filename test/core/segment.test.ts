import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../src/core/canonical.ts";
import { LIMITS } from "../../src/core/limits.ts";
import {
  decodeSegment,
  encodeSegment,
  parseSegmentKey,
  parseSegmentMetadata,
  segmentKey,
  segmentMetadata,
} from "../../src/core/segment.ts";
import vector from "../vectors/segment.json" with { type: "json" };
import { hex, json } from "./arbitraries.ts";

const { domain } = vector;
const seq = fc.oneof(fc.nat(), fc.maxSafeInteger().map(Math.abs), fc.constant(Number.MAX_SAFE_INTEGER));

test("decision 11: a segment's name gives back its first seq, and names sort as seqs do", () => {
  fc.assert(
    fc.property(seq, seq, (a, b) => {
      expect(parseSegmentKey(domain, segmentKey(domain, a))).toBe(a);
      expect(segmentKey(domain, a) < segmentKey(domain, b)).toBe(a < b);
    }),
    { numRuns: 300 },
  );
});

test.each([
  `audit/${domain}/0.json.zst`,
  `audit/${domain}/0000000000000000000x.json.zst`,
  `audit/${domain}/+0000000000000000001.json.zst`,
  `audit/${domain}/000000000000000000001.json.zst`,
  `audit/${domain}/00000000000000000001.json`,
  `audit/${domain}/00000000000000000001.json.zst.bak`,
  `audit/${domain}/00009007199254740992.json.zst`,
  `audit/${domain}x/00000000000000000001.json.zst`,
  `audit//00000000000000000001.json.zst`,
  `/audit/${domain}/00000000000000000001.json.zst`,
])("A12 an object of another name is not a segment of the domain: %s", (name) => {
  expect(parseSegmentKey(domain, name)).toBeNull();
});

test.each([-1, 0.5, 2 ** 53, Number.NaN])("a seq of %d has no name and throws", (bad) => {
  expect(() => segmentKey(domain, bad)).toThrow(RangeError);
});

test("a segment gives back exactly its payloads, whatever stands in them", () => {
  const payloads = fc.array(
    json.map((value) => canonicalJson({ value })),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(payloads, (lines) => {
      expect(decodeSegment(encodeSegment(lines))).toEqual(lines);
    }),
    { numRuns: 200 },
  );
});

test.each(["", "\n", "{}", "{}\n\n", "\n{}\n", "{}\n\n{}\n"])("a torn segment is refused: %j", (text) => {
  expect(decodeSegment(text)).toBeNull();
});

test("decision 11: 4,096 entries are a segment, one more is not", () => {
  const lines = (count: number) => encodeSegment(Array.from({ length: count }, () => "{}"));
  expect(LIMITS.segmentEntriesMax).toBe(4096);
  expect(decodeSegment(lines(4096))).toHaveLength(4096);
  expect(decodeSegment(lines(4097))).toBeNull();
});

test("custom metadata gives back the head of the segment", () => {
  const head = fc.record({
    firstSeq: seq,
    count: fc.integer({ min: 1, max: LIMITS.segmentEntriesMax }),
    prevHash: hex(32),
    lastHash: hex(32),
    sha256: hex(32),
  });
  fc.assert(
    fc.property(head, (value) => {
      expect(parseSegmentMetadata(segmentMetadata(value))).toEqual(value);
    }),
  );
});

const BAD_VALUES: [string, string | undefined][] = [
  ["first-seq", undefined],
  ["first-seq", ""],
  ["first-seq", "007"],
  ["first-seq", "+7"],
  ["first-seq", "-1"],
  ["first-seq", "1e3"],
  ["first-seq", "9007199254740992"],
  ["count", "0"],
  ["count", " 1"],
  ["prev-hash", vector.metadata["prev-hash"].toUpperCase()],
  ["prev-hash", vector.metadata["prev-hash"].slice(1)],
  ["last-hash", undefined],
  ["sha256", `${vector.metadata.sha256}00`],
];

test.each(BAD_VALUES)("custom metadata has one spelling: %s = %j is refused", (name, value) => {
  const { [name]: _, ...rest } = vector.metadata as Record<string, string>;
  expect(parseSegmentMetadata(value === undefined ? rest : { ...rest, [name]: value })).toBeNull();
});

test("an object without custom metadata has no head", () => {
  expect(parseSegmentMetadata(undefined)).toBeNull();
  expect(parseSegmentMetadata({})).toBeNull();
});
