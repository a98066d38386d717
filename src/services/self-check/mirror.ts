/** The mirror of the tree in R2 (C2SP tlog-tiles), compared with the tree of the object, hash by hash. */
import { equalBytes } from "../../core/bytes.ts";
import { bundlePath, TILE_WIDTH, type Tile, tilePath, tileWidth } from "../../core/merkle/tiles.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import type { HeadResult } from "../log/calls.ts";
import type { Finding } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import type { Piece } from "./ledger.ts";
import { isLeafSigned, treeDamaged } from "./signed.ts";

type MirrorDeps = Pick<SelfCheckDeps, "mirror" | "log" | "sha256" | "origin" | "logKeys" | "verify">;

/** Tiles of the lowest level that one piece compares: at once, so that a bucket's delay is waited for once. */
const TILES_A_PIECE = 8;
/** An entry hash in a bundle, with its length before it. */
const BUNDLED_BYTES = 2 + HASH_BYTES;

/**
 * Compares what lies over the entries [from, to): tiles of every level, and bundles of what is kept. `size`: of the checkpoint that the
 * mirror shows. Throws the store's error.
 */
export async function checkTiles(
  { from, to }: { from: number; to: number },
  size: number,
  { firstKept }: Pick<HeadResult, "firstKept">,
  deps: MirrorDeps,
): Promise<Piece> {
  const first = Math.floor(from / TILE_WIDTH);
  const end = Math.min(Math.ceil(to / TILE_WIDTH), first + TILES_A_PIECE);
  const next = Math.min(to, end * TILE_WIDTH);
  const tiles = tilesOver(first, end - 1, size);
  const found = await Promise.all(tiles.map((tile) => checkTile(tile, firstKept, deps)));
  return { next, entries: next - from, finding: found.find((finding) => finding !== null) ?? null };
}

function tilesOver(first: number, last: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0, from = first, to = last; tileWidth(level, from, size) > 0; level++) {
    for (let index = from; index <= to && tileWidth(level, index, size) > 0; index++) {
      tiles.push({ level, index, width: tileWidth(level, index, size) });
    }
    from = Math.floor(from / TILE_WIDTH);
    to = Math.floor(to / TILE_WIDTH);
  }
  return tiles;
}

async function checkTile(tile: Tile, firstKept: number, deps: MirrorDeps): Promise<Finding | null> {
  const { mirror, log, sha256 } = deps;
  const { level, index, width } = tile;
  const [own, mirrored] = await Promise.all([log.treeTile(tilePath(tile)), mirroredTile(tile, mirror)]);
  const span = TILE_WIDTH ** level;
  const place = index * TILE_WIDTH * span;
  if (!own) return treeDamaged(place);
  if (!mirrored) return found("tile_missing", place, place);
  const unlike = firstUnlike(own, mirrored);
  if (unlike !== null) {
    const seq = (index * TILE_WIDTH + unlike) * span;
    const leaf = mirrored.subarray(unlike * HASH_BYTES, (unlike + 1) * HASH_BYTES);
    const isOurs = level === 0 && mirrored.length === own.length && (await isLeafSigned(seq, leaf, deps));
    return isOurs ? treeDamaged(seq) : found("tile_altered", seq, place);
  }
  if (level > 0 || (index + 1) * TILE_WIDTH <= firstKept) return null;
  const bundle = await mirroredBundle({ index, width }, mirror);
  if (!bundle) return place < firstKept ? null : found("bundle_missing", place, place);
  const leaves = leavesOf(bundle, sha256);
  const other = leaves ? firstUnlike(own, leaves) : 0;
  return other === null ? null : found("bundle_altered", place + other, place);
}

/**
 * A shorter tile goes when the whole one is there, which is before the checkpoint that needs it (src/services/log/mirror.ts): then the
 * whole one holds what the present checkpoint needs. In this order one of the two is found.
 */
async function mirroredTile(tile: Tile, mirror: MirrorDeps["mirror"]): Promise<Uint8Array | null> {
  const { width } = tile;
  const found = await mirror.tile(tilePath(tile));
  if (found || width === TILE_WIDTH) return found;
  return (await mirror.tile(tilePath({ ...tile, width: TILE_WIDTH })))?.slice(0, width * HASH_BYTES) ?? null;
}

/** Likewise. */
async function mirroredBundle(bundle: Omit<Tile, "level">, mirror: MirrorDeps["mirror"]): Promise<Uint8Array | null> {
  const { width } = bundle;
  const found = await mirror.tile(bundlePath(bundle));
  if (found || width === TILE_WIDTH) return found;
  return (await mirror.tile(bundlePath({ ...bundle, width: TILE_WIDTH })))?.slice(0, width * BUNDLED_BYTES) ?? null;
}

/** Place of the first hash that differs; null: they are the same bytes. */
function firstUnlike(own: Uint8Array, other: Uint8Array): number | null {
  if (equalBytes(own, other)) return null;
  const count = Math.max(own.length, other.length) / HASH_BYTES;
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * HASH_BYTES, (i + 1) * HASH_BYTES];
    if (!equalBytes(own.subarray(from, to), other.subarray(from, to))) return i;
  }
  return 0;
}

/** Leaf hashes of a bundle: entry hashes, each with its length in two bytes before it. Null: it is none. */
function leavesOf(bundle: Uint8Array, sha256: MirrorDeps["sha256"]): Uint8Array | null {
  const entry = BUNDLED_BYTES;
  if (bundle.length % entry !== 0) return null;
  const leaves = new Uint8Array((bundle.length / entry) * HASH_BYTES);
  for (let i = 0; i * entry < bundle.length; i++) {
    if (bundle[i * entry] !== 0 || bundle[i * entry + 1] !== HASH_BYTES) return null;
    leaves.set(leafHash(sha256, bundle.slice(i * entry + 2, (i + 1) * entry)), i * HASH_BYTES);
  }
  return leaves;
}

const found = (fault: string, seq: number, place: number): Finding => ({
  check: "mirror",
  store: "mirror",
  fault,
  seq,
  place,
});
