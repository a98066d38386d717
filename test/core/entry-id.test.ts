import fc from "fast-check";
import { expect, test } from "vitest";
import { entryIdFor } from "../../src/core/entry-id.ts";
import { ENTRY_ID_PATTERN, LOG_MADE_ID_PATTERN } from "../../src/core/event.ts";
import vectors from "../vectors/entry-id.json" with { type: "json" };

const time = fc.oneof(
  fc.nat(2 ** 31),
  fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 48),
);
const seq = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger().map(Math.abs),
  fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 48 - 1, 2 ** 48, Number.MAX_SAFE_INTEGER),
);

test("RFC 9562 §5.8: an id made by the log is always a UUID of version 8, which clients may not use", () => {
  fc.assert(
    fc.property(time, seq, (ms, n) => {
      const id = entryIdFor(ms, n);
      expect(id).toMatch(LOG_MADE_ID_PATTERN);
      expect(id).toMatch(ENTRY_ID_PATTERN);
      expect(id[14]).toBe("8");
      expect(id[19]).toBe("8");
    }),
    { numRuns: 500 },
  );
});

test("an id made by the log gives back its time and seq, so no two entries of a domain share one", () => {
  fc.assert(
    fc.property(time, seq, (ms, n) => {
      const hex = entryIdFor(ms, n).replaceAll("-", "");
      expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(ms);
      expect(BigInt(`0x${hex.slice(16)}`) - 2n ** 63n).toBe(BigInt(n));
    }),
    { numRuns: 500 },
  );
});

test("ids made by the log sort by time, then by seq", () => {
  fc.assert(
    fc.property(time, seq, time, seq, (msA, seqA, msB, seqB) => {
      const order = Math.sign(msA - msB || seqA - seqB);
      const [a, b] = [entryIdFor(msA, seqA), entryIdFor(msB, seqB)];
      expect(a < b ? -1 : a > b ? 1 : 0).toBe(order);
    }),
    { numRuns: 500 },
  );
});

test.each([
  [-1, 0],
  [0.5, 0],
  [2 ** 48, 0],
  [Number.NaN, 0],
  [0, -1],
  [0, 0.5],
  [0, 2 ** 53],
])("a time of %d ms or a seq of %d cannot be written and throws", (ms, n) => {
  expect(() => entryIdFor(ms, n)).toThrow(RangeError);
});

test.each(vectors.ids)("pinned: ($recorded_at_ms, $seq) → $id; changing it renames entries that exist", (vector) => {
  expect(entryIdFor(vector.recorded_at_ms, vector.seq)).toBe(vector.id);
});
