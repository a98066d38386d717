/** D1 against the archive, row by row and byte for byte (S4-8), after all rows are there. */
import { LIMITS } from "../../core/limits.ts";
import type { EntryRow, LedgerPack, LedgerStore } from "../ports.ts";
import type { ArchiveRows } from "./archive-rows.ts";
import { type RestoreDeps, type RestoreRecord, RestoreRefused } from "./ports.ts";

/** One bounded step. Throws the store's error. */
export async function compareStep(
  record: RestoreRecord,
  deps: RestoreDeps,
  archive: ArchiveRows,
): Promise<RestoreRecord> {
  const { firstHot, shards } = await deps.log.known();
  // What was pruned meanwhile is in D1 no more.
  const from = Math.max(record.compareSeq, record.fromSeq, firstHot);
  if (from >= record.size) return { ...record, phase: "index" };
  const part = await archive.from(from, from === record.compareSeq ? record.comparePrevHash : null, false);
  if (part === null) throw new RestoreRefused("archive_set_back", from);
  const wanted = part.rows.filter(({ seq }) => seq < record.size);
  const ledger = deps.ledger(shards);
  const toSeq = (wanted.at(-1) as EntryRow).seq;
  const found = await rowsOf(ledger, from, toSeq);
  const same = wanted.slice(0, Math.max(found.length, 1));
  for (const [i, row] of same.entries()) {
    if (!isSame(row, found[i])) throw new RestoreRefused("ledger_contradicts", row.seq);
  }
  const last = same.at(-1) as EntryRow;
  return {
    ...record,
    compareSeq: last.seq + 1,
    comparePrevHash: last.entryHash,
    compared: record.compared + same.length,
  };
}

/** As one row of D1, which is several times cheaper to hand over; as they are where one is missing or has not the form that rows have. */
async function rowsOf(ledger: LedgerStore & LedgerPack, fromSeq: number, toSeq: number): Promise<EntryRow[]> {
  const packed = await ledger.packed({ fromSeq, toSeq, limit: LIMITS.exportPageEntries });
  return packed ?? ledger.rows({ fromSeq, toSeq, limit: LIMITS.verifyPageEntries });
}

const isSame = (row: EntryRow, found: EntryRow | undefined): boolean =>
  row.seq === found?.seq &&
  row.id === found.id &&
  row.prevHash === found.prevHash &&
  row.entryHash === found.entryHash &&
  row.payload === found.payload;
