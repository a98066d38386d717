/**
 * The tree as the bucket shows it, for a log whose object is lost: leaves to compare each entry with before it is written, and the
 * proof that the entries lead to the checkpoint. Tiles are untrusted: `TileReader` checks each against the checkpoint's root.
 */
import { concatBytes } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { consistencyRanges } from "../../core/merkle/consistency.ts";
import { nodesOf } from "../../core/merkle/subtree.ts";
import { bundlePath, TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { foldNodes, leafHash } from "../../core/merkle/tree.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import { TileError } from "../../verifier/tiles/tile-error.ts";
import { TileReader } from "../../verifier/tiles/tile-reader.ts";
import type { RestoreDeps } from "./ports.ts";

export interface MirroredTree {
  note: string;
  size: number;
  reader: TileReader;
}

/** Null: the bucket shows none, or one that is not of this log. */
export async function checkpointOf({ mirror, domainId, sha256 }: RestoreDeps): Promise<MirroredTree | null> {
  const note = await mirror.checkpoint();
  const checkpoint = note === null ? undefined : parseCheckpointNote(note)?.checkpoint;
  if (note === null || !checkpoint?.origin.endsWith(`/${domainId}`)) return null;
  const { size, root } = checkpoint;
  return { note, size, reader: new TileReader(sha256, { size, root }, (path) => mirror.tile(path)) };
}

/** Leaf hashes of [fromSeq, fromSeq + count), as far as the tree goes; empty where its tiles are missing or wrong. */
export async function mirroredLeaves(tree: MirroredTree, fromSeq: number, count: number): Promise<Uint8Array> {
  const end = Math.min(tree.size, fromSeq + count);
  const leaves = Array.from({ length: Math.max(0, end - fromSeq) }, (_, i) => ({ level: 0, index: fromSeq + i }));
  try {
    return concatBytes(...(await tree.reader.nodes(leaves)));
  } catch (error) {
    if (error instanceof TileError) return new Uint8Array();
    throw error;
  }
}

/** That the tree of `size` entries is the beginning of this one; null: its tiles are missing or wrong. */
export async function proofFrom(size: number, tree: MirroredTree): Promise<Uint8Array[] | null> {
  if (size === 0 || size >= tree.size) return [];
  try {
    const ranges = consistencyRanges(size, tree.size);
    const { sha256 } = tree.reader;
    return await Promise.all(ranges.map(async (range) => foldNodes(sha256, await tree.reader.nodes(nodesOf(range)))));
  } catch (error) {
    if (error instanceof TileError) return null;
    throw error;
  }
}

/**
 * Entry hashes of [seq, end) out of one bundle of the mirror, proved by the leaves of the checkpoint; null: it lacks them. `tree`: read
 * once by the caller, because the bucket may show another one by now.
 */
export async function bundledHashes(
  seq: number,
  end: number,
  tree: MirroredTree | null,
  deps: RestoreDeps,
): Promise<Uint8Array | null> {
  const index = Math.floor(seq / TILE_WIDTH);
  if (!tree || tree.size < end) return null;
  const width = Math.min(TILE_WIDTH, tree.size - index * TILE_WIDTH);
  const bytes = await deps.mirror.tile(bundlePath({ index, width }));
  if (bytes?.length !== width * BUNDLED_BYTES) return null;
  const upTo = Math.min(end, index * TILE_WIDTH + width);
  const leaves = await mirroredLeaves(tree, seq, upTo - seq);
  const hashes = Array.from({ length: upTo - seq }, (_, i) => {
    const start = (seq + i - index * TILE_WIDTH) * BUNDLED_BYTES + LENGTH_BYTES;
    return bytes.subarray(start, start + HASH_BYTES);
  });
  const isProved = concatBytes(...hashes.map((hash) => leafHash(deps.sha256, hash)));
  return sameBytes(isProved, leaves) ? concatBytes(...hashes) : null;
}

/** Each leaf of a bundle has its length in two bytes before it (C2SP tlog-tiles). */
const LENGTH_BYTES = 2;
const BUNDLED_BYTES = LENGTH_BYTES + HASH_BYTES;

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
