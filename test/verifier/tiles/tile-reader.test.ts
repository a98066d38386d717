/** A tree out of untrusted tiles: what is read is the tree of the root, or nothing is read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkConsistency, consistencyRanges } from "../../../src/core/merkle/consistency.ts";
import { checkInclusion } from "../../../src/core/merkle/inclusion.ts";
import { rootOfNode } from "../../../src/core/merkle/node-proof.ts";
import { nodesOf, splitPoint } from "../../../src/core/merkle/subtree.ts";
import { parseTilePath, TILE_WIDTH, type Tile, tilePath, tileWidth } from "../../../src/core/merkle/tiles.ts";
import { foldNodes, leafHash, nodeHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { TileError } from "../../../src/verifier/tiles/tile-error.ts";
import { TileReader } from "../../../src/verifier/tiles/tile-reader.ts";
import { readSame, sameRoot } from "../../core/merkle/same-leaves.ts";
import { fetchFrom, leafOf, TiledLog } from "./tiled-log.ts";

const log = new TiledLog(2000);
const readerOf = (size: number, files = log.files(size)) => new TileReader(sha256, log.head(size), fetchFrom(files));

/** MTH of RFC 6962 §2.1.1, from the leaves alone. */
const known = new Map<string, Uint8Array>();
function mth(from: number, to: number): Uint8Array {
  const key = `${from} ${to}`;
  const before = known.get(key);
  if (before) return before;
  const middle = from + (to - from > 1 ? splitPoint(to - from) : 0);
  const hash = to - from === 1 ? leafHash(sha256, leafOf(from)) : nodeHash(sha256, mth(from, middle), mth(middle, to));
  known.set(key, hash);
  return hash;
}

