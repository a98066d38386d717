/**
 * Range proofs: that some leaves are exactly the leaves [from, to) of a tree, none left out and none put in. The proof is the
 * least set of hashes of RFC 6962 subtrees that cover everything else, left to right. Prover beside checker.
 */
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { consistencyRanges } from "./consistency.ts";
import { demandSize, type LeafRange, nodesOf } from "./subtree.ts";
import { Frontier, hashOfRange, nodeHash, type ReadNodes } from "./tree.ts";

/** The ranges whose hashes are the proof for [from, to), left to right. Throws unless 0 ≤ from < to ≤ size. */
export function rangeProofRanges({ from, to }: LeafRange, size: number): LeafRange[] {
  demandSize(size);
  if (!isRange({ from, to }, size)) throw new RangeError("the range is not in the tree");
  return [...leftOf(from), ...rightOf(to, size)];
}

/** The proof: at most 106 hashes. */
export function proveRange(sha256: Sha256, range: LeafRange, size: number, read: ReadNodes): Uint8Array[] {
  return rangeProofRanges(range, size).map((part) => hashOfRange(sha256, part, read));
}

/**
 * Recomputes the root from an untrusted range proof, leaf hash by leaf hash, so that any number of leaves needs no memory.
 * The caller compares the root with the one that it trusts.
 */
export class RangeFold {
  readonly #sha256: Sha256;
  readonly #to: number;
  readonly #size: number;
  readonly #right: readonly Uint8Array[];
  readonly #frontier: Frontier;

  private constructor(sha256: Sha256, range: LeafRange, size: number, left: Uint8Array[], right: Uint8Array[]) {
    this.#sha256 = sha256;
    this.#to = range.to;
    this.#size = size;
    this.#right = right;
    this.#frontier = new Frontier(sha256, range.from, left);
  }

  /** Null unless the proof has exactly the hashes that this range of a tree of this size needs. */
  static begin(sha256: Sha256, range: LeafRange, size: number, proof: readonly Uint8Array[]): RangeFold | null {
    if (!isRange(range, size) || proof.some((hash) => hash.length !== HASH_BYTES)) return null;
    const left = leftOf(range.from).length;
    if (proof.length !== left + rightOf(range.to, size).length) return null;
    return new RangeFold(sha256, range, size, proof.slice(0, left), proof.slice(left));
  }

  /** The leaf that comes next. */
  get next(): number {
    return this.#frontier.size;
  }

  /** Throws when the range is full. */
  append(leaf: Uint8Array): void {
    if (this.next >= this.#to) throw new RangeError("the range has no more leaves");
    this.#frontier.append(leaf);
  }

  /** Throws before the last leaf of the range. */
  root(): Uint8Array {
    if (this.next !== this.#to) throw new RangeError("the range is not complete");
    if (this.#to === this.#size) return this.#frontier.root();
    const left = [...this.#frontier.hashes];
    const right = [...this.#right];
    let hash = left.pop() as Uint8Array;
    for (const { from, to } of consistencyRanges(this.#to, this.#size)) {
      // The subtree that ends where the range ends is where the way up begins.
      if (to === this.#to) continue;
      hash =
        from >= this.#to
          ? nodeHash(this.#sha256, hash, right.shift() as Uint8Array)
          : nodeHash(this.#sha256, left.pop() as Uint8Array, hash);
    }
    return hash;
  }
}

function isRange({ from, to }: LeafRange, size: number): boolean {
  return [from, to, size].every(Number.isSafeInteger) && 0 <= from && from < to && to <= size;
}

/** Complete subtrees all of them: the frontier of a tree of `from` leaves. */
function leftOf(from: number): LeafRange[] {
  if (from === 0) return [];
  return nodesOf({ from: 0, to: from }).map(({ level, index }) => ({
    from: index * 2 ** level,
    to: (index + 1) * 2 ** level,
  }));
}

/** What makes a tree of `size` leaves out of one of `to`: the part of their consistency proof that lies after it. */
function rightOf(to: number, size: number): LeafRange[] {
  return consistencyRanges(to, size).filter(({ from }) => from >= to);
}
