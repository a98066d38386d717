/** Range and selection proofs: every size to 130, every range, every hash of every proof flipped, left out, doubled. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, equalBytes } from "../../../src/core/bytes.ts";
import { proveInclusion } from "../../../src/core/merkle/inclusion.ts";
import { proveRange, RangeFold, rangeProofRanges } from "../../../src/core/merkle/range.ts";
import { proveSelection, rootOfSelection, selectionRanges } from "../../../src/core/merkle/selection.ts";
import type { LeafRange } from "../../../src/core/merkle/subtree.ts";
import { Frontier, leafHash, type ReadNodes } from "../../../src/core/merkle/tree.ts";
import type { Sha256 } from "../../../src/core/sha256.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { readSame, sameLeaf, sameRoot } from "./same-leaves.ts";

const MOST = 130;

/** A log of 130 leaves under some hash function. */
function logUnder(hash: Sha256) {
  const leaves = Array.from({ length: MOST }, (_, i) => leafHash(hash, Uint8Array.of(i, 9, 1, 1, 1, 1, 1, 1)));
  const nodes = new Map<string, Uint8Array>();
  const roots: Uint8Array[] = [];
  const frontier = new Frontier(hash);
  for (const leaf of leaves) {
    roots.push(frontier.root());
    frontier.append(leaf, ({ level, index }, node) => nodes.set(`${level}/${index}`, node));
  }
  roots.push(frontier.root());
  const read: ReadNodes = (wanted) =>
    wanted.map(({ level, index }) => {
      const node = nodes.get(`${level}/${index}`);
      if (!node) throw new Error(`no subtree ${level}/${index}`);
      return node;
    });
  const rootOfRange = (range: LeafRange, size: number, proof: Uint8Array[], its?: Uint8Array[]) => {
    const fold = RangeFold.begin(hash, range, size, proof);
    if (its) for (const leaf of its) fold?.append(leaf);
    else for (let i = range.from; fold && i < range.to; i++) fold.append(leaves[i] as Uint8Array);
    return fold?.root() ?? null;
  };
  const isRoot = (root: Uint8Array | null, size: number) =>
    root !== null && equalBytes(root, roots[size] as Uint8Array);
  /** Each once, over every size and every range. */
  const everyRange = (visit: (range: LeafRange, size: number, proof: Uint8Array[]) => void, most = MOST) => {
    for (let size = 1; size <= most; size++) {
      for (let from = 0; from < size; from++) {
        for (let to = from + 1; to <= size; to++) {
          visit({ from, to }, size, proveRange(hash, { from, to }, size, read));
        }
      }
    }
  };
  return { leaves, read, rootOfRange, isRoot, everyRange };
}

/**
 * Mixes 8 bytes of each part (after murmur3's finaliser): no protection, but twenty times as fast as SHA-256, and enough to
 * see whether a hash takes part in a root and where.
 */
const mixed: Sha256 = (...parts) => {
  const out = new Uint8Array(32);
  let a = 1;
  let b = 2;
  for (const part of parts as Uint8Array[]) {
    for (let i = 0; i < 4; i++) a = Math.imul(a ^ (part[i] as number), 0x85ebca6b);
    for (let i = 4; i < 8; i++) b = Math.imul(b ^ (part[i] as number), 0xc2b2ae35);
    a ^= (a >>> 13) ^ b;
    b = Math.imul(b ^ (b >>> 16) ^ (a << 5), 0x9e3779b1);
    a = Math.imul(a ^ (a >>> 15), 0x27d4eb2f);
  }
  for (let i = 0; i < 4; i++) {
    out[i] = a >>> (8 * i);
    out[i + 4] = b >>> (8 * i);
  }
  return out;
};

const { leaves, read, rootOfRange, isRoot, everyRange } = logUnder(sha256);
const quick = logUnder(mixed);
const flipped = (hash: Uint8Array, bit: number) => {
  const other = hash.slice();
  other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
  return other;
};

/** A covering of [0, size) that skips nothing and repeats nothing. */
function expectCover(parts: LeafRange[], size: number) {
  let at = 0;
  for (const { from, to } of parts.toSorted((a, b) => a.from - b.from)) {
    expect(from).toBe(at);
    at = to;
  }
  expect(at).toBe(size);
}

