/**
 * Tiles (C2SP tlog-tiles): the tree cut into pieces of height 8. Tile (level L, index N) holds the hashes of the complete
 * subtrees of height 8 × L from 256 × N on, 256 of them or, at the right edge, fewer.
 */
import { HASH_BYTES, type Sha256 } from "../sha256.ts";
import type { Node } from "./subtree.ts";
import { foldNodes, nodeHash, type ReadNodes } from "./tree.ts";

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 2 ** TILE_HEIGHT;
/** Levels that a tree of 2^53-1 leaves has. */
const MAX_LEVEL = 6;

export interface Tile {
  level: number;
  index: number;
  /** Hashes in it, 1 to 256. */
  width: number;
}

/** The tile that holds a complete subtree's hash, or what it is hashed from, in a tree of `size` leaves. */
export function tileOf({ level, index }: Node, size: number): Tile {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const tileIndex = Math.floor((index * 2 ** (level % TILE_HEIGHT)) / TILE_WIDTH);
  return { level: tileLevel, index: tileIndex, width: tileWidth(tileLevel, tileIndex, size) };
}

/** How many hashes the tile has in a tree of `size` leaves; 0: it is not there. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** The hash of a complete subtree from the bytes of its tile. Null: the tile is too short for it. */
export function hashInTile(sha256: Sha256, bytes: Uint8Array, { level, index }: Node): Uint8Array | null {
  const height = level % TILE_HEIGHT;
  const start = (index * 2 ** height) % TILE_WIDTH;
  const count = 2 ** height;
  if (bytes.length < (start + count) * HASH_BYTES) return null;
  let hashes: Uint8Array[] = Array.from({ length: count }, (_, i) =>
    bytes.slice((start + i) * HASH_BYTES, (start + i + 1) * HASH_BYTES),
  );
  while (hashes.length > 1) {
    hashes = Array.from({ length: hashes.length / 2 }, (_, i) =>
      nodeHash(sha256, hashes[2 * i] as Uint8Array, hashes[2 * i + 1] as Uint8Array),
    );
  }
  return foldNodes(sha256, hashes);
}

/** Reads complete subtrees out of tiles that are there already. `bytesOf` throws when it lacks one. */
export function readFromTiles(sha256: Sha256, size: number, bytesOf: (tile: Tile) => Uint8Array): ReadNodes {
  return (nodes) =>
    nodes.map((node) => {
      const hash = hashInTile(sha256, bytesOf(tileOf(node, size)), node);
      if (!hash) throw new RangeError("a tile is shorter than its tree needs");
      return hash;
    });
}

/** Each of these tiles once, for whoever has to fetch them before. */
export function tilesOf(nodes: readonly Node[], size: number): Tile[] {
  const tiles = new Map(nodes.map((node) => [tilePath(tileOf(node, size)), tileOf(node, size)]));
  return [...tiles.values()];
}

/** `tile/<L>/<N>[.p/<W>]`; N in groups of three digits, all but the last with an `x` before (C2SP tlog-tiles). */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** `tile/entries/<N>[.p/<W>]`. */
export function bundlePath({ index, width }: Omit<Tile, "level">): string {
  return `tile/entries/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) as string[];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
}

/** A tile's path from outside; null for every other spelling. `level` is null for a bundle of entries. */
export function parseTilePath(path: string): (Omit<Tile, "level"> & { level: number | null }) | null {
  const match = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (!match) return null;
  const [, kind, groups = "", partial] = match;
  const level = kind === "entries" ? null : Number(kind);
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(index * TILE_WIDTH) || (level ?? 0) > MAX_LEVEL) return null;
  if (partial !== undefined && width >= TILE_WIDTH) return null;
  const again = level === null ? bundlePath({ index, width }) : tilePath({ level, index, width });
  return again === path ? { level, index, width } : null;
}
