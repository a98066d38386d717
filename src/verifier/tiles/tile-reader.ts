/**
 * Reads a tree from tiles that nobody vouches for (C2SP tlog-tiles): each is checked against the root of a checkpoint before
 * anything of it is used. The caller has verified the checkpoint, and brings the bytes.
 *
 * The tiles of the right edge, at most 7, are all that are partial; their hashes fold to the root, all of them together. Every
 * other tile is full, so its own hash stands in the tile above it.
 */
import { equalBytes } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { nodeProofRanges } from "../../core/merkle/node-proof.ts";
import { type LeafRange, type Node, nodesOf } from "../../core/merkle/subtree.ts";
import {
  hashInTile,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tileOf,
  tilePath,
  tilesOf,
  tileWidth,
} from "../../core/merkle/tiles.ts";
import { emptyRoot, foldNodes, nodeHash } from "../../core/merkle/tree.ts";
import { HASH_BYTES, type Sha256 } from "../../core/sha256.ts";
import { Gate, RecentPromises } from "./bounded.ts";
import { TileError } from "./tile-error.ts";

/** The untrusted bytes at a path below the log's address; null: there are none. It may throw, and that is passed on. */
export type FetchTile = (path: string) => Promise<Uint8Array | null>;

export interface TreeHead {
  size: number;
  root: Uint8Array;
}

/** Memory: `LIMITS.monitorTiles` tiles of 8 KiB. All methods throw `TileError` for tiles that are missing or wrong. */
export class TileReader {
  readonly head: TreeHead;
  readonly sha256: Sha256;
  readonly #fetchTile: FetchTile;
  readonly #gate = new Gate(LIMITS.monitorFetches);
  readonly #full = new RecentPromises<Uint8Array>(LIMITS.monitorTiles);
  #edge: Promise<Map<number, Uint8Array>> | null = null;

  constructor(sha256: Sha256, head: TreeHead, fetchTile: FetchTile) {
    this.sha256 = sha256;
    this.head = head;
    this.#fetchTile = fetchTile;
  }

  /** The verified hashes of complete subtrees of this tree, in order. */
  async nodes(nodes: readonly Node[]): Promise<Uint8Array[]> {
    const { size } = this.head;
    const verified = await Promise.all(
      tilesOf(nodes, size).map(async (tile) => [tilePath(tile), await this.tile(tile)] as const),
    );
    const bytes = new Map(verified);
    return nodes.map((node) => {
      const tile = bytes.get(tilePath(tileOf(node, size)));
      const hash = tile && hashInTile(this.sha256, tile, node);
      if (!hash) throw new RangeError("the subtree is not in the tree");
      return hash;
    });
  }

  /** The hashes of the complete subtrees of the first `size` leaves, left to right: the frontier of the tree of that size. */
  async frontierAt(size: number): Promise<Uint8Array[]> {
    if (size > this.head.size) throw new RangeError("the tree is not that large");
    if (this.head.size === 0) await this.#readEdge();
    return size === 0 ? [] : this.nodes(nodesOf({ from: 0, to: size }));
  }

  /** The root that this tree had at an earlier size. An earlier checkpoint with another root does not belong to this log. */
  async rootAt(size: number): Promise<Uint8Array> {
    const hashes = await this.frontierAt(size);
    return size === 0 ? emptyRoot(this.sha256) : foldNodes(this.sha256, hashes);
  }

  /** The proof of a node, from it to the root (`merkle/node-proof.ts`). */
  async proofOf(node: Node): Promise<Uint8Array[]> {
    const ofRange = async (range: LeafRange) => foldNodes(this.sha256, await this.nodes(nodesOf(range)));
    return Promise.all(nodeProofRanges(node, this.head.size).map(ofRange));
  }

  /** A verified tile of this tree, as wide as the tree has it. */
  async tile({ level, index }: Pick<Tile, "level" | "index">): Promise<Uint8Array> {
    const width = tileWidth(level, index, this.head.size);
    if (width === 0) throw new RangeError("the tile is not in the tree");
    if (width < TILE_WIDTH) return (await this.#readEdge()).get(level) as Uint8Array;
    const tile = { level, index, width };
    return this.#full.get(tilePath(tile), async () => {
      const [bytes, hash] = await Promise.all([this.#fetchWhole(tile), this.hashOfFullTile(tile)]);
      if (equalBytes(hashOfFull(this.sha256, bytes), hash)) return bytes;
      throw new TileError("wrong", tilePath(tile), `${tilePath(tile)} does not belong to the root`);
    });
  }

  /** The verified hash of all that is under a full tile: it stands in the tile above. */
  async hashOfFullTile({ level, index }: Pick<Tile, "level" | "index">): Promise<Uint8Array> {
    const [hash] = await this.nodes([{ level: (level + 1) * TILE_HEIGHT, index }]);
    return hash as Uint8Array;
  }

  /** Bytes of `path(tile)`, or the beginning of those of the full tile: a partial one may go once the full one is there. */
  async fetchBytes(tile: Tile, path: (tile: Tile) => string, bytesEach: number): Promise<Uint8Array> {
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const name = path({ ...tile, width });
      const bytes = await this.#gate.run(() => this.#fetchTile(name));
      if (!bytes) continue;
      if (bytes.length === width * bytesEach) return bytes.subarray(0, tile.width * bytesEach);
      throw new TileError("wrong", name, `${name} has ${bytes.length} bytes, not ${width} times ${bytesEach}`);
    }
    throw new TileError("missing", path(tile), `${path(tile)} is not served`);
  }

  #fetchWhole(tile: Tile): Promise<Uint8Array> {
    return this.fetchBytes(tile, tilePath, HASH_BYTES);
  }

  /** The partial tiles by level: there is at most one of each. */
  #readEdge(): Promise<Map<number, Uint8Array>> {
    if (this.#edge) return this.#edge;
    const reading = this.#verifyEdge();
    this.#edge = reading;
    reading.catch(() => {
      this.#edge = null;
    });
    return reading;
  }

  async #verifyEdge(): Promise<Map<number, Uint8Array>> {
    const { size, root } = this.head;
    const nodes = size === 0 ? [] : nodesOf({ from: 0, to: size });
    const tiles = tilesOf(nodes, size);
    const bytes = await Promise.all(tiles.map((tile) => this.#fetchWhole(tile)));
    const edge = new Map(tiles.map(({ level }, i) => [level, bytes[i] as Uint8Array]));
    const hashes = nodes.map((node) => {
      const tile = edge.get(tileOf(node, size).level) as Uint8Array;
      return hashInTile(this.sha256, tile, node) as Uint8Array;
    });
    const computed = size === 0 ? emptyRoot(this.sha256) : foldNodes(this.sha256, hashes);
    if (equalBytes(computed, root)) return edge;
    const paths = tiles.map(tilePath).join(", ");
    throw new TileError("wrong", paths, `the root is not that of the tiles of its right edge (${paths})`);
  }
}

/** The hash over the 256 hashes of a full tile. */
export function hashOfFull(sha256: Sha256, bytes: Uint8Array): Uint8Array {
  const hashes = Array.from({ length: TILE_WIDTH }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    for (let i = 0; i < width; i++) {
      hashes[i] = nodeHash(sha256, hashes[2 * i] as Uint8Array, hashes[2 * i + 1] as Uint8Array);
    }
  }
  return hashes[0] as Uint8Array;
}
