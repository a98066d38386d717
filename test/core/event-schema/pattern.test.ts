/** Which patterns of tenants may run: what the rule refuses, what it takes, and that what it takes is quick. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { patternFault } from "../../../src/core/event-schema/pattern-cost.ts";
import { LIMITS } from "../../../src/core/limits.ts";

test.each([
  "^[a-z]+(?:-[a-z]+)*$",
  "^[a-z][a-z0-9-]{0,62}[a-z0-9]$",
  "^INV-\\d{4}-\\d+$",
  "^(?:foo|bar|baz)$",
  "^(?:card|cash)$",
  "^[^@]+@[^@]+$",
  "^.*\\.csv$",
  "^https://.+$",
  "^[0-9a-f]{64}$",
  "^(?<year>\\d{4})-(?<month>\\d\\d)$",
  "^\\p{L}+$",
  "^[\\w.-]{1,100}$",
  "^\\d+(?:\\.\\d+)?$",
  "\\.csv$",
  "^$",
  "",
])("%s is taken", (source) => {
  expect(patternFault(source)).toBeNull();
});

test.each([
  ["(a+)+$", "must begin with ^"],
  ["^(a+)+$", "too many ways"],
  ["^(a|a)*$", "too many ways"],
  ["^(a|ab)*c$", "too many ways"],
  ["^(.*)*$", "too many ways"],
  ["^a*a*a*b$", "too many ways"],
  ["^.*foo.*bar.*$", "too many ways"],
  ["^(\\w+\\s?)*$", "too many ways"],
  ["^([a-z0-9]+[.-]?)+x$", "too many ways"],
  ["^(x?){60}x{60}$", "too many ways"],
  ["^[^a]*b*\\p{L}*$", "too many ways"],
  ["^[^\\s]+\\d+$", "too many ways"],
  ["\\d+x", "must begin with ^"],
  ["^a|b+$", "must begin with ^"],
  ["^(a)\\1$", "refer back"],
  ["^(?<n>a)\\k<n>$", "refer back"],
  ["^(?=a)b", "ahead or behind"],
  ["^(?<!a)b", "ahead or behind"],
  ["^a{1001}$", "has more than"],
  ["^((a{100}){100}){100}$", "has more than"],
  ["^[z-a]$", "is no regular expression"],
  ["^(", "is no regular expression"],
  ["a".repeat(LIMITS.patternChars + 1), "is longer than"],
])("%s is refused: it %s", (source, detail) => {
  expect(patternFault(source)).toContain(detail);
});

const piece = fc.constantFrom("a", "b", "[ab]", "[^b]", ".", "\\w", "(?:a|b)", "(?:ab?)", "(?:a|ab)", "-");
const times = fc.constantFrom("", "", "?", "*", "+", "{2}", "{0,3}", "{1,20}", "*?");
const sequence = fc.array(fc.tuple(piece, times), { minLength: 1, maxLength: 4 });
const grouped = fc.tuple(sequence, times, sequence).map(([inner, outer, after]) => {
  const text = (of: [string, string][]) => of.map(([what, how]) => what + how).join("");
  return `^(?:${text(inner)})${outer}${text(after)}$`;
});

test("whatever is taken answers within a moment for the longest text that an event may hold", () => {
  let taken = 0;
  fc.assert(
    fc.property(grouped, fc.constantFrom("a", "ab", "aab", "b"), (source, unit) => {
      if (patternFault(source) !== null) return;
      taken++;
      const text = `${unit.repeat(LIMITS.metadataBytes / unit.length)}!`;
      const beganMs = performance.now();
      new RegExp(source, "u").test(text);
      // Of texts of 16 KiB. What is refused takes for ever on some of these.
      expect(performance.now() - beganMs, source).toBeLessThan(500);
    }),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(200);
});
