/** Where two signed trees contradict each other, as evidence for everybody. Of the older one no more than its frontier is needed. */
import { equalBytes } from "../../core/bytes.ts";
import { type ForkEvidence, orderedEvidence } from "../../core/fork-evidence.ts";
import { hasNode, proveNode } from "../../core/merkle/node-proof.ts";
import { type Node, nodesOf } from "../../core/merkle/subtree.ts";
import type { ReadNodes } from "../../core/merkle/tree.ts";
import type { TileReader, TreeHead } from "./tile-reader.ts";

/** A head that was verified before. */
export interface KnownHead extends TreeHead {
  /** The signed note, verbatim. */
  note: string;
  /** The hashes of its complete subtrees, left to right; they fold to the root. */
  frontier: readonly Uint8Array[];
}

/**
 * Evidence that `reader`'s tree and an earlier head are no one history. `note`: the signed note of the reader's head. Null:
 * they agree on all subtrees that both have complete, which for two sizes is no proof either way unless the smaller one is
 * `known`. Throws `TileError`. O(log size) tiles.
 */
export async function findFork(known: KnownHead, reader: TileReader, note: string): Promise<ForkEvidence | null> {
  const { head } = reader;
  const checkpoints: [string, string] = [known.note, note];
  if (known.size === head.size) {
    if (equalBytes(known.root, head.root)) return null;
    return orderedEvidence({ contradiction: { kind: "same_size" }, checkpoints });
  }
  const nodes = known.size === 0 ? [] : nodesOf({ from: 0, to: known.size });
  const common = nodes.filter((node) => hasNode(node, head.size));
  const hashes = await reader.nodes(common);
  const at = common.findIndex((_, i) => !equalBytes(known.frontier[i] as Uint8Array, hashes[i] as Uint8Array));
  const node = common[at];
  if (!node) return null;
  const ours = {
    value: known.frontier[at] as Uint8Array,
    hashes: proveNode(reader.sha256, node, known.size, readFrontier(nodes, known.frontier)),
  };
  const theirs = { value: hashes[at] as Uint8Array, hashes: await reader.proofOf(node) };
  return orderedEvidence({ contradiction: { kind: "subtree", ...node, sides: [ours, theirs] }, checkpoints });
}

/** What stands beside a subtree of the frontier is made of other subtrees of the frontier. */
function readFrontier(nodes: readonly Node[], frontier: readonly Uint8Array[]): ReadNodes {
  const key = ({ level, index }: Node) => `${level}/${index}`;
  const known = new Map(nodes.map((node, i) => [key(node), frontier[i] as Uint8Array]));
  return (wanted) =>
    wanted.map((node) => {
      const hash = known.get(key(node));
      if (!hash) throw new RangeError("a frontier has other subtrees");
      return hash;
    });
}
