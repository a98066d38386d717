/**
 * The shape of the tree of RFC 6962 §2.1: which complete subtrees a range of leaves is made of. Numbers only, no hashes.
 * Safe for all sizes to 2^53-1: divisions and powers, no 32-bit shifts.
 */

/** The complete subtree over the leaves [index × 2^level, (index + 1) × 2^level). */
export interface Node {
  level: number;
  index: number;
}

/** The leaves [from, to). */
export interface LeafRange {
  from: number;
  to: number;
}

/** The largest power of two that is smaller than `count` (RFC 6962 §2.1). `count` is at least 2. */
export function splitPoint(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/**
 * The complete subtrees that the hash of a range is folded from, left to right, each smaller than the one before. The range
 * must be one that the definition of the tree splits off: `from` a multiple of the least power of two that is not below its
 * length. O(log count).
 */
export function nodesOf({ from, to }: LeafRange): Node[] {
  if (!(from >= 0 && to > from && Number.isSafeInteger(to))) throw new RangeError("a range of leaves is not empty");
  const nodes: Node[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at + 2 ** (level + 1) <= to && at % 2 ** (level + 1) === 0) level++;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** Where a proof stands: the tree of `size` leaves, 1 to 2^53-1. Throws on any other number. */
export function demandSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError("a tree has 1 to 2^53-1 leaves");
}
