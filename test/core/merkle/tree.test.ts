/** The tree of RFC 6962 against its definition, every size to 130, every pair, every hash of every proof flipped. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkConsistency, consistencyRanges, proveConsistency } from "../../../src/core/merkle/consistency.ts";
import { checkInclusion, inclusionRanges, proveInclusion } from "../../../src/core/merkle/inclusion.ts";
import type { Node } from "../../../src/core/merkle/subtree.ts";
import { emptyRoot, Frontier, leafHash, type ReadNodes } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";

const MOST = 130;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** RFC 6962 §2.1, word for word. */
function mth(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return createHash("sha256").digest();
  if (leaves.length === 1)
    return createHash("sha256")
      .update(Uint8Array.of(0))
      .update(leaves[0] as Uint8Array)
      .digest();
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return createHash("sha256")
    .update(Uint8Array.of(1))
    .update(mth(leaves.slice(0, k)))
    .update(mth(leaves.slice(k)))
    .digest();
}

/** RFC 6962 §2.1.1. */
function path(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length <= 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}

/** RFC 6962 §2.1.2. */
function subproof(m: number, leaves: readonly Uint8Array[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

const leaves = Array.from({ length: MOST }, (_, i) => Uint8Array.of(i, i >> 8, 7));
const nodes = new Map<string, Uint8Array>();
const frontiers: Frontier[] = [new Frontier(sha256)];
for (const leaf of leaves) {
  const next = (frontiers.at(-1) as Frontier).copy();
  next.append(leafHash(sha256, leaf), ({ level, index }, hash) => nodes.set(`${level}/${index}`, hash));
  frontiers.push(next);
}
const read: ReadNodes = (wanted: readonly Node[]) =>
  wanted.map(({ level, index }) => {
    const hash = nodes.get(`${level}/${index}`);
    if (!hash) throw new Error(`no subtree ${level}/${index}`);
    return hash;
  });
const sizes = Array.from({ length: MOST }, (_, i) => i + 1);
const root = (size: number) => (frontiers[size] as Frontier).root();
const flipped = (hash: Uint8Array, bit: number) =>
  hash.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

describe("RFC 6962 §2.1", () => {
  test("the frontier's root is the Merkle tree hash, for every size", () => {
    expect(hex(root(0))).toBe(hex(emptyRoot(sha256)));
    for (const size of sizes) expect(hex(root(size))).toBe(hex(mth(leaves.slice(0, size))));
  });

  /** The reference tree of google/certificate-transparency (cpp/merkletree/merkle_tree_test.cc) and transparency-dev/merkle. */
  test("the roots are those that Certificate Transparency's implementations publish", () => {
    const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const frontier = new Frontier(sha256);
    const computed = inputs.map((input) => {
      frontier.append(leafHash(sha256, Buffer.from(input, "hex")));
      return hex(frontier.root());
    });
    expect(computed).toEqual([
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]);
  });

  test("a frontier goes on from its stored hashes as if it had never stopped", () => {
    for (const size of sizes) {
      const frontier = new Frontier(sha256, size, frontiers[size]?.hashes ?? []);
      if (size < MOST) frontier.append(leafHash(sha256, leaves[size] as Uint8Array));
      expect(hex(frontier.root())).toBe(hex(root(Math.min(size + 1, MOST))));
      expect(() => new Frontier(sha256, size, [])).toThrow(RangeError);
    }
  });
});

describe("RFC 6962 §2.1.1 inclusion", () => {
  test("the proof is that of the definition and is accepted, for every leaf of every size", () => {
    for (const size of sizes) {
      for (let index = 0; index < size; index++) {
        const proof = proveInclusion(sha256, index, size, read);
        expect(proof.map(hex)).toEqual(path(index, leaves.slice(0, size)).map(hex));
        const leaf = leafHash(sha256, leaves[index] as Uint8Array);
        expect(checkInclusion(sha256, index, size, leaf, proof, root(size))).toBe(true);
      }
    }
  });

  test("is refused with any hash flipped, left out, doubled or swapped, at another place, in another size", () => {
    for (const size of sizes) {
      for (let index = 0; index < size; index++) {
        const proof = proveInclusion(sha256, index, size, read);
        const leaf = leafHash(sha256, leaves[index] as Uint8Array);
        const refused = (its: readonly Uint8Array[], at = index, of = size, hash = leaf) =>
          expect(checkInclusion(sha256, at, of, hash, its, root(size))).toBe(false);
        for (let i = 0; i < proof.length; i++) {
          refused(proof.with(i, flipped(proof[i] as Uint8Array, (i * 37 + index) % 256)));
          refused(proof.toSpliced(i, 1));
          refused(proof.toSpliced(i, 0, proof[i] as Uint8Array));
          if (i > 0) refused(proof.with(i, proof[i - 1] as Uint8Array).with(i - 1, proof[i] as Uint8Array));
        }
        refused(proof, index, size, flipped(leaf, index % 256));
        refused([...proof, leaf]);
        if (size > 1) refused(proof, (index + 1) % size);
        refused(proof, size);
        refused(proof, -1);
      }
    }
  });

  test("is refused in hostile sizes and places", () => {
    for (const [index, size] of [
      [0, 0],
      [0.5, 2],
      [0, 2 ** 53],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
      [-1, 1],
    ] as const) {
      expect(checkInclusion(sha256, index, size, root(1), [], root(1))).toBe(false);
    }
  });
});

describe("RFC 6962 §2.1.2 consistency", () => {
  test("the proof is that of the definition and is accepted, for every pair of sizes", () => {
    for (const size of sizes) {
      for (let old = 1; old <= size; old++) {
        const proof = proveConsistency(sha256, old, size, read);
        expect(proof.map(hex)).toEqual(subproof(old, leaves.slice(0, size), true).map(hex));
        expect(checkConsistency(sha256, old, size, proof, root(old), root(size))).toBe(true);
      }
    }
  });

  test("is refused with any hash flipped, left out or doubled, with another root or size", () => {
    for (const size of sizes) {
      for (let old = 1; old <= size; old++) {
        const proof = proveConsistency(sha256, old, size, read);
        const refused = (its: readonly Uint8Array[], from = root(old), to = root(size), of = old) =>
          expect(checkConsistency(sha256, of, size, its, from, to)).toBe(false);
        for (let i = 0; i < proof.length; i++) {
          refused(proof.with(i, flipped(proof[i] as Uint8Array, (i * 31 + old) % 256)));
          refused(proof.toSpliced(i, 1));
          refused(proof.toSpliced(i, 0, proof[i] as Uint8Array));
        }
        refused(proof, flipped(root(old), old));
        refused(proof, root(old), flipped(root(size), old));
        refused([...proof, root(1)]);
        refused(proof, root(old), root(size), 0);
        refused(proof, root(old), root(size), size + 1);
      }
    }
  });
});

describe("sizes past 32 bits", () => {
  const near = [2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52].flatMap((size) => [size - 1, size, size + 1]);
  /** A log whose leaves are all the same: every complete subtree of a level has the same hash. */
  const ofLevel: Uint8Array[] = [leafHash(sha256, Uint8Array.of(1))];
  for (let level = 1; level < 53; level++) {
    const below = ofLevel[level - 1] as Uint8Array;
    ofLevel.push(sha256(Uint8Array.of(1), below, below));
  }
  const readSame: ReadNodes = (wanted) => wanted.map(({ level }) => ofLevel[level] as Uint8Array);
  const rootOf = (size: number) => proveRoot(size);
  const proveRoot = (size: number) => {
    const hashes: Uint8Array[] = [];
    let at = 0;
    for (let level = 52; level >= 0; level--) {
      if (at + 2 ** level <= size) {
        hashes.push(ofLevel[level] as Uint8Array);
        at += 2 ** level;
      }
    }
    return new Frontier(sha256, size, hashes).root();
  };

  test.each([...near, Number.MAX_SAFE_INTEGER])("proofs hold at %d", (size) => {
    for (const index of [0, 1, Math.floor(size / 2), size - 2, size - 1]) {
      const proof = proveInclusion(sha256, index, size, readSame);
      expect(proof.length).toBeLessThanOrEqual(53);
      expect(checkInclusion(sha256, index, size, ofLevel[0] as Uint8Array, proof, rootOf(size))).toBe(true);
      expect(checkInclusion(sha256, index, size, ofLevel[1] as Uint8Array, proof, rootOf(size))).toBe(false);
    }
    for (const old of [1, 2 ** 31 - 1, Math.floor(size / 3), size - 1]) {
      const proof = proveConsistency(sha256, old, size, readSame);
      expect(checkConsistency(sha256, old, size, proof, rootOf(old), rootOf(size))).toBe(true);
    }
  });

  test("ranges cover the tree without gap or overlap, for any size", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (size, part) => {
          const index = Math.min(size - 1, Math.floor(part * size));
          const covered = [...inclusionRanges(index, size), { from: index, to: index + 1 }].sort(
            (a, b) => a.from - b.from,
          );
          let at = 0;
          for (const { from, to } of covered) {
            expect(from).toBe(at);
            at = to;
          }
          expect(at).toBe(size);
          expect(consistencyRanges(index + 1, size).length).toBeLessThanOrEqual(54);
        },
      ),
    );
  });
});
