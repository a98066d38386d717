/** The tree beside the chain: any way of appending gives the same tree, and its proofs hold at every earlier size. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/core/bytes.ts";
import { checkConsistency } from "../../../src/core/merkle/consistency.ts";
import { checkInclusion } from "../../../src/core/merkle/inclusion.ts";
import { Frontier, leafHash } from "../../../src/core/merkle/tree.ts";
import { parseNote } from "../../../src/core/note.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { type CheckpointJournal, type SignedCheckpoint, signHead } from "../../../src/services/log/checkpoints.ts";
import { extendTree, proofOfEntry, proofOfGrowth, rootOf, type TreeJournal } from "../../../src/services/log/tree.ts";

class TreeDouble implements TreeJournal, CheckpointJournal {
  #frontier: { size: number; hashes: readonly Uint8Array[] } = { size: 0, hashes: [] };
  readonly tiles = new Map<string, Uint8Array>();
  readonly signed: SignedCheckpoint[] = [];

  frontier() {
    return this.#frontier;
  }
  setFrontier(size: number, hashes: readonly Uint8Array[]) {
    this.#frontier = { size, hashes: hashes.map((hash) => hash.slice()) };
  }
  extendTile(level: number, index: number, hashes: Uint8Array) {
    const tile = concatBytes(this.tiles.get(`${level}/${index}`) ?? new Uint8Array(), hashes);
    if (tile.length > 256 * 32) throw new Error("a tile has at most 256 hashes");
    this.tiles.set(`${level}/${index}`, tile);
  }
  tile(level: number, index: number) {
    return this.tiles.get(`${level}/${index}`) ?? null;
  }
  lastCheckpoint() {
    return this.signed.at(-1) ?? null;
  }
  addCheckpoint(checkpoint: SignedCheckpoint) {
    if ((this.lastCheckpoint()?.size ?? 0) >= checkpoint.size) throw new Error("a size is signed once");
    this.signed.push(checkpoint);
  }
}

const rows = Array.from({ length: 1500 }, (_, seq) => ({ seq, entryHash: toHex(sha256(`entry ${seq}`)) }));
const leaf = (seq: number) => leafHash(sha256, fromHex(rows[seq]?.entryHash ?? "") as Uint8Array);
const rootAt = (size: number) => {
  const frontier = new Frontier(sha256);
  for (let seq = 0; seq < size; seq++) frontier.append(leaf(seq));
  return frontier.root();
};

describe("the tree of a log", () => {
  test("is the same however its entries came, one by one or in batches over the borders of tiles", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 }), (batches) => {
        const tree = new TreeDouble();
        let at = 0;
        for (const count of batches) {
          extendTree(tree, rows.slice(at, at + count), sha256);
          at = Math.min(rows.length, at + count);
        }
        expect(tree.frontier().size).toBe(at);
        expect(rootOf(tree, sha256).root).toEqual(rootAt(at));
      }),
      { numRuns: 20 },
    );
  });

  test("proves every entry, and growth, at earlier sizes too", () => {
    const tree = new TreeDouble();
    extendTree(tree, rows, sha256);
    for (const size of [1, 2, 255, 256, 257, 1024, 1499, 1500]) {
      const root = rootAt(size);
      for (const seq of new Set([0, Math.floor(size / 2), size - 1])) {
        expect(checkInclusion(sha256, seq, size, leaf(seq), proofOfEntry(tree, seq, size, sha256), root)).toBe(true);
      }
      const growth = proofOfGrowth(tree, size, 1500, sha256);
      expect(checkConsistency(sha256, size, 1500, growth, root, rootAt(1500))).toBe(true);
    }
    expect(() => proofOfEntry(tree, 0, 1501, sha256)).toThrow(RangeError);
  });

  test("leaves out what it does not reach yet, and never skips an entry", () => {
    const tree = new TreeDouble();
    extendTree(tree, rows.slice(5, 10), sha256);
    expect(tree.frontier().size).toBe(0);
    extendTree(tree, [], sha256);
    expect(() => extendTree(tree, [rows[0], rows[2]] as typeof rows, sha256)).toThrow(TypeError);
  });
});

describe("checkpoints", () => {
  const signer = noteSigner("log.test/dom_eu_1", new Uint8Array(32).fill(1));
  const deps = (journal: TreeDouble, nowMs = 1000) => ({
    tree: journal,
    checkpoints: journal,
    signer,
    sha256,
    clock: () => nowMs,
  });

  test("an empty log has none; a size is signed once and gives the same bytes again", () => {
    const journal = new TreeDouble();
    expect(signHead(deps(journal))).toBeNull();
    extendTree(journal, rows.slice(0, 3), sha256);
    const first = signHead(deps(journal));
    expect(parseNote(first?.note ?? "")?.text).toContain("log.test/dom_eu_1\n3\n");
    expect(signHead(deps(journal, 2000))).toBe(first);
    extendTree(journal, rows.slice(3, 4), sha256);
    expect(signHead(deps(journal))?.size).toBe(4);
    expect(journal.signed.map(({ size }) => size)).toEqual([3, 4]);
  });

  test("an object that was set back signs nothing, nor another root for a size", () => {
    const journal = new TreeDouble();
    extendTree(journal, rows.slice(0, 3), sha256);
    signHead(deps(journal));
    const setBack = new TreeDouble();
    setBack.signed.push(...journal.signed);
    extendTree(setBack, rows.slice(0, 2), sha256);
    expect(() => signHead(deps(setBack))).toThrow(/set back/);
    const forked = new TreeDouble();
    forked.signed.push(...journal.signed);
    extendTree(forked, [rows[0], rows[1], { seq: 2, entryHash: "ab".repeat(32) }] as typeof rows, sha256);
    expect(() => signHead(deps(forked))).toThrow(/another root/);
    expect(forked.signed).toHaveLength(1);
  });
});
