/**
 * Signing a domain's tree head (C2SP tlog-checkpoint).
 *
 * Commit order, with the crash after each:
 *  1. the root of the tree as it is, signed           nothing was written, nobody saw it
 *  2. (size, root, note) in the object's storage      done: it is published by being read from there
 * A size is signed once: the same size gives the same bytes again, another root for it stops the domain, and a smaller size
 * is never signed. Only an object that has compared itself with its copies signs (DESIGN §2).
 */
import { equalBytes } from "../../core/bytes.ts";
import { formatCheckpoint } from "../../core/checkpoint.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import type { Clock } from "../ports.ts";
import { Divergence } from "./divergence.ts";
import { rootOf, type TreeJournal } from "./tree.ts";

export interface SignedCheckpoint {
  size: number;
  root: Uint8Array;
  /** The signed note, as it is published. */
  note: string;
  /** Unix milliseconds. */
  signedAtMs: number;
}

export interface CheckpointJournal {
  lastCheckpoint(): SignedCheckpoint | null;
  /** Throws when a checkpoint of this size or a larger one is there. */
  addCheckpoint(checkpoint: SignedCheckpoint): void;
}

export interface CheckpointDeps {
  tree: TreeJournal;
  checkpoints: CheckpointJournal;
  /** Named like the origin. */
  signer: NoteSigner;
  sha256: Sha256;
  clock: Clock;
}

/** The newest checkpoint; signs one when the tree has grown. Null: the log has no tree yet. Throws `Divergence`. */
export function signHead({ tree, checkpoints, signer, sha256, clock }: CheckpointDeps): SignedCheckpoint | null {
  const last = checkpoints.lastCheckpoint();
  const { size, root } = rootOf(tree, sha256);
  if (last && size < last.size) {
    throw new Divergence(`the tree has ${size} entries, ${last.size} were signed: the object was set back`);
  }
  if (last && size === last.size) {
    if (!equalBytes(root, last.root)) throw new Divergence(`another root was signed for ${size} entries`);
    return last;
  }
  if (size === 0) return null;
  const note = signer.sign(formatCheckpoint({ origin: signer.name, size, root }));
  const checkpoint = { size, root, note, signedAtMs: clock() };
  checkpoints.addCheckpoint(checkpoint);
  return checkpoint;
}
