/**
 * The leaves of a tree out of its bundles (C2SP tlog-tiles, "Log entries"), each checked against the tree. A leaf of ours is
 * the 32 bytes of an entry hash; a bundle of anything else is refused.
 */
import { equalBytes } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { bundlePath, TILE_WIDTH, tileWidth } from "../../core/merkle/tiles.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import { inOrder } from "./bounded.ts";
import { TileError } from "./tile-error.ts";
import { hashOfFull, type TileReader } from "./tile-reader.ts";

/** Leaves that follow each other. */
export interface LeafRun {
  /** Index of the first. */
  from: number;
  /** Entry hashes. */
  leaves: Uint8Array[];
  /** Their leaf hashes. */
  hashes: Uint8Array[];
}

const LENGTH_BYTES = 2;
/** Bytes of one leaf in a bundle. */
export const BUNDLED_LEAF_BYTES = LENGTH_BYTES + HASH_BYTES;

/** The leaves [from, to) of the reader's tree, in runs of at most 256. Throws `TileError`. At most `LIMITS.monitorFetches` bundles ahead. */
export async function* leavesBetween(
  reader: TileReader,
  from: number,
  to: number,
): AsyncGenerator<LeafRun, void, void> {
  if (!(from >= 0 && from <= to && to <= reader.head.size)) throw new RangeError("the leaves are not in the tree");
  for await (const run of inOrder(bundlesOf(from, to), LIMITS.monitorFetches, (index) => readBundle(reader, index))) {
    const skipped = Math.max(0, from - run.from);
    const end = Math.min(run.leaves.length, to - run.from);
    const isWhole = skipped === 0 && end === run.leaves.length;
    yield isWhole
      ? run
      : { from: run.from + skipped, leaves: run.leaves.slice(skipped, end), hashes: run.hashes.slice(skipped, end) };
  }
}

function* bundlesOf(from: number, to: number): Generator<number, void, void> {
  if (from === to) return;
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) yield index;
}

/** All leaves of one bundle of the reader's tree. */
export async function readBundle(reader: TileReader, index: number): Promise<LeafRun> {
  const { sha256, head } = reader;
  const width = tileWidth(0, index, head.size);
  const tile = { level: 0, index, width };
  const bytes = await reader.fetchBytes(tile, bundlePath, BUNDLED_LEAF_BYTES);
  const leaves = splitBundle(bytes);
  const path = bundlePath(tile);
  if (!leaves) throw new TileError("wrong", path, `${path} is no bundle of leaves of 32 bytes`);
  const together = new Uint8Array(width * HASH_BYTES);
  for (const [i, leaf] of leaves.entries()) together.set(leafHash(sha256, leaf), i * HASH_BYTES);
  await demandTile(reader, index, together, path);
  const hashes = leaves.map((_, i) => together.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  return { from: index * TILE_WIDTH, leaves, hashes };
}

/** Null unless every leaf has 32 bytes. */
export function splitBundle(bytes: Uint8Array): Uint8Array[] | null {
  if (bytes.length % BUNDLED_LEAF_BYTES !== 0) return null;
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += BUNDLED_LEAF_BYTES) {
    if (bytes[at] !== 0 || bytes[at + 1] !== HASH_BYTES) return null;
    leaves.push(bytes.subarray(at + LENGTH_BYTES, at + BUNDLED_LEAF_BYTES));
  }
  return leaves;
}

/** That these leaf hashes are the tile of level 0. A full tile need not be fetched: its hash stands above. */
async function demandTile(reader: TileReader, index: number, hashes: Uint8Array, path: string): Promise<void> {
  if (hashes.length === TILE_WIDTH * HASH_BYTES) {
    const above = await reader.hashOfFullTile({ level: 0, index });
    if (equalBytes(hashOfFull(reader.sha256, hashes), above)) return;
  }
  const tile = await reader.tile({ level: 0, index });
  const wrong = Array.from({ length: tile.length / HASH_BYTES }, (_, i) => i).find((i) => {
    const [at, end] = [i * HASH_BYTES, (i + 1) * HASH_BYTES];
    return !equalBytes(tile.subarray(at, end), hashes.subarray(at, end));
  });
  if (wrong === undefined) return;
  const leaf = index * TILE_WIDTH + wrong;
  throw new TileError("wrong", path, `leaf ${leaf} in ${path} is not the leaf of the tree`);
}
