/** A log as a folder of tiles: every tile that C2SP tlog-tiles demands for a tree, made from the definition of the paths. */
import { concatBytes, uint16 } from "../../../src/core/bytes.ts";
import { bundlePath, TILE_HEIGHT, TILE_WIDTH, tilePath, tileWidth } from "../../../src/core/merkle/tiles.ts";
import { Frontier, leafHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import type { FetchTile, TreeHead } from "../../../src/verifier/tiles/tile-reader.ts";

export type Files = Map<string, Uint8Array>;

/** 32 bytes. Another `word` is another history. */
export const leafOf = (index: number, word = "leaf"): Uint8Array => sha256(`${word} ${index}`);

export class TiledLog {
  readonly #leaves: Uint8Array[] = [];
  readonly #frontier = new Frontier(sha256);
  /** Hashes of the levels 0, 8, 16 …, each list from its first. */
  readonly #levels: Uint8Array[][] = [];
  readonly #roots: Uint8Array[] = [this.#frontier.root()];
  readonly #frontiers = new Map<number, readonly Uint8Array[]>();

  constructor(size = 0, leaf: (index: number) => Uint8Array = leafOf) {
    for (let i = 0; i < size; i++) this.append(leaf(i));
  }

  append(leaf: Uint8Array): this {
    this.#leaves.push(leaf);
    this.#frontier.append(leafHash(sha256, leaf), ({ level }, hash) => {
      if (level % TILE_HEIGHT !== 0) return;
      this.#levels[level / TILE_HEIGHT] ??= [];
      this.#levels[level / TILE_HEIGHT]?.push(hash);
    });
    this.#roots.push(this.#frontier.root());
    this.#frontiers.set(this.size, [...this.#frontier.hashes]);
    return this;
  }

  get size(): number {
    return this.#leaves.length;
  }

  head(size = this.size): TreeHead {
    return { size, root: this.#roots[size] as Uint8Array };
  }

  frontier(size: number): readonly Uint8Array[] {
    return this.#frontiers.get(size) ?? [];
  }

  leaves(from: number, to: number): Uint8Array[] {
    return this.#leaves.slice(from, to);
  }

  /** All files of the tree of this size. */
  files(size = this.size): Files {
    const files: Files = new Map();
    for (let level = 0; tileWidth(level, 0, size) > 0; level++) {
      for (let index = 0; tileWidth(level, index, size) > 0; index++) {
        const width = tileWidth(level, index, size);
        const [from, to] = [index * TILE_WIDTH, index * TILE_WIDTH + width];
        files.set(tilePath({ level, index, width }), concatBytes(...(this.#levels[level] ?? []).slice(from, to)));
        if (level > 0) continue;
        const bundled = this.leaves(from, to).flatMap((leaf) => [uint16(leaf.length), leaf]);
        files.set(bundlePath({ index, width }), concatBytes(...bundled));
      }
    }
    return files;
  }
}

export const fetchFrom =
  (files: Files): FetchTile =>
  async (path) =>
    files.get(path) ?? null;
