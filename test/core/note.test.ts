/** FAULTS A14: a note has one accepted spelling, and its text is only read after its signature was checked. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatNote, type Note, parseNote } from "../../src/core/note.ts";
import vector from "../vectors/note.json" with { type: "json" };

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.stringMatching(/^[a-z0-9./-]{1,20}$/);
const lines = fc.array(
  fc.string({ unit: "grapheme", maxLength: 20 }).filter((l) => !/\p{Cc}/u.test(l)),
  {
    minLength: 1,
    maxLength: 4,
  },
);
const note: fc.Arbitrary<Note> = fc.record({
  text: lines.map((l) => `${l.join("\n")}\n`),
  signatures: fc.array(fc.record({ name, keyHash: bytes(4), signature: bytes(64) }), { minLength: 1, maxLength: 3 }),
});

test("a note gives back its text and signatures", () => {
  fc.assert(
    fc.property(note, (value) => {
      expect(parseNote(formatNote(value))).toEqual(value);
    }),
    { numRuns: 300 },
  );
});

test("A14 whatever is accepted is spelled exactly as formatNote spells it", () => {
  const piece = fc.constantFrom("", "\n", "\r", " ", "=", "+", "A", "\u2014", "\u00a0", "\ud800", "-- ");
  fc.assert(
    fc.property(note, fc.nat(), fc.nat(2), piece, (value, place, cut, insert) => {
      const formatted = formatNote(value);
      const at = place % (formatted.length + 1);
      const other = formatted.slice(0, at) + insert + formatted.slice(at + cut);
      const parsed = parseNote(other);
      if (parsed) expect(formatNote(parsed)).toBe(other);
    }),
    { numRuns: 1000 },
  );
});

const { text } = vector;
const signature = vector.note.slice(text.length + 1);
const [, base64] = /^\u2014 \S+ (\S+)\n$/.exec(signature) as unknown as [string, string];

/** The same bytes in another spelling: 68 bytes leave two bits of the last character unused. */
function otherUnusedBits(padded: string): string {
  const at = padded.indexOf("=") - 1;
  const other = BASE64_ALPHABET[BASE64_ALPHABET.indexOf(padded[at] as string) + 1];
  return padded.slice(0, at) + other + padded.slice(at + 1);
}
const BASE64_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

describe("A14 hostile notes are refused", () => {
  test.each([
    ["nothing", ""],
    ["no signature", `${text}\n`],
    ["no empty line", text + signature],
    ["no LF at the end", vector.note.slice(0, -1)],
    ["CRLF line ends", vector.note.replaceAll("\n", "\r\n")],
    ["a tab in the text", vector.note.replace("jurisdiction", "juris\tdiction")],
    ["a NUL in the text", vector.note.replace("jurisdiction", "juris\0diction")],
    ["half of a surrogate pair in the text", vector.note.replace("jurisdiction", "juris\ud800diction")],
    ["a hyphen for the dash", vector.note.replace("\u2014", "-")],
    ["two spaces before the name", vector.note.replace("\u2014 ", "\u2014  ")],
    ["a trailing space", `${vector.note.slice(0, -1)} \n`],
    ["an empty name", vector.note.replace(`\u2014 ${vector.name}`, "\u2014 ")],
    ["no base64", vector.note.replace(` ${base64}`, "")],
    ["base64 without padding", vector.note.replace(base64, base64.replaceAll("=", ""))],
    ["base64url", vector.note.replace(base64, base64.replaceAll("+", "-").replaceAll("/", "_"))],
    ["base64 with other unused bits", vector.note.replace(base64, otherUnusedBits(base64))],
    ["a key hash without a signature", vector.note.replace(base64, "YZzqNA==")],
    ["an empty line after the signatures", `${vector.note}\n`],
    ["a line that is no signature", `${vector.note}hello\n`],
    ["65 signatures", vector.note + signature.repeat(64)],
    ["more than 64 KiB", `${"x".repeat(64 * 1024)}\n\n${signature}`],
    ["more than 64 KiB of UTF-8 in fewer characters", `${"é".repeat(33 * 1024)}\n\n${signature}`],
  ])("%s", (_what, hostile) => {
    expect(hostile).not.toBe(vector.note);
    expect(parseNote(hostile)).toBeNull();
  });

  test.each([" ", "\u00a0", "\u2028", "\u3000", "\u0085", "+", "\t"])("a name with %j in it", (c) => {
    expect(parseNote(vector.note.replace(`\u2014 ${vector.name}`, `\u2014 log${c}name`))).toBeNull();
  });

  test("64 signatures are still accepted", () => {
    expect(parseNote(vector.note + signature.repeat(63))?.signatures).toHaveLength(64);
  });

  test("an empty line inside the text does not move the signatures", () => {
    const parsed = parseNote(`a\n\nb\n\n${signature}`);
    expect(parsed?.text).toBe("a\n\nb\n");
  });
});
