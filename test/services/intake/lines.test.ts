/** The cutter of lines against a naive split, for any bytes and any pieces. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Line, LineCutter } from "../../../src/services/intake/lines.ts";

const MAX = 8;

function naive(bytes: Uint8Array): Line[] {
  const texts = Buffer.from(bytes).toString("latin1").split("\n");
  if (texts.at(-1) === "") texts.pop();
  return texts.map((text: string, i: number) =>
    text.length > MAX ? { number: i + 1, tooLong: true } : { number: i + 1, bytes: Buffer.from(text, "latin1") },
  );
}

function cut(pieces: readonly Uint8Array[]): Line[] {
  const cutter = new LineCutter(MAX);
  return [...pieces.flatMap((piece) => [...cutter.push(piece)]), ...cutter.end()];
}

const comparable = (lines: readonly Line[]) =>
  lines.map((line) =>
    line.tooLong ? `${line.number} too long` : `${line.number} ${Buffer.from(line.bytes).toString("hex")}`,
  );

/** Bytes in which ends of lines are frequent, and where they are cut. */
const bytesOf = fc.array(fc.oneof(fc.constant(0x0a), fc.constant(0x0d), fc.integer({ min: 0, max: 255 })), {
  maxLength: 200,
});

describe("a stream is cut into the same lines however it comes", () => {
  test("for any bytes in any pieces: as a split of the whole", () => {
    fc.assert(
      fc.property(bytesOf, fc.array(fc.nat(200)), (numbers, cuts) => {
        const bytes = Uint8Array.from(numbers);
        const ends = [...new Set(cuts.filter((at) => at <= bytes.length))].sort((a, b) => a - b);
        const pieces = [0, ...ends].map((start, i) => bytes.subarray(start, ends[i] ?? bytes.length));
        expect(comparable(cut(pieces))).toEqual(comparable(naive(bytes)));
      }),
      { numRuns: 2000 },
    );
  });

  test("a line of exactly the limit is a line, one byte more is too long, and the next one is whole again", () => {
    const text = `${"a".repeat(MAX)}\n${"b".repeat(MAX + 1)}\nc\n`;
    const whole = ["1 6161616161616161", "2 too long", "3 63"];
    expect(comparable(cut([Buffer.from(text)]))).toEqual(whole);
    expect(comparable(cut([...Buffer.from(text)].map((byte) => Uint8Array.of(byte))))).toEqual(whole);
  });

  test("the last line needs no LF, and after an LF there is none", () => {
    expect(comparable(cut([Buffer.from("a\nb")]))).toEqual(["1 61", "2 62"]);
    expect(comparable(cut([Buffer.from("a\n")]))).toEqual(["1 61"]);
    expect(comparable(cut([]))).toEqual([]);
  });
});
