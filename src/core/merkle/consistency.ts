/** Consistency proofs (RFC 6962 §2.1.2, RFC 9162 §2.1.4): that a tree only grew. Prover and checker over the same ranges. */
import { equalBytes } from "../bytes.ts";
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { demandSize, type LeafRange, splitPoint } from "./subtree.ts";
import { hashOfRange, nodeHash, type ReadNodes } from "./tree.ts";

/** From the root of the new tree down to the range that ends where the old tree ended. */
interface Descent {
  /** Ranges beside the way, from the root down; those that end at or before `oldSize` belong to the old tree too. */
  beside: LeafRange[];
  /** The last range of the way: ends at `oldSize`. */
  end: LeafRange;
}

function descend(oldSize: number, size: number): Descent {
  const beside: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to !== oldSize) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      beside.push({ from: middle, to });
      to = middle;
    } else {
      beside.push({ from, to: middle });
      from = middle;
    }
  }
  return { beside, end: { from, to } };
}

/** The ranges whose hashes are the proof, in its order. None for equal sizes. */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  demandSize(oldSize);
  demandSize(size);
  if (oldSize > size) throw new RangeError("a tree does not shrink");
  if (oldSize === size) return [];
  const { beside, end } = descend(oldSize, size);
  // The old root stands for the end itself when the old tree is a complete subtree from leaf 0.
  return [...(end.from === 0 ? [] : [end]), ...beside.reverse()];
}

/** The proof that the tree of `oldSize` leaves is the beginning of that of `size`. */
export function proveConsistency(sha256: Sha256, oldSize: number, size: number, read: ReadNodes): Uint8Array[] {
  return consistencyRanges(oldSize, size).map((range) => hashOfRange(sha256, range, read));
}

/** Whether an untrusted proof shows that the second tree begins with the first. Sizes from 1. */
export function checkConsistency(
  sha256: Sha256,
  oldSize: number,
  size: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  root: Uint8Array,
): boolean {
  if (![oldSize, size].every((each) => Number.isSafeInteger(each) && each >= 1) || oldSize > size) return false;
  if ([oldRoot, root, ...proof].some((hash) => hash.length !== HASH_BYTES)) return false;
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  const { beside, end } = descend(oldSize, size);
  const hashes = [...(end.from === 0 ? [oldRoot] : []), ...proof];
  if (hashes.length !== beside.length + 1) return false;
  let old = hashes[0] as Uint8Array;
  let now = old;
  beside.reverse().forEach(({ from }, i) => {
    const hash = hashes[i + 1] as Uint8Array;
    if (from >= oldSize) now = nodeHash(sha256, now, hash);
    else {
      old = nodeHash(sha256, hash, old);
      now = nodeHash(sha256, hash, now);
    }
  });
  return equalBytes(old, oldRoot) && equalBytes(now, root);
}
