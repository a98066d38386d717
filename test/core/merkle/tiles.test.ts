/** C2SP tlog-tiles: every subtree is found in its tile; paths have one spelling. */
import { describe, expect, test } from "vitest";
import { checkInclusion, inclusionRanges, proveInclusion } from "../../../src/core/merkle/inclusion.ts";
import { nodesOf } from "../../../src/core/merkle/subtree.ts";
import {
  bundlePath,
  parseTilePath,
  readFromTiles,
  type Tile,
  tilePath,
  tilesOf,
  tileWidth,
} from "../../../src/core/merkle/tiles.ts";
import { Frontier, leafHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";

const SIZE = 70_000;
const tiles = new Map<string, number[]>();
const frontier = new Frontier(sha256);
const roots = new Map<number, Uint8Array>();
const at = [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, SIZE];
for (let i = 0; i < SIZE; i++) {
  frontier.append(leafHash(sha256, Buffer.from(`leaf ${i}`)), ({ level, index }, hash) => {
    if (level % 8 !== 0) return;
    const key = `${level / 8}/${Math.floor(index / 256)}`;
    const bytes = tiles.get(key) ?? [];
    tiles.set(key, bytes);
    bytes.push(...hash);
  });
  if (at.includes(i + 1)) roots.set(i + 1, frontier.root());
}
const bytesOf = ({ level, index, width }: Tile) =>
  Uint8Array.from(tiles.get(`${level}/${index}`) ?? []).subarray(0, width * 32);

describe("tiles", () => {
  test.each(at)("prove every kind of leaf in a tree of %d", (size) => {
    const read = readFromTiles(sha256, size, bytesOf);
    for (const index of new Set([0, 1, 127, 255, 256, Math.floor(size / 2), size - 1].filter((each) => each < size))) {
      const proof = proveInclusion(sha256, index, size, read);
      const leaf = leafHash(sha256, Buffer.from(`leaf ${index}`));
      expect(checkInclusion(sha256, index, size, leaf, proof, roots.get(size) as Uint8Array)).toBe(true);
      const nodes = inclusionRanges(index, size).flatMap(nodesOf);
      for (const tile of tilesOf(nodes, size)) expect(tile.width).toBe(tileWidth(tile.level, tile.index, size));
    }
  });

  test("that are shorter than their tree throw instead of proving something", () => {
    const read = readFromTiles(sha256, SIZE, (tile) => bytesOf(tile).subarray(0, 32));
    expect(() => proveInclusion(sha256, 5, SIZE, read)).toThrow(RangeError);
  });
});

describe("paths", () => {
  test.each<[Tile, string]>([
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 0, index: 0, width: 1 }, "tile/0/000.p/1"],
    [{ level: 1, index: 999, width: 256 }, "tile/1/999"],
    [{ level: 0, index: 1000, width: 255 }, "tile/0/x001/000.p/255"],
    [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
  ])("%j is %s, and back", (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test("bundles of entries are named the same way", () => {
    expect(bundlePath({ index: 1_234_067, width: 8 })).toBe("tile/entries/x001/x234/067.p/8");
    expect(parseTilePath("tile/entries/x001/x234/067.p/8")).toEqual({ level: null, index: 1_234_067, width: 8 });
  });

  test.each([
    "",
    "tile",
    "tile/0",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/x001/x000",
    "tile/0/001/000",
    "tile/00/000",
    "tile/7/000",
    "tile/63/000",
    "tile/-1/000",
    "tile/+1/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/007",
    "tile/0/000.p/+7",
    "tile/0/000.p/",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
    "tile/entries/0",
    "tile/0/000 ",
    "tile/0/٠٠٠",
  ])("%j is refused", (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});
