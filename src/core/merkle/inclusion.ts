/** Inclusion proofs (RFC 6962 §2.1.1, RFC 9162 §2.1.3): prover and checker, written the same way one under the other. */
import { equalBytes } from "../bytes.ts";
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { demandSize, type LeafRange, splitPoint } from "./subtree.ts";
import { hashOfRange, nodeHash, type ReadNodes } from "./tree.ts";

/** The ranges whose hashes prove the leaf `index` in the tree of `size` leaves, from the leaf to the root. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  demandSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError("the leaf is not in the tree");
  const ranges: LeafRange[] = [];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
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
export function proveInclusion(sha256: Sha256, index: number, size: number, read: ReadNodes): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => hashOfRange(sha256, range, read));
}

/**
 * The root that an untrusted proof leads to from a leaf hash; null when it has not exactly the hashes that this place in a
 * tree of this size needs. The caller compares it with the root that it trusts.
 */
export function rootOfInclusion(
  sha256: Sha256,
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  const ranges = inclusionRanges(index, size);
  if (proof.length !== ranges.length || proof.some((hash) => hash.length !== HASH_BYTES)) return null;
  return ranges.reduce(
    (hash, { from }, i) =>
      from > index ? nodeHash(sha256, hash, proof[i] as Uint8Array) : nodeHash(sha256, proof[i] as Uint8Array, hash),
    leaf,
  );
}

/** Whether an untrusted proof shows the leaf hash at `index` of the tree with this size and root. */
export function checkInclusion(
  sha256: Sha256,
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  const computed = leaf.length === HASH_BYTES ? rootOfInclusion(sha256, index, size, leaf, proof) : null;
  return computed !== null && equalBytes(computed, root);
}
