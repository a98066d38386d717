/** Inclusion of complete subtrees, against the definition of the tree (RFC 6962 §2.1). */
import { describe, expect, test } from "vitest";
import { inclusionRanges } from "../../../src/core/merkle/inclusion.ts";
import { hasNode, nodeProofRanges, proveNode, rootOfNode } from "../../../src/core/merkle/node-proof.ts";
import { splitPoint } from "../../../src/core/merkle/subtree.ts";
import { leafHash, nodeHash, type ReadNodes } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { readSame, sameRoot } from "./same-leaves.ts";

const leaf = (i: number) => leafHash(sha256, Buffer.from(`leaf ${i}`));
/** MTH of the specification, over the leaves [from, to). */
function mth(from: number, to: number): Uint8Array {
  if (to - from === 1) return leaf(from);
  const middle = from + splitPoint(to - from);
  return nodeHash(sha256, mth(from, middle), mth(middle, to));
}
const read: ReadNodes = (nodes) => nodes.map(({ level, index }) => mth(index * 2 ** level, (index + 1) * 2 ** level));

describe("the proof of a complete subtree", () => {
  test("leads to the root, for every subtree of every tree to 40 leaves; every flipped hash leads elsewhere", () => {
    for (let size = 1; size <= 40; size++) {
      const root = mth(0, size);
      for (let level = 0; 2 ** level <= size; level++) {
        for (let index = 0; (index + 1) * 2 ** level <= size; index++) {
          const node = { level, index };
          const hash = mth(index * 2 ** level, (index + 1) * 2 ** level);
          const proof = proveNode(sha256, node, size, read);
          expect(rootOfNode(sha256, node, size, hash, proof)).toEqual(root);
          for (const [i, each] of proof.entries()) {
            const flipped = proof.with(i, each.with(7, (each[7] as number) ^ 1));
            expect(rootOfNode(sha256, node, size, hash, flipped)).not.toEqual(root);
          }
          expect(rootOfNode(sha256, node, size, hash.with(0, (hash[0] as number) ^ 1), proof)).not.toEqual(root);
          expect(rootOfNode(sha256, node, size, hash, [...proof, hash])).toBeNull();
          expect(rootOfNode(sha256, node, size, hash, proof.slice(1))).toEqual(proof.length === 0 ? root : null);
        }
      }
    }
  });

  test("of a leaf is the inclusion proof of the leaf", () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        expect(nodeProofRanges({ level: 0, index }, size)).toEqual(inclusionRanges(index, size));
      }
    }
  });

  test.each([2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32 + 1, 2 ** 53 - 1])(
    "holds in a tree of %d leaves",
    (size) => {
      for (const level of [0, 1, 8, 30, 31]) {
        if (2 ** level > size) continue;
        const hash = readSame([{ level, index: 0 }])[0] as Uint8Array;
        for (const index of [0, Math.floor(size / 2 ** level) - 1]) {
          const proof = proveNode(sha256, { level, index }, size, readSame);
          expect(rootOfNode(sha256, { level, index }, size, hash, proof)).toEqual(sameRoot(size));
        }
      }
    },
  );

  test("a place that no tree has, or that this one has not complete, has no proof and needs no patience", () => {
    for (const [level, index, size] of [
      [0, 5, 5],
      [1, 2, 5],
      [53, 0, 2 ** 53 - 1],
      [1024, 0, 5],
      [-1, 0, 5],
      [0, -1, 5],
      [0.5, 0, 5],
      [0, 0, 0],
      [52, 2 ** 52, 2 ** 53 - 1],
    ] as const) {
      expect(hasNode({ level, index }, size), `${level} ${index} ${size}`).toBe(false);
      expect(rootOfNode(sha256, { level, index }, size, new Uint8Array(32), [])).toBeNull();
    }
  });
});
