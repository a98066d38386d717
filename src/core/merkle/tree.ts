/** Hashes of the tree of RFC 6962 §2.1.1, its frontier, and how hashes of ranges come out of complete subtrees. */
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import { demandSize, type LeafRange, type Node, nodesOf } from "./subtree.ts";

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** SHA-256(0x00 ‖ leaf). The leaf of an entry is the 32 bytes of its entry hash. */
export const leafHash = (sha256: Sha256, leaf: Uint8Array): Uint8Array => sha256(LEAF_PREFIX, leaf);

/** SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash = (sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha256(NODE_PREFIX, left, right);

/** The root of no leaves: SHA-256 of nothing. */
export const emptyRoot = (sha256: Sha256): Uint8Array => sha256();

/** Gives the hash of each of these complete subtrees, in order. Throws when it lacks one. */
export type ReadNodes = (nodes: readonly Node[]) => Uint8Array[];

/** The hash of a range from the hashes of `nodesOf(range)`. */
export function foldNodes(sha256: Sha256, hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1);
  if (!last) throw new RangeError("a range of leaves is not empty");
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(sha256, left, right), last);
}

export const hashOfRange = (sha256: Sha256, range: LeafRange, read: ReadNodes): Uint8Array =>
  foldNodes(sha256, read(nodesOf(range)));

/**
 * The frontier: the hashes of the complete subtrees of [0, size), left to right. All that is needed to go on, and to know the
 * root.
 */
export class Frontier {
  readonly #sha256: Sha256;
  #size: number;
  readonly #hashes: Uint8Array[];

  /** Throws unless there is a hash for each of the complete subtrees. */
  constructor(sha256: Sha256, size = 0, hashes: readonly Uint8Array[] = []) {
    if (size > 0) demandSize(size);
    const wanted = size === 0 ? 0 : nodesOf({ from: 0, to: size }).length;
    if (hashes.length !== wanted || hashes.some((hash) => hash.length !== HASH_BYTES)) {
      throw new RangeError(`the frontier of ${size} leaves has ${wanted} hashes of 32 bytes`);
    }
    this.#sha256 = sha256;
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): number {
    return this.#size;
  }

  get hashes(): readonly Uint8Array[] {
    return this.#hashes;
  }

  /** Adds one leaf hash. O(1) amortised. `completed` gets each complete subtree that is made, the leaf first. */
  append(leaf: Uint8Array, completed: (node: Node, hash: Uint8Array) => void = () => {}): void {
    demandSize(this.#size + 1);
    let hash = leaf;
    let index = this.#size;
    completed({ level: 0, index }, hash);
    for (let level = 1; index % 2 === 1; level++) {
      hash = nodeHash(this.#sha256, this.#hashes.pop() as Uint8Array, hash);
      index = (index - 1) / 2;
      completed({ level, index }, hash);
    }
    this.#hashes.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    return this.#size === 0 ? emptyRoot(this.#sha256) : foldNodes(this.#sha256, this.#hashes);
  }

  copy(): Frontier {
    return new Frontier(this.#sha256, this.#size, this.#hashes);
  }
}