describe("a range proof", () => {
  test("leads to the root, for every range of every size", { timeout: 120_000 }, () => {
    everyRange((range, size, proof) => {
      if (!isRoot(rootOfRange(range, size, proof), size)) expect.fail(`[${range.from}, ${range.to}) of ${size}`);
    }, 48);
    quick.everyRange((range, size, proof) => {
      const root = quick.rootOfRange(range, size, proof);
      if (!quick.isRoot(root, size)) expect.fail(`[${range.from}, ${range.to}) of ${size}`);
    });
  });

  test("with any hash flipped leads elsewhere, for every range of every size", { timeout: 120_000 }, () => {
    everyRange((range, size, proof) => {
      proof.forEach((hash, i) => {
        const root = rootOfRange(range, size, proof.with(i, flipped(hash, (i * 31 + size) % 256)));
        if (isRoot(root, size)) expect.fail(`[${range.from}, ${range.to}) of ${size}: hash ${i}`);
      });
    }, 32);
    quick.everyRange((range, size, proof) => {
      for (let i = 0; i < proof.length; i++) {
        const root = quick.rootOfRange(
          range,
          size,
          proof.with(i, flipped(proof[i] as Uint8Array, (i * 31 + size) % 64)),
        );
        if (quick.isRoot(root, size)) expect.fail(`[${range.from}, ${range.to}) of ${size}: hash ${i}`);
      }
    });
  });

  test("with any hash left out or doubled, or with one more, is not even begun", { timeout: 120_000 }, () => {
    quick.everyRange((range, size, proof) => {
      const begun = (its: Uint8Array[]) => RangeFold.begin(mixed, range, size, its) !== null;
      for (let i = 0; i < proof.length; i++) {
        if (begun(proof.toSpliced(i, 1)) || begun(proof.toSpliced(i, 0, proof[i] as Uint8Array)))
          expect.fail(`[${range.from}, ${range.to}) of ${size}: hash ${i}`);
      }
      if (begun([...proof, leaves[0] as Uint8Array])) expect.fail(`[${range.from}, ${range.to}) of ${size}: one more`);
    });
  });

  test("does not fit a range or a size beside its own", () => {
    const size = 77;
    for (const range of [
      { from: 0, to: 5 },
      { from: 3, to: 40 },
      { from: 64, to: 77 },
      { from: 20, to: 21 },
    ]) {
      const proof = proveRange(sha256, range, size, read);
      const its = leaves.slice(range.from, range.to);
      for (const by of [-1, 1]) {
        const moved = { from: range.from + by, to: range.to + by };
        expect(isRoot(rootOfRange(moved, size, proof, its), size)).toBe(false);
        const other = RangeFold.begin(sha256, range, size + by, proof);
        if (range.to > size + by) expect(other).toBeNull();
        else expect(isRoot(rootOfRange(range, size + by, proof, its), size + by)).toBe(false);
      }
    }
  });

  test("with two leaves exchanged, or another leaf in place of one, leads elsewhere", () => {
    const range = { from: 13, to: 29 };
    const proof = proveRange(sha256, range, 50, read);
    const its = leaves.slice(range.from, range.to);
    its.forEach((leaf, i) => {
      const next = its[i + 1];
      if (next) expect(isRoot(rootOfRange(range, 50, proof, its.with(i, next).with(i + 1, leaf)), 50)).toBe(false);
      expect(isRoot(rootOfRange(range, 50, proof, its.with(i, flipped(leaf, i))), 50)).toBe(false);
    });
  });

  test("of one leaf has the hashes of its inclusion proof, the same set", () => {
    const hex = (hashes: Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString("hex")).sort();
    for (let size = 1; size <= MOST; size++) {
      for (let index = 0; index < size; index++) {
        const range = { from: index, to: index + 1 };
        const inclusion = proveInclusion(sha256, index, size, read);
        expect(hex(proveRange(sha256, range, size, read))).toEqual(hex(inclusion));
      }
    }
  });

  test.each([
    [0, 0, 5],
    [-1, 2, 5],
    [2, 6, 5],
    [3, 2, 5],
    [0.5, 2, 5],
    [0, 1, 0],
    [0, 2 ** 53, 2 ** 53],
    [Number.NaN, 1, 5],
  ])("of [%d, %d) of %d is none", (from, to, size) => {
    expect(RangeFold.begin(sha256, { from, to }, size, [])).toBeNull();
    expect(() => rangeProofRanges({ from, to }, size)).toThrow(RangeError);
  });

  test("takes neither fewer leaves than its range has nor more", () => {
    const fold = RangeFold.begin(sha256, { from: 1, to: 3 }, 4, proveRange(sha256, { from: 1, to: 3 }, 4, read));
    expect(() => fold?.root()).toThrow(RangeError);
    fold?.append(leaves[1] as Uint8Array);
    expect(fold?.next).toBe(2);
    fold?.append(leaves[2] as Uint8Array);
    expect(() => fold?.append(leaves[3] as Uint8Array)).toThrow(RangeError);
    expect(isRoot(fold?.root() ?? null, 4)).toBe(true);
  });

  test("of hashes of another length than 32 bytes is none", () => {
    const proof = proveRange(sha256, { from: 1, to: 3 }, 4, read);
    const short = proof.with(0, (proof[0] as Uint8Array).slice(1));
    expect(RangeFold.begin(sha256, { from: 1, to: 3 }, 4, short)).toBeNull();
  });
});

