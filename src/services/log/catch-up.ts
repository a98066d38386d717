/** Brings a tree that is younger than its log up to the log's head, from what waits in the object, the ledger and the archive. */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow, Journal, LedgerStore, SegmentStore } from "../ports.ts";
import { rowsFromArchive } from "./archive.ts";
import { Divergence } from "./divergence.ts";
import { extendTree, type TreeJournal } from "./tree.ts";

export interface CatchUpDeps {
  journal: Pick<Journal, "head" | "pending" | "transaction">;
  tree: TreeJournal;
  ledger: Pick<LedgerStore, "rows">;
  segments: SegmentStore;
  sha256: Sha256;
}

/** One page; true: nothing is left. Every hash is computed anew. Throws `Divergence`, or the store's error. */
export async function catchUpStep(deps: CatchUpDeps): Promise<boolean> {
  const { journal, tree, sha256 } = deps;
  const { size } = tree.frontier();
  if (size >= journal.head().size) return true;
  const limit = LIMITS.verifyPageEntries;
  const waiting = journal.pending(size, limit, LIMITS.pageChars);
  const isThere = waiting[0]?.seq === size;
  const rows = isThere ? waiting : await rowsFrom(size, limit, deps);
  if (rows[0]?.seq !== size) throw new Divergence(`entry ${size} is missing: the tree cannot go on`);
  for (const row of rows) demandHash(row, sha256);
  journal.transaction(() => {
    if (tree.frontier().size === size) extendTree(tree, rows, sha256);
  });
  return tree.frontier().size >= journal.head().size;
}

/** A row that left the ledger is in the archive. */
async function rowsFrom(seq: number, limit: number, { ledger, segments, sha256 }: CatchUpDeps): Promise<EntryRow[]> {
  const rows = await ledger.rows({ fromSeq: seq, toSeq: seq + limit - 1, limit });
  if (rows[0]?.seq === seq) return rows;
  return (await rowsFromArchive(seq, limit, { segments, sha256 })) ?? [];
}

function demandHash({ seq, prevHash, entryHash: claimed, payload }: EntryRow, sha256: Sha256): void {
  const before = fromHex(prevHash);
  if (!before || toHex(entryHash(sha256, before, payload)) !== claimed) {
    throw new Divergence(`entry ${seq} does not have the hash that stands beside it`);
  }
}
