/**
 * What an object compares of its tree at every start, before it signs: the tree with the head of the chain, with the last
 * checkpoint that it signed, and with the one that the archive shows. What contradicts them stops the domain.
 */
import { equalBytes, fromHex } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { HASH_BYTES, type Sha256 } from "../../core/sha256.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import type { Head, TreeMirror } from "../ports.ts";
import type { CheckpointJournal } from "./checkpoints.ts";
import { Divergence } from "./divergence.ts";
import { rootAt, type TreeJournal } from "./tree.ts";

export interface CompareTreeDeps {
  head: Head;
  tree: TreeJournal;
  checkpoints: Pick<CheckpointJournal, "lastCheckpoint">;
  mirror: Pick<TreeMirror, "checkpoint">;
  /** Named like the origin. */
  signer: NoteSigner;
  sha256: Sha256;
}

/** Throws `Divergence`, or `storage.unavailable` when the mirror does not answer. */
export async function compareTree(deps: CompareTreeDeps): Promise<void> {
  compareWithHead(deps);
  const last = deps.checkpoints.lastCheckpoint();
  if (last) compareWith(last.size, last.root, "the last signed checkpoint", deps);
  const mirrored = ownCheckpoint(await deps.mirror.checkpoint(), deps.signer);
  if (mirrored) compareWith(mirrored.size, mirrored.root, "the checkpoint in the archive", deps);
}

/** The same entries in tree and chain; a log that is older than its tree may be ahead of it. */
function compareWithHead({ head, tree, sha256 }: CompareTreeDeps): void {
  const { size } = tree.frontier();
  if (size > head.size) throw new Divergence(`the tree has ${size} entries, the chain ${head.size}`);
  if (size < head.size || size === 0) return;
  const tile = tree.tile(0, Math.floor((size - 1) / TILE_WIDTH));
  const hash = fromHex(head.entryHash);
  const leaf = tile?.slice(((size - 1) % TILE_WIDTH) * HASH_BYTES) ?? new Uint8Array();
  if (!hash || !equalBytes(leaf, leafHash(sha256, hash))) {
    throw new Divergence(`the last leaf of the tree is not entry ${size - 1}`);
  }
}

function compareWith(size: number, root: Uint8Array, what: string, { tree, sha256 }: CompareTreeDeps): void {
  const own = tree.frontier().size;
  if (size > own) throw new Divergence(`${what} covers ${size} entries, the tree has ${own}: the object was set back`);
  if (!equalBytes(rootAt(tree, size, sha256), root)) {
    throw new Divergence(`${what} has another root for ${size} entries than the tree`);
  }
}

/** Only what this key has signed counts: a bucket's writer cannot stop a log with a note of their own. */
function ownCheckpoint(note: string | null, signer: NoteSigner): { size: number; root: Uint8Array } | null {
  const parsed = note === null ? null : parseCheckpointNote(note);
  return parsed?.checkpoint.origin === signer.name && signer.hasSigned(parsed.note) ? parsed.checkpoint : null;
}
