/** Trees of any size in no memory: all leaves are the same, so every complete subtree of a level has the same hash. */
import { nodesOf } from "../../../src/core/merkle/subtree.ts";
import { foldNodes, leafHash, nodeHash, type ReadNodes } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";

const ofLevel: Uint8Array[] = [leafHash(sha256, Uint8Array.of(1))];
for (let level = 1; level < 53; level++) {
  const below = ofLevel[level - 1] as Uint8Array;
  ofLevel.push(nodeHash(sha256, below, below));
}

export const sameLeaf = ofLevel[0] as Uint8Array;
export const readSame: ReadNodes = (wanted) => wanted.map(({ level }) => ofLevel[level] as Uint8Array);
export const sameRoot = (size: number) => foldNodes(sha256, readSame(nodesOf({ from: 0, to: size })));
