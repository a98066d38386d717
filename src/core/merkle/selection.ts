/**
 * One proof for several leaves: the hashes of the largest RFC 6962 subtrees that hold none of them, each once, left to right.
 * Nothing is said about the leaves under these hashes. Prover beside checker, over one and the same walk.
 */
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { demandSize, type LeafRange, splitPoint } from "./subtree.ts";
import { hashOfRange, nodeHash, type ReadNodes } from "./tree.ts";

/** The ranges whose hashes are the proof. Throws unless the indices ascend and stand in the tree; at least one. */
export function selectionRanges(indices: readonly number[], size: number): LeafRange[] {
  demandSize(size);
  if (!isSelection(indices, size)) throw new RangeError("a selection is of ascending leaves of the tree");
  const ranges: LeafRange[] = [];
  walk(indices, size, {
    beside: (range) => void ranges.push(range),
    selected: () => {},
    join: () => {},
  });
  return ranges;
}

/** The proof: at most 53 hashes a leaf. */
export function proveSelection(
  sha256: Sha256,
  indices: readonly number[],
  size: number,
  read: ReadNodes,
): Uint8Array[] {
  return selectionRanges(indices, size).map((range) => hashOfRange(sha256, range, read));
}

/**
 * The root that an untrusted proof leads to from these leaf hashes; null when it has not exactly the hashes that these places
 * in a tree of this size need. The caller compares it with the root that it trusts.
 */
export function rootOfSelection(
  sha256: Sha256,
  leaves: readonly { index: number; hash: Uint8Array }[],
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  const indices = leaves.map(({ index }) => index);
  if (!Number.isSafeInteger(size) || !isSelection(indices, size)) return null;
  if ([...proof, ...leaves.map(({ hash }) => hash)].some((hash) => hash.length !== HASH_BYTES)) return null;
  if (selectionRanges(indices, size).length !== proof.length) return null;
  let used = 0;
  return walk<Uint8Array>(indices, size, {
    beside: () => proof[used++] as Uint8Array,
    selected: (at) => (leaves[at] as { hash: Uint8Array }).hash,
    join: (left, right) => nodeHash(sha256, left, right),
  });
}

function isSelection(indices: readonly number[], size: number): boolean {
  if (indices.length === 0 || indices.some((index) => !Number.isSafeInteger(index))) return false;
  return indices.every((index, i) => index > (indices[i - 1] ?? -1) && index < size);
}

interface Visitor<T> {
  /** The largest subtree here without a selected leaf. */
  beside(range: LeafRange): T;
  /** The selected leaf that is `indices[at]`. */
  selected(at: number): T;
  join(left: T, right: T): T;
}

/** Goes through the tree as its definition splits it (RFC 6962 §2.1), left to right. At most 53 levels deep. */
function walk<T>(indices: readonly number[], size: number, { beside, selected, join }: Visitor<T>): T {
  /** `first` and `end`: which of the indices lie in the range. */
  const visit = ({ from, to }: LeafRange, first: number, end: number): T => {
    if (first === end) return beside({ from, to });
    if (to - from === 1) return selected(first);
    const middle = from + splitPoint(to - from);
    let split = first;
    while (split < end && (indices[split] as number) < middle) split++;
    const left = visit({ from, to: middle }, first, split);
    return join(left, visit({ from: middle, to }, split, end));
  };
  return visit({ from: 0, to: size }, 0, indices.length);
}
