/** A tree as a forger rebuilds it in the files of a domain's object, so that it agrees with forged entries. */
import type { DatabaseSync } from "node:sqlite";
import { Frontier, leafHash } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { extendTree, type TreeJournal } from "../../../src/services/log/tree.ts";
import { domainFile, withDatabase } from "./places.ts";

/** The tree over exactly these entries. */
export function forgeTree(state: string, domainId: string, entryHashes: readonly string[]): void {
  withDatabase(domainFile(state, domainId), (database) => {
    database.exec("DELETE FROM tree; DELETE FROM tile");
    const rows = entryHashes.map((entryHash, seq) => ({ seq, entryHash }));
    extendTree(new TreeOnFile(database), rows, sha256);
  });
}

/** As if nothing larger than `size` had ever been signed. */
export function forgetCheckpoints(state: string, domainId: string, size: number): void {
  withDatabase(domainFile(state, domainId), (database) => {
    database.prepare("DELETE FROM checkpoint WHERE size > ?").run(size);
    database.prepare("UPDATE tree_mirror SET size = min(size, ?)").run(size);
  });
}

export const rootOver = (entryHashes: readonly string[]): Uint8Array => {
  const frontier = new Frontier(sha256);
  for (const hash of entryHashes) frontier.append(leafHash(sha256, Buffer.from(hash, "hex")));
  return frontier.root();
};

class TreeOnFile implements TreeJournal {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  frontier() {
    return { size: 0, hashes: [] };
  }

  setFrontier(size: number, hashes: readonly Uint8Array[]): void {
    this.#database.prepare("INSERT INTO tree (id, size, frontier) VALUES (1, ?, ?)").run(size, Buffer.concat(hashes));
  }

  extendTile(level: number, index: number, hashes: Uint8Array): void {
    this.#database.prepare("INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?)").run(level, index, hashes);
  }

  tile(): Uint8Array | null {
    return null;
  }
}
