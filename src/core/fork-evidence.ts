/**
 * Evidence of a fork (SPEC.md §15): two checkpoints of one log that no single history can have. A file that convinces
 * everybody who trusts the log's key, whoever made it.
 *
 * `same_size`: two roots for one size, nothing else is needed. `leaf`: another leaf at the same index under each root.
 * `subtree`: another hash for the same complete subtree under each root, so that some leaf under it differs; who kept no
 * more of a tree than its frontier can still show this. `prefix`: the larger tree's own proof that its beginning, of the smaller
 * size, has another root; only the larger tree has to be at hand.
 */
import { fromBase64, toBase64, toHex } from "./bytes.ts";
import { parseCheckpointNote, parseDecimal } from "./checkpoint.ts";
import { LIMITS } from "./limits.ts";
import { HASH_BYTES } from "./sha256.ts";

export const FORK_HEADER = "moonseal/fork/v1";

/** What the tree of one checkpoint has at the place. */
export interface ForkSide {
  /** `leaf`: the leaf itself, an entry hash. `subtree`: the hash of the subtree. 32 bytes. */
  value: Uint8Array;
  /** From the place to the root (`merkle/node-proof.ts`). */
  hashes: Uint8Array[];
}

export type Contradiction =
  | { kind: "same_size" }
  | { kind: "leaf"; index: number; sides: [ForkSide, ForkSide] }
  | { kind: "subtree"; level: number; index: number; sides: [ForkSide, ForkSide] }
  | { kind: "prefix"; root: Uint8Array; hashes: Uint8Array[] };

export interface ForkEvidence {
  contradiction: Contradiction;
  /** Signed notes, verbatim; the smaller tree first, of equal ones the smaller root. In the order of the sides. */
  checkpoints: [string, string];
}

const MAX_LEVEL = 52;
const MAX_HASHES = 53;
/** A consistency proof may have one hash more than a tree has levels. */
const MAX_PREFIX_HASHES = 54;

export function formatForkEvidence({ contradiction, checkpoints }: ForkEvidence): string {
  return `${[FORK_HEADER, ...linesOf(contradiction)].join("\n")}\n\n${checkpoints[0]}\n${checkpoints[1]}`;
}

function linesOf(contradiction: Contradiction): string[] {
  if (contradiction.kind === "same_size") return ["same_size"];
  if (contradiction.kind === "prefix") {
    return ["prefix", `root ${toBase64(contradiction.root)}`, ...contradiction.hashes.map(toBase64)];
  }
  const { kind, index, sides } = contradiction;
  const place = kind === "leaf" ? `leaf ${index}` : `subtree ${contradiction.level} ${index}`;
  return [place, ...sides.flatMap(({ value, hashes }) => [`side ${toBase64(value)}`, ...hashes.map(toBase64)])];
}

/** The same evidence with its checkpoints, and what belongs to them, in their order. Null: they are no checkpoints. */
export function orderedEvidence(evidence: ForkEvidence): ForkEvidence | null {
  const order = orderOf(evidence.checkpoints);
  if (order === null || order <= 0) return order === null ? null : evidence;
  const { contradiction, checkpoints } = evidence;
  const [first, second] = checkpoints;
  if (contradiction.kind === "same_size") return { contradiction, checkpoints: [second, first] };
  // It is about the larger tree, whichever note came first.
  if (contradiction.kind === "prefix") return { contradiction, checkpoints: [second, first] };
  const [one, other] = contradiction.sides;
  return { contradiction: { ...contradiction, sides: [other, one] }, checkpoints: [second, first] };
}

/**
 * Takes untrusted evidence apart; null for anything that `formatForkEvidence` would not have written of checkpoints in their
 * order. No signature and no proof is checked.
 */
export function parseForkEvidence(text: string): ForkEvidence | null {
  if (text.length > LIMITS.forkBytes) return null;
  const [head = "", text1, signatures1, text2, signatures2, ...more] = text.split("\n\n");
  if (signatures2 === undefined || more.length > 0) return null;
  const contradiction = contradictionOf(head.split("\n"));
  const checkpoints: [string, string] = [`${text1}\n\n${signatures1}\n`, `${text2}\n\n${signatures2}`];
  const order = orderOf(checkpoints);
  if (!contradiction || order === null || order > 0) return null;
  const evidence = { contradiction, checkpoints };
  return formatForkEvidence(evidence) === text ? evidence : null;
}

function contradictionOf([header, place = "", ...lines]: string[]): Contradiction | null {
  if (header !== FORK_HEADER) return null;
  if (place === "same_size") return lines.length === 0 ? { kind: "same_size" } : null;
  if (place === "prefix") return prefixOf(lines);
  const [, kind, first = "", second] = /^(leaf|subtree) (\d+)(?: (\d+))?$/.exec(place) ?? [];
  const sides = sidesOf(lines);
  if (!sides || (kind === "leaf") === (second !== undefined)) return null;
  const [a, b] = [parseDecimal(first), parseDecimal(second ?? "0")];
  if (a === null || b === null) return null;
  if (kind === "leaf") return { kind, index: a, sides };
  return a <= MAX_LEVEL ? { kind: "subtree", level: a, index: b, sides } : null;
}

function prefixOf([first = "", ...lines]: readonly string[]): Contradiction | null {
  const root = first.startsWith("root ") ? fromBase64(first.slice("root ".length)) : null;
  const hashes = lines.map(fromBase64);
  const isHash = (bytes: Uint8Array | null): bytes is Uint8Array => bytes?.length === HASH_BYTES;
  return isHash(root) && hashes.every(isHash) && hashes.length <= MAX_PREFIX_HASHES
    ? { kind: "prefix", root, hashes }
    : null;
}

function sidesOf(lines: readonly string[]): [ForkSide, ForkSide] | null {
  const split = lines.findLastIndex((line) => line.startsWith("side "));
  const [one, other] = [sideOf(lines.slice(0, split)), sideOf(lines.slice(split))];
  return one && other ? [one, other] : null;
}

function sideOf([first = "", ...lines]: readonly string[]): ForkSide | null {
  if (!first.startsWith("side ") || lines.length > MAX_HASHES) return null;
  const [value, ...hashes] = [first.slice("side ".length), ...lines].map(fromBase64);
  const isHash = (bytes: Uint8Array | null | undefined): bytes is Uint8Array => bytes?.length === HASH_BYTES;
  return isHash(value) && hashes.every(isHash) ? { value, hashes } : null;
}

/** Negative or 0: they stand in their order. Null: one is no checkpoint. */
function orderOf([one, other]: readonly [string, string]): number | null {
  const [a, b] = [parseCheckpointNote(one)?.checkpoint, parseCheckpointNote(other)?.checkpoint];
  if (!a || !b) return null;
  const [rootA, rootB] = [toHex(a.root), toHex(b.root)];
  return a.size - b.size || (rootA < rootB ? -1 : Number(rootA > rootB));
}
