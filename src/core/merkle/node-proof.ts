/**
 * Inclusion of a complete subtree: that the tree of this size and root has this hash at this place. RFC 6962 §2.1.1 with a
 * node in place of the leaf; a leaf is the node of level 0. Prover beside checker.
 */
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { demandSize, type LeafRange, type Node, splitPoint } from "./subtree.ts";
import { hashOfRange, nodeHash, type ReadNodes } from "./tree.ts";

/** The leaves under a node. */
export const leavesOf = ({ level, index }: Node): LeafRange => ({
  from: index * 2 ** level,
  to: (index + 1) * 2 ** level,
});

/** Whether a tree of `size` leaves has this subtree, and has it complete. */
export function hasNode({ level, index }: Node, size: number): boolean {
  const whole = [level, index, size].every((each) => Number.isSafeInteger(each) && each >= 0) && level <= MAX_LEVEL;
  return whole && (index + 1) * 2 ** level <= size;
}

/** A tree of 2^53-1 leaves has no complete subtree above. */
const MAX_LEVEL = 52;

/** The ranges whose hashes prove the node in a tree of `size` leaves, from the node to the root. Throws unless it is there. */
export function nodeProofRanges(node: Node, size: number): LeafRange[] {
  demandSize(size);
  if (!hasNode(node, size)) throw new RangeError("the subtree is not in the tree");
  const place = leavesOf(node);
  const ranges: LeafRange[] = [];
  for (let from = 0, to = size; to - from > place.to - place.from; ) {
    const middle = from + splitPoint(to - from);
    if (place.from < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** The proof: at most 53 hashes. */
export function proveNode(sha256: Sha256, node: Node, size: number, read: ReadNodes): Uint8Array[] {
  return nodeProofRanges(node, size).map((range) => hashOfRange(sha256, range, read));
}

/**
 * The root that an untrusted proof leads to from the hash of a node; null when it has not exactly the hashes that this place
 * in a tree of this size needs. The caller compares it with the root that it trusts.
 */
export function rootOfNode(
  sha256: Sha256,
  node: Node,
  size: number,
  hash: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  if (!hasNode(node, size) || [hash, ...proof].some((each) => each.length !== HASH_BYTES)) return null;
  const ranges = nodeProofRanges(node, size);
  if (proof.length !== ranges.length) return null;
  const place = leavesOf(node);
  return ranges.reduce(
    (below, { from }, i) =>
      from >= place.to
        ? nodeHash(sha256, below, proof[i] as Uint8Array)
        : nodeHash(sha256, proof[i] as Uint8Array, below),
    hash,
  );
}
