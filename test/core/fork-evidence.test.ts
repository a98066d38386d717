/** The format of evidence of a fork (SPEC.md §15): one spelling, for any contents. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import {
  type ForkEvidence,
  formatForkEvidence,
  orderedEvidence,
  parseForkEvidence,
} from "../../src/core/fork-evidence.ts";
import { formatNote } from "../../src/core/note.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const side = fc.record({ value: hash, hashes: fc.array(hash, { maxLength: 6 }) });
const sides = fc.tuple(side, side);
const note = fc.tuple(size, hash, fc.uint8Array({ minLength: 5, maxLength: 80 })).map(([its, root, signature]) =>
  formatNote({
    text: formatCheckpoint({ origin: "log.test/dom_eu_1", size: its, root }),
    signatures: [{ name: "log.test/eu", keyHash: signature.slice(0, 4), signature: signature.slice(4) }],
  }),
);
const evidence: fc.Arbitrary<ForkEvidence> = fc
  .record({
    contradiction: fc.oneof(
      fc.constant({ kind: "same_size" as const }),
      fc.record({ kind: fc.constant("leaf" as const), index: size, sides }),
      fc.record({ kind: fc.constant("prefix" as const), root: hash, hashes: fc.array(hash, { maxLength: 6 }) }),
      fc.record({ kind: fc.constant("subtree" as const), level: fc.nat(52), index: size, sides }),
    ),
    checkpoints: fc.tuple(note, note),
  })
  .map((each) => orderedEvidence(each) as ForkEvidence);

const mutation = fc.record({
  at: fc.nat(),
  character: fc.constantFrom("", "\n", " ", "0", "1", "+", "=", "A", "é", "\u2014", "\r", "\t"),
  replace: fc.boolean(),
});

describe("moonseal/fork/v1", () => {
  test("any evidence survives, and a changed one is read as what it is or refused", () => {
    fc.assert(
      fc.property(evidence, mutation, (its, { at, character, replace }) => {
        const text = formatForkEvidence(its);
        expect(parseForkEvidence(text)).toEqual(its);
        const place = at % text.length;
        const changed = text.slice(0, place) + character + text.slice(place + (replace ? 1 : 0));
        const read = parseForkEvidence(changed);
        if (read) expect(formatForkEvidence(read)).toBe(changed);
      }),
      { numRuns: 500 },
    );
  });

  test("checkpoints stand in one order: what is sorted is refused the other way round, with its sides", () => {
    fc.assert(
      fc.property(evidence, (its) => {
        const [first, second] = its.checkpoints;
        fc.pre(first !== second);
        const { contradiction } = its;
        const turned: ForkEvidence = {
          contradiction:
            contradiction.kind === "same_size" || contradiction.kind === "prefix"
              ? contradiction
              : { ...contradiction, sides: [contradiction.sides[1], contradiction.sides[0]] },
          checkpoints: [second, first],
        };
        expect(parseForkEvidence(formatForkEvidence(turned))).toBeNull();
        expect(orderedEvidence(turned)).toEqual(its);
      }),
    );
  });

  test("any text is read or refused, never thrown at", () => {
    const line = fc.constantFrom(
      "moonseal/fork/v1",
      "same_size",
      "prefix",
      `root ${Buffer.alloc(32).toString("base64")}`,
      "leaf 1",
      "leaf 007",
      "leaf +7",
      "leaf 9007199254740992",
      "subtree 1 1",
      "subtree 53 1",
      `side ${Buffer.alloc(32).toString("base64")}`,
      "side AAAA",
      Buffer.alloc(32).toString("base64"),
      "",
      "log.test/dom_eu_1",
      "5",
      "\u2014 log.test/eu AAAAAAA=",
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const text = `${lines.join("\n")}\n`;
        const read = parseForkEvidence(text);
        if (read) expect(formatForkEvidence(read)).toBe(text);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => parseForkEvidence(text) === null));
  });

  test("numbers and proofs that are too large are refused", () => {
    const [one] = fc.sample(evidence, { numRuns: 1, seed: 1 });
    const checkpoints = (one as ForkEvidence).checkpoints;
    const value = new Uint8Array(32);
    const with54 = { value, hashes: Array.from({ length: 54 }, () => value) };
    const with53 = { value, hashes: with54.hashes.slice(1) };
    const text = (its: typeof with54) =>
      formatForkEvidence({ contradiction: { kind: "leaf", index: 0, sides: [its, with53] }, checkpoints });
    expect(parseForkEvidence(text(with53))).not.toBeNull();
    expect(parseForkEvidence(text(with54))).toBeNull();
    expect(parseForkEvidence(`${text(with53)}${"\u2014 a AAAAAAA=\n".repeat(20_000)}`)).toBeNull();
  });
});
