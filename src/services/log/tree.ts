/**
 * The tree over a domain's entries (RFC 6962, DESIGN §3): the leaf of an entry is its entry hash. It grows in the same
 * transaction as the chain, so that no entry is ever in one and not in the other.
 */
import { concatBytes, fromHex } from "../../core/bytes.ts";
import { proveConsistency } from "../../core/merkle/consistency.ts";
import { proveInclusion } from "../../core/merkle/inclusion.ts";
import { readFromTiles, TILE_HEIGHT, TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { Frontier, hashOfRange, leafHash, type ReadNodes } from "../../core/merkle/tree.ts";
import type { Sha256 } from "../../core/sha256.ts";

/** Where the object keeps the tree. */
export interface TreeJournal {
  /** Size and frontier hashes, left to right. */
  frontier(): { size: number; hashes: readonly Uint8Array[] };
  /** Both inside a transaction of the caller. */
  setFrontier(size: number, hashes: readonly Uint8Array[]): void;
  /** Adds hashes at the end of a tile. */
  extendTile(level: number, index: number, hashes: Uint8Array): void;
  /** Its hashes so far; null when it has none. */
  tile(level: number, index: number): Uint8Array | null;
}

/** An entry as the tree sees it. */
export interface TreeRow {
  seq: number;
  /** Lower-case hex. */
  entryHash: string;
}

/**
 * Adds the leaves of entries that follow each other. Entries that the tree does not reach yet (a log that is older than its
 * tree) are left to `catchUp`. O(1) amortised hashes an entry. Inside a transaction of the caller.
 */
export function extendTree(journal: TreeJournal, rows: readonly TreeRow[], sha256: Sha256): void {
  const before = journal.frontier();
  if (rows[0]?.seq !== before.size) return;
  const frontier = new Frontier(sha256, before.size, before.hashes);
  const added = new Map<string, { level: number; index: number; hashes: Uint8Array[] }>();
  for (const row of rows) {
    const entryHash = fromHex(row.entryHash);
    if (!entryHash || row.seq !== frontier.size) throw new TypeError("entries of a log follow each other");
    frontier.append(leafHash(sha256, entryHash), ({ level, index }, hash) => {
      if (level % TILE_HEIGHT !== 0) return;
      const tile = { level: level / TILE_HEIGHT, index: Math.floor(index / TILE_WIDTH) };
      const key = `${tile.level}/${tile.index}`;
      const known = added.get(key) ?? { ...tile, hashes: [] };
      added.set(key, known);
      known.hashes.push(hash);
    });
  }
  for (const { level, index, hashes } of added.values()) journal.extendTile(level, index, concatBytes(...hashes));
  journal.setFrontier(frontier.size, frontier.hashes);
}

/** The root of the whole tree. */
export function rootOf(journal: TreeJournal, sha256: Sha256): { size: number; root: Uint8Array } {
  const { size, hashes } = journal.frontier();
  return { size, root: new Frontier(sha256, size, hashes).root() };
}

/** The root that the tree had at an earlier size. */
export function rootAt(journal: TreeJournal, size: number, sha256: Sha256): Uint8Array {
  return hashOfRange(sha256, { from: 0, to: size }, readNodesOf(journal, size, sha256));
}

/** Proves an entry in the tree of `size` entries, which may be an earlier one. O(log size), without any other store. */
export const proofOfEntry = (journal: TreeJournal, seq: number, size: number, sha256: Sha256): Uint8Array[] =>
  proveInclusion(sha256, seq, size, readNodesOf(journal, size, sha256));

export const proofOfGrowth = (journal: TreeJournal, oldSize: number, size: number, sha256: Sha256): Uint8Array[] =>
  proveConsistency(sha256, oldSize, size, readNodesOf(journal, size, sha256));

/** Complete subtrees of the tree that had `size` entries. Throws on a size that it has not reached. */
export function readNodesOf(journal: TreeJournal, size: number, sha256: Sha256): ReadNodes {
  if (size > journal.frontier().size) throw new RangeError("the tree is not that large");
  return readFromTiles(sha256, size, ({ level, index }) => {
    const tile = journal.tile(level, index);
    if (!tile) throw new RangeError(`tile ${level}/${index} is not there`);
    return tile;
  });
}
