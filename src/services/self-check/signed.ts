/** What the log's key has signed, as far as a self-check needs it: the only thing that is believed without being recomputed. */
import { equalBytes, fromHex } from "../../core/bytes.ts";
import { isAppError } from "../../core/errors.ts";
import { checkInclusion } from "../../core/merkle/inclusion.ts";
import { TILE_WIDTH, tilePath, tileWidth } from "../../core/merkle/tiles.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { parseNote } from "../../core/note.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import { readHeldUp } from "../witness/answer.ts";
import type { Finding } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";

type SignedDeps = Pick<SelfCheckDeps, "log" | "origin" | "logKeys" | "verify" | "sha256">;

/** An entry as it was recomputed; the hash in lower-case hex. */
export interface Recomputed {
  seq: number;
  entryHash: string;
}

/** The checkpoint in a note; null unless it is of this log and one of its keys has signed it. */
export const signedIn = (note: string, { origin, logKeys, verify }: Omit<SignedDeps, "log" | "sha256">) =>
  readHeldUp(note, origin, logKeys, verify);

/** Nobody here can judge it: its signature lines name no key that this log is known to have signed with. */
export function isOfUnknownKey(note: string, { logKeys }: Pick<SignedDeps, "logKeys">): boolean {
  const lines = parseNote(note)?.signatures ?? [];
  const isKnown = lines.some((line) =>
    logKeys.some(({ name, keyHash }) => line.name === name && equalBytes(line.keyHash, keyHash)),
  );
  return lines.length > 0 && !isKnown;
}

/** Whether the entry lies under a checkpoint that the log's key has signed. One call of the log; throws what it throws. */
export async function isSigned({ seq, entryHash }: Recomputed, deps: SignedDeps): Promise<boolean> {
  const hash = fromHex(entryHash);
  return hash !== null && (await isLeafSigned(seq, leafHash(deps.sha256, hash), deps));
}

/** The same of a leaf hash. A proof has only what is beside the leaf: it holds for the right one also where the tree has another. */
export async function isLeafSigned(seq: number, leaf: Uint8Array, deps: SignedDeps): Promise<boolean> {
  const proof = await proofOf(seq, deps);
  const head = proof && signedIn(proof.checkpoint.note, deps);
  return !!head && checkInclusion(deps.sha256, seq, head.size, leaf, proof.hashes, head.root);
}

/** A tree that lacks a tile of its own proves nothing: that is a finding, not an error. */
async function proofOf(seq: number, { log }: SignedDeps) {
  try {
    return await log.entryProof({ seq, waitMs: 0 });
  } catch (error) {
    if (isAppError(error) && error.code === "internal") return null;
    throw error;
  }
}

/**
 * The first of these entries, which follow each other, that is not the leaf of the object's tree; null: all are. `size`: of a tree
 * that the object has. A tile that is not there has no leaf. One call of the log for each 256 entries.
 */
export async function firstUnlike(
  rows: readonly Recomputed[],
  size: number,
  { log, sha256 }: Pick<SignedDeps, "log" | "sha256">,
): Promise<number | null> {
  let tile: { index: number; bytes: Uint8Array } = { index: -1, bytes: new Uint8Array() };
  for (const { seq, entryHash } of rows) {
    const index = Math.floor(seq / TILE_WIDTH);
    if (tile.index !== index) {
      const path = tilePath({ level: 0, index, width: tileWidth(0, index, size) });
      tile = { index, bytes: (await log.treeTile(path)) ?? new Uint8Array() };
    }
    const at = (seq % TILE_WIDTH) * HASH_BYTES;
    const hash = fromHex(entryHash);
    if (!hash || !equalBytes(tile.bytes.subarray(at, at + HASH_BYTES), leafHash(sha256, hash))) return seq;
  }
  return null;
}

export const TREE_DAMAGED = "tree_damaged";

/** The object's tree is not the one that was signed. */
export const treeDamaged = (seq: number): Finding => ({
  check: "object",
  store: "object",
  fault: TREE_DAMAGED,
  seq,
  place: seq,
});
