/** Leaves out of bundles: each is the leaf of the tree, in order, or the reading ends. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leafHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { leavesBetween, splitBundle } from "../../../src/verifier/tiles/leaves.ts";
import { TileError } from "../../../src/verifier/tiles/tile-error.ts";
import { TileReader } from "../../../src/verifier/tiles/tile-reader.ts";
import { type Files, fetchFrom, leafOf, TiledLog } from "./tiled-log.ts";

const log = new TiledLog(2000);
const readerOf = (size: number, files: Files) => new TileReader(sha256, log.head(size), fetchFrom(files));
async function readAll(reader: TileReader, from: number, to: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for await (const run of leavesBetween(reader, from, to)) {
    expect(run.from).toBe(from + leaves.length);
    expect(run.leaves.length).toBeGreaterThan(0);
    expect(run.hashes).toEqual(run.leaves.map((leaf) => leafHash(sha256, leaf)));
    leaves.push(...run.leaves);
  }
  return leaves;
}
const bundlesOf = (files: Files) => [...files.keys()].filter((path) => path.startsWith("tile/entries/"));

test("any range of any tree is read as it is", async () => {
  const range = fc.tuple(fc.nat(2000), fc.nat(2000), fc.nat(2000)).map((three) => three.toSorted((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(range, async ([from = 0, to = 0, size = 0]) => {
      expect(await readAll(readerOf(size, log.files(size)), from, to)).toEqual(log.leaves(from, to));
    }),
    { numRuns: 60 },
  );
});

test("full tiles of level 0 are not fetched: their bundles are enough", async () => {
  const files = log.files(1800);
  for (let index = 0; index < 7; index++) files.delete(`tile/0/00${index}`);
  expect(await readAll(readerOf(1800, files), 0, 1800)).toEqual(log.leaves(0, 1800));
});

describe("a bundle that is not the tree's", () => {
  const SIZE = 700;
  const others: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ["with a leaf's byte flipped", (bytes) => bytes.with(40, (bytes[40] as number) ^ 1)],
    ["with its last byte flipped", (bytes) => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1)],
    ["with a length of 33", (bytes) => bytes.with(1, 33)],
    ["cut by a byte", (bytes) => bytes.subarray(0, -1)],
    ["cut by a leaf", (bytes) => bytes.subarray(34)],
    [
      "with two leaves swapped",
      (bytes) => Uint8Array.of(...bytes.subarray(34, 68), ...bytes.subarray(0, 34), ...bytes.subarray(68)),
    ],
    [
      "with the leaves of another history",
      (bytes) => Uint8Array.from({ length: bytes.length }, (_, i) => (i % 34 === 1 ? 32 : 0)),
    ],
  ];
  test.each(others)("%s is refused, whichever it is, and nothing of it is handed out", async (_, change) => {
    for (const path of bundlesOf(log.files(SIZE))) {
      const files = log.files(SIZE);
      files.set(path, change(files.get(path) as Uint8Array));
      const seen: number[] = [];
      const reading = (async () => {
        for await (const run of leavesBetween(readerOf(SIZE, files), 0, SIZE)) seen.push(run.from);
      })();
      await expect(reading).rejects.toMatchObject({ name: "TileError", reason: "wrong", path });
      expect(seen).not.toContain(Number(path.slice(13, 16)) * 256);
    }
  });

  test("names the first leaf that is not the tree's", async () => {
    const files = log.files(SIZE);
    const bytes = files.get("tile/entries/001") as Uint8Array;
    files.set("tile/entries/001", bytes.with(45 * 34 + 20, 0xaa));
    await expect(readAll(readerOf(SIZE, files), 0, SIZE)).rejects.toThrow(/leaf 301 in tile\/entries\/001/);
  });

  test("swapped with another, or left out, is refused", async () => {
    for (const path of bundlesOf(log.files(SIZE))) {
      for (const other of bundlesOf(log.files(SIZE))) {
        if (other === path) continue;
        const files = log.files(SIZE);
        files.set(path, files.get(other) as Uint8Array);
        await expect(readAll(readerOf(SIZE, files), 0, SIZE)).rejects.toThrow(TileError);
      }
      const files = log.files(SIZE);
      files.delete(path);
      await expect(readAll(readerOf(SIZE, files), 0, SIZE)).rejects.toMatchObject({ reason: "missing", path });
    }
  });

  test("any bytes are split into leaves of 32 bytes or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const leaves = splitBundle(bytes);
        if (leaves)
          expect(leaves.every((leaf) => leaf.length === 32) && leaves.length * 34 === bytes.length).toBe(true);
      }),
    );
    expect(splitBundle(Uint8Array.of(0, 32, ...leafOf(1)))).toEqual([leafOf(1)]);
    expect(splitBundle(Uint8Array.of(32, 0, ...leafOf(1)))).toBeNull();
  });
});

test("memory is bounded: at most 8 bundles are begun before they are taken", async () => {
  let begun = 0;
  const files = log.files(2000);
  const reader = new TileReader(sha256, log.head(2000), async (path) => {
    if (path.startsWith("tile/entries/")) begun++;
    return files.get(path) ?? null;
  });
  const runs = leavesBetween(reader, 0, 2000);
  await runs.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(begun).toBeLessThanOrEqual(8);
  await runs.return();
});