describe("a tree out of its tiles", () => {
  test("has the roots of the definition, at every size to 2,000 and an earlier size of each", async () => {
    const files = log.files(2000);
    const partial = (path: string) => {
      const { level, index, width } = parseTilePath(path) as Tile;
      const whole = files.get(tilePath({ level, index, width: tileWidth(level, index, 2000) }));
      return whole?.subarray(0, width * 32) ?? null;
    };
    for (let size = 1; size <= 2000; size++) {
      const head = { size, root: mth(0, size) };
      const reader = new TileReader(sha256, head, async (path) => partial(path));
      const earlier = 1 + ((size * 7919) % size);
      expect(await reader.rootAt(size)).toEqual(head.root);
      expect(await reader.rootAt(earlier), `${earlier} of ${size}`).toEqual(mth(0, earlier));
    }
  });

  test("gives every subtree with a proof that leads to the root", async () => {
    const node = fc.tuple(fc.nat(11), fc.nat(2000), fc.integer({ min: 1, max: 2000 })).map(([level, at, size]) => {
      const fits = Math.min(level, Math.floor(Math.log2(size)));
      return { node: { level: fits, index: at % Math.floor(size / 2 ** fits) }, size };
    });
    await fc.assert(
      fc.asyncProperty(node, async ({ node: its, size }) => {
        const reader = readerOf(size);
        const [hash] = (await reader.nodes([its])) as [Uint8Array];
        expect(hash).toEqual(mth(its.index * 2 ** its.level, (its.index + 1) * 2 ** its.level));
        const proof = await reader.proofOf(its);
        expect(rootOfNode(sha256, its, size, hash, proof)).toEqual(log.head(size).root);
        if (its.level === 0)
          expect(checkInclusion(sha256, its.index, size, hash, proof, log.head(size).root)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test("that grew by any steps is consistent with each tree before, and with no other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 2, maxLength: 5 }),
        fc.nat(),
        async (steps, at) => {
          const sizes = steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + step, 0));
          const size = sizes.at(-1) as number;
          const reader = readerOf(size);
          for (const earlier of sizes) {
            expect(await reader.rootAt(earlier)).toEqual(log.head(earlier).root);
            const ranges = consistencyRanges(earlier, size).map(nodesOf);
            const hashes = await Promise.all(ranges.map(async (nodes) => foldNodes(sha256, await reader.nodes(nodes))));
            const [older, newer] = [log.head(earlier).root, log.head(size).root];
            expect(checkConsistency(sha256, earlier, size, hashes, older, newer)).toBe(true);
          }
          const forkAt = at % (sizes[0] as number);
          const forged = new TiledLog(size, (i) => leafOf(i, i < forkAt ? "leaf" : "forged"));
          const other = new TileReader(sha256, forged.head(), fetchFrom(forged.files()));
          for (const earlier of sizes) expect(await other.rootAt(earlier)).not.toEqual(log.head(earlier).root);
        },
      ),
      { numRuns: 15 },
    );
  });

  test.each([2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32 + 1, 2 ** 53 - 1])(
    "of %d leaves is read with few tiles",
    async (size) => {
      let fetched = 0;
      const reader = new TileReader(sha256, { size, root: sameRoot(size) }, async (path) => {
        fetched++;
        const { level, width } = parseTilePath(path) as Tile;
        const [hash] = readSame([{ level: level * 8, index: 0 }]) as [Uint8Array];
        return Uint8Array.from({ length: width * 32 }, (_, i) => hash[i % 32] as number);
      });
      for (const earlier of [1, 2 ** 31 - 1, size - 1, size]) {
        expect(await reader.rootAt(earlier)).toEqual(sameRoot(earlier));
      }
      const node = { level: 0, index: size - 2 };
      const proof = await reader.proofOf(node);
      expect(rootOfNode(sha256, node, size, readSame([node])[0] as Uint8Array, proof)).toEqual(sameRoot(size));
      expect(fetched).toBeLessThan(40);
    },
  );

  test("of 0 leaves has the root of nothing, and no other", async () => {
    const none = async () => null;
    expect(await new TileReader(sha256, { size: 0, root: sha256() }, none).rootAt(0)).toEqual(sha256());
    const wrong = new TileReader(sha256, { size: 0, root: new Uint8Array(32) }, none);
    await expect(wrong.rootAt(0)).rejects.toThrow(TileError);
  });

  test("is also read where a partial tile is gone and the full one is there", async () => {
    const files = log.files(1500);
    const grown = log.files(2000);
    for (const path of [...files.keys()].filter((each) => each.startsWith("tile/0/005.p"))) files.delete(path);
    files.set("tile/0/005", grown.get("tile/0/005") as Uint8Array);
    const reader = readerOf(1500, files);
    expect(await reader.rootAt(1400)).toEqual(log.head(1400).root);
  });
});

describe("tiles that are not the tree's", () => {
  /** Sizes whose right edge has one, two and three tiles, and one that ends with a full tile. */
  const SIZES = [1, 255, 256, 257, 512, 700, 1793];
  const tilesOfSize = (size: number) =>
    [...log.files(size).keys()]
      .filter((path) => !path.startsWith("tile/entries/"))
      .map((path) => [path, parseTilePath(path) as Tile] as const);
  const read = (size: number, path: string, bytes: Uint8Array | null, tile: Tile) => {
    const files = log.files(size);
    if (bytes) files.set(path, bytes);
    else files.delete(path);
    return readerOf(size, files).tile(tile);
  };

  test.each(SIZES)("one byte flipped, whichever tile of a tree of %d: refused", async (size) => {
    for (const [path, tile] of tilesOfSize(size)) {
      const bytes = log.files(size).get(path) as Uint8Array;
      for (const at of new Set([0, 31, bytes.length - 32, bytes.length - 1, (size * 37) % bytes.length])) {
        const changed = bytes.with(at, (bytes[at] as number) ^ 1);
        await expect(read(size, path, changed, tile), `${path} byte ${at}`).rejects.toMatchObject({ reason: "wrong" });
      }
    }
  });

  test.each(SIZES)("cut, made longer or left out, whichever tile of a tree of %d: refused", async (size) => {
    for (const [path, tile] of tilesOfSize(size)) {
      const bytes = log.files(size).get(path) as Uint8Array;
      const others = [
        bytes.subarray(1),
        bytes.subarray(32),
        new Uint8Array(),
        Uint8Array.of(...bytes, 0),
        Uint8Array.of(...bytes, ...bytes),
      ];
      for (const other of others)
        await expect(read(size, path, other, tile)).rejects.toMatchObject({ reason: "wrong" });
      await expect(read(size, path, null, tile)).rejects.toMatchObject({ reason: "missing", path });
    }
  });

  test.each(SIZES)("swapped with another of a tree of %d: refused", async (size) => {
    const all = log.files(size);
    for (const [path, tile] of tilesOfSize(size)) {
      for (const [other] of tilesOfSize(size)) {
        const bytes = all.get(other) as Uint8Array;
        if (other === path || Buffer.compare(bytes, all.get(path) as Uint8Array) === 0) continue;
        await expect(read(size, path, bytes, tile), `${path} for ${other}`).rejects.toMatchObject({ reason: "wrong" });
      }
    }
  });

  test("of another history, all of them: refused", async () => {
    const forged = new TiledLog(700, (i) => leafOf(i, "forged"));
    const reader = readerOf(700, forged.files());
    await expect(reader.rootAt(700)).rejects.toMatchObject({ reason: "wrong" });
    await expect(reader.tile({ level: 0, index: 0 })).rejects.toMatchObject({ reason: "wrong" });
  });

  test("any bytes at any paths: a tile is the tree's or refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1200 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 4 }),
        async (size, changes) => {
          const right = log.files(size);
          const files = new Map(right);
          const paths = [...files.keys()];
          for (const [which, at, put] of changes) {
            const path = paths[which % paths.length] as string;
            const bytes = Uint8Array.from(files.get(path) as Uint8Array);
            bytes.set(put.subarray(0, bytes.length - (at % bytes.length)), at % bytes.length);
            files.set(path, bytes);
          }
          const reader = readerOf(size, files);
          for (const [path, tile] of tilesOfSize(size)) {
            const bytes = await reader.tile(tile).catch((error) => error);
            if (bytes instanceof TileError) continue;
            expect(bytes).toEqual(right.get(path));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a failure is not remembered: what was repaired is read", async () => {
    const files = log.files(700);
    const path = "tile/0/001";
    const right = files.get(path) as Uint8Array;
    const reader = readerOf(700, files);
    files.set(path, right.with(5, (right[5] as number) ^ 1));
    await expect(reader.tile({ level: 0, index: 1 })).rejects.toThrow(TileError);
    files.set(path, right);
    expect(await reader.tile({ level: 0, index: 1 })).toEqual(right);
  });

  test("a place that the tree does not have is asked of nobody", async () => {
    const reader = new TileReader(sha256, log.head(300), async () => {
      throw new Error("nobody may be asked");
    });
    await expect(reader.tile({ level: 0, index: 2 })).rejects.toThrow(RangeError);
    await expect(reader.rootAt(301)).rejects.toThrow(RangeError);
  });
});

test("at most 8 tiles are fetched at a time, and each once", async () => {
  let [now, most] = [0, 0];
  const asked: string[] = [];
  const big = new TiledLog(TILE_WIDTH * 30 + 5);
  const files = big.files();
  const reader = new TileReader(sha256, big.head(), async (path) => {
    asked.push(path);
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return files.get(path) ?? null;
  });
  await reader.nodes(Array.from({ length: 30 * TILE_WIDTH }, (_, index) => ({ level: 0, index })));
  expect(most).toBeLessThanOrEqual(8);
  expect(new Set(asked).size).toBe(asked.length);
});
