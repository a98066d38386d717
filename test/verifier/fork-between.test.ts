/** Evidence of a fork made of what two people were given: a proof where there is one, and a reason where there is none. */
import { describe, expect, test } from "vitest";
import { fromHex } from "../../src/core/bytes.ts";
import { proveInclusion } from "../../src/core/merkle/inclusion.ts";
import { encodeProvedEntry, formatTlogProof } from "../../src/core/tlog-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { verifyFork } from "../../src/verifier/fork.ts";
import { forkBetween } from "../../src/verifier/fork-between.ts";
import golden from "../vectors/forks.json" with { type: "json" };
import { ORIGIN, PLATFORM, ProvedLog, rowsFromGenesis, trust } from "./proved-log.ts";

const SIZE = 20;
const real = new ProvedLog(rowsFromGenesis(SIZE));
const forged = new ProvedLog(rowsFromGenesis(SIZE, "forged"));
const made = (one: string, other: string) => {
  const built = forkBetween(sha256, [one, other]);
  if (!built.ok) throw new Error(built.why);
  return built.text;
};
const why = (one: string, other: string) => {
  const built = forkBetween(sha256, [one, other]);
  return built.ok ? "a fork" : built.why;
};
function evidence(log: ProvedLog, index: number, size = SIZE): string {
  const { prevHash, payload } = log.rows[index] as EntryRow;
  const extra = encodeProvedEntry({ prevHash: fromHex(prevHash) as Uint8Array, payload });
  const hashes = proveInclusion(sha256, index, size, log.read);
  return formatTlogProof({ extra, index, hashes, checkpoint: log.checkpoint(size) });
}

describe("two pieces of evidence with other leaves at one index", () => {
  test("of all indices and all pairs of sizes prove the fork, in either order the same", () => {
    for (let a = 2; a <= 13; a++) {
      for (let b = 2; b <= 13; b++) {
        for (let index = 1; index < Math.min(a, b); index++) {
          const files = [evidence(real, index, a), evidence(forged, index, b)] as const;
          const text = made(...files);
          expect(made(files[1], files[0])).toBe(text);
          const report = verifyFork(text, trust(), PLATFORM);
          expect(report.misbehaved, `${index} of ${a} and ${b}`).toBe(true);
          expect(text.split("\n")[1]).toBe(a === b ? "same_size" : `leaf ${index}`);
        }
      }
    }
  });

  test("are the golden leaf of SPEC.md §15, but for cosignatures", () => {
    const withoutWitnesses = (text: string) => text.replaceAll(/^\u2014 witness.*\n/gm, "");
    expect(withoutWitnesses(made(evidence(real, 7, 12), evidence(forged, 7)))).toBe(golden.leaf);
  });

  test("holds no entry: nothing of the payloads is in it", () => {
    const text = made(evidence(real, 7, 12), evidence(forged, 7));
    expect(text).not.toContain("extra");
    expect(text.length).toBeLessThan(3000);
  });
});

test("two checkpoints of one size and two roots prove it, also beside evidence of other entries", () => {
  for (const files of [
    [real.checkpoint(SIZE), forged.checkpoint(SIZE)],
    [evidence(real, 3), forged.checkpoint(SIZE)],
    [evidence(real, 3), evidence(forged, 4)],
  ] as const) {
    expect(verifyFork(made(...files), trust(), PLATFORM).misbehaved).toBe(true);
  }
});

test.each([
  [
    "one entry of one history, seen at two sizes",
    evidence(real, 3, 12),
    evidence(real, 3),
    "entry 3 is the same in both",
  ],
  ["two entries", evidence(real, 3, 12), evidence(forged, 4), /two entries, 3 and 4/],
  ["two sizes alone", real.checkpoint(12), forged.checkpoint(SIZE), /may grow from one to the other/],
  ["the same twice", real.checkpoint(SIZE), real.checkpoint(SIZE), "both checkpoints have the same size and root"],
  ["no file of a log", evidence(real, 3), "hello", /the second file is neither/],
  ["nothing", "", evidence(real, 3), /the first file is neither/],
])("%s is no contradiction, and why is said", (_, one, other, words) => {
  expect(why(one, other)).toMatch(words);
});

test("two logs accuse none", () => {
  const other = ORIGIN.replace("log.test", "other.test");
  const theirs = new ProvedLog(rowsFromGenesis(SIZE, "forged"), other, noteSigner(other, new Uint8Array(32).fill(1)));
  expect(why(evidence(real, 7, 12), evidence(theirs, 7))).toMatch(/about two logs/);
});

test("a piece whose proof does not hold makes a file that proves nothing", () => {
  const file = evidence(forged, 7);
  const hash = file.split("\n")[3] as string;
  const broken = file.replace(hash, `${hash.slice(0, -2)}${hash.at(-2) === "A" ? "E" : "A"}=`);
  const report = verifyFork(made(evidence(real, 7, 12), broken), trust(), PLATFORM);
  expect(report).toMatchObject({ misbehaved: false, verdict: "could_not_check" });
});