describe("a selection proof", () => {
  const someOf = (size: number) =>
    fc.subarray(
      Array.from({ length: size }, (_, i) => i),
      { minLength: 1 },
    );
  const leavesAt = (indices: readonly number[]) =>
    indices.map((index) => ({ index, hash: leaves[index] as Uint8Array }));

  test("leads to the root for every set of leaves of every size to 12", () => {
    for (let size = 1; size <= 12; size++) {
      for (let set = 1; set < 2 ** size; set++) {
        const indices = Array.from({ length: size }, (_, i) => i).filter((i) => (set >> i) & 1);
        const proof = proveSelection(sha256, indices, size, read);
        expect(isRoot(rootOfSelection(sha256, leavesAt(indices), size, proof), size)).toBe(true);
      }
    }
  });

  test("is the range proof when its leaves follow each other: one order of hashes for both", () => {
    everyRange((range, size, proof) => {
      if (range.to - range.from > 9) return;
      const indices = Array.from({ length: range.to - range.from }, (_, i) => range.from + i);
      const its = proveSelection(sha256, indices, size, read);
      if (!equalBytes(concatBytes(...its), concatBytes(...proof)))
        expect.fail(`[${range.from}, ${range.to}) of ${size}`);
    }, 80);
  });

  test("with any hash flipped, left out, doubled, or of another leaf leads nowhere", () => {
    const sized = fc.integer({ min: 1, max: MOST }).chain((size) => fc.tuple(fc.constant(size), someOf(size)));
    fc.assert(
      fc.property(sized, fc.nat(), ([size, indices], at) => {
        const proof = proveSelection(sha256, indices, size, read);
        const its = leavesAt(indices);
        expect(isRoot(rootOfSelection(sha256, its, size, proof), size)).toBe(true);
        proof.forEach((hash, i) => {
          const other = proof.with(i, flipped(hash, at % 256));
          expect(isRoot(rootOfSelection(sha256, its, size, other), size)).toBe(false);
          expect(rootOfSelection(sha256, its, size, proof.toSpliced(i, 1))).toBeNull();
          expect(rootOfSelection(sha256, its, size, proof.toSpliced(i, 0, hash))).toBeNull();
        });
        const one = at % its.length;
        const wrong = its.with(one, { ...(its[one] as (typeof its)[0]), hash: flipped(leaves[0] as Uint8Array, 3) });
        expect(isRoot(rootOfSelection(sha256, wrong, size, proof), size)).toBe(false);
        if (its.length > 1) {
          expect(isRoot(rootOfSelection(sha256, its.toSpliced(one, 1), size, proof), size)).toBe(false);
          expect(rootOfSelection(sha256, its.toReversed(), size, proof)).toBeNull();
        }
        expect(rootOfSelection(sha256, [...its, its.at(-1) as (typeof its)[0]], size, proof)).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test("of none, of a leaf that is not there or of no order is none", () => {
    for (const indices of [[], [4], [-1], [2, 1], [1, 1], [0.5]]) {
      expect(() => selectionRanges(indices, 4)).toThrow(RangeError);
      expect(
        rootOfSelection(
          sha256,
          indices.map((index) => ({ index, hash: sameLeaf })),
          4,
          [],
        ),
      ).toBeNull();
    }
  });
});

describe("sizes past 32 bits", () => {
  const near = [2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52].flatMap((size) => [size - 1, size, size + 1]);
  const rangeRoot = (range: LeafRange, size: number) => {
    const fold = RangeFold.begin(sha256, range, size, proveRange(sha256, range, size, readSame));
    while (fold && fold.next < range.to) fold.append(sameLeaf);
    return fold?.root();
  };

  test.each([...near, Number.MAX_SAFE_INTEGER])("proofs hold at %d", (size) => {
    for (const from of [0, 1, 2 ** 31 - 9, Math.floor(size / 3), size - 5]) {
      for (const count of [1, 2, 5]) expect(rangeRoot({ from, to: from + count }, size)).toEqual(sameRoot(size));
    }
    const indices = [...new Set([0, 7, 2 ** 31 - 2, Math.floor(size / 3), size - 2, size - 1])].sort((a, b) => a - b);
    const proof = proveSelection(sha256, indices, size, readSame);
    const its = indices.map((index) => ({ index, hash: sameLeaf }));
    expect(rootOfSelection(sha256, its, size, proof)).toEqual(sameRoot(size));
    expect(proof.length).toBeLessThanOrEqual(53 * indices.length);
  });

  test("the hashes and the leaves cover the tree without gap or overlap, for any size above 2^32", () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER }), part, part, (size, a, b) => {
        const [from, last] = [a, b].map((x) => Math.min(size - 1, Math.floor(x * size))).sort((x, y) => x - y);
        const range = { from: from as number, to: (last as number) + 1 };
        const proved = rangeProofRanges(range, size);
        expectCover([...proved, range], size);
        expect(proved.length).toBeLessThanOrEqual(106);
        const indices = [...new Set([range.from, range.to - 1])];
        expectCover([...selectionRanges(indices, size), ...indices.map((i) => ({ from: i, to: i + 1 }))], size);
      }),
    );
  });
});
