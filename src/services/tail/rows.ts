/** The rows that live connections are served from: the newest come from the domain's object, older ones from wherever they are. */

import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { type ReadRow, readThrough } from "../log/read-through.ts";
import type { EntryRow, LedgerStore, SegmentStore } from "../ports.ts";
import type { Growth } from "./calls.ts";

export interface TailPlaces {
  ledger: Pick<LedgerStore, "rows">;
  segments: Pick<SegmentStore, "get" | "list">;
  waiting(fromSeq: number, limit: number): Promise<EntryRow[]>;
  sha256: Sha256;
}

/**
 * Committed entries from `fromSeq` on without a gap, below `size`, at most `LIMITS.tailPageEntries` and `LIMITS.pageChars`. What is
 * ahead of the copy is asked of the object first: one call. Empty only when no place has the first; throws
 * `storage.unavailable` when one that may have it is away.
 */
export async function tailRows(fromSeq: number, { size, copiedSize }: Growth, places: TailPlaces): Promise<EntryRow[]> {
  const limit = Math.min(LIMITS.tailPageEntries, size - fromSeq);
  if (limit <= 0) return [];
  if (fromSeq >= copiedSize) {
    const rows = await places.waiting(fromSeq, limit);
    const end = rows.findIndex(({ seq }, i) => seq !== fromSeq + i);
    const run = end < 0 ? rows : rows.slice(0, end);
    // None: the object has let go of it meanwhile, because copy and archive hold it.
    if (run.length > 0) return run;
  }
  const rows = await readThrough({ fromSeq, toSeq: size - 1, limit }, places);
  return rows.map((row) => whole(row, places.sha256));
}

/** Rows of an archive object come without what follows from them. */
function whole(row: ReadRow & Partial<EntryRow>, sha256: Sha256): EntryRow {
  const { seq, prevHash, payload } = row;
  const { id = String(JSON.parse(payload).id) } = row;
  const hash = row.entryHash ?? toHex(entryHash(sha256, fromHex(prevHash) ?? new Uint8Array(32), payload));
  return { seq, id, prevHash, entryHash: hash, payload };
}
