/**
 * Copies what waits in the object to D1, in order, one statement a batch (DESIGN §2).
 *
 * Commit order of a step, with the crash after each:
 *  1. rows are read from the journal (or, when D1 fell behind what was released, from the archive)   nothing changed
 *  2. one INSERT into D1, all or nothing          D1 is ahead of `copied`: the next step reads the tip back and goes on
 *  3. `copied` moves in the journal               done
 * A failed INSERT is ambiguous, so the tip is read back and compared: nothing is resent blindly, and a row that differs
 * from ours stops the domain.
 */
import { utf8 } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { sealedWithin } from "../../core/sealed-page.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow, Journal, LedgerStore, LogPosition, SealedRows, SegmentStore } from "../ports.ts";
import { rowsFromArchive, segmentHolding } from "./archive.ts";
import { demandChained } from "./chained.ts";
import { Divergence } from "./divergence.ts";
import { type SealedSource, withinSealedBytes, withoutSuppressed } from "./sealing/source.ts";

export interface CopyDeps {
  journal: Journal;
  ledger: LedgerStore;
  segments: SegmentStore;
  sealed: SealedSource;
  sha256: Sha256;
}

export type CopyStep = { done: boolean };

/** Copies one batch. Throws `Divergence` when D1 holds other rows than ours, and the store's error when D1 is away. */
export async function copyStep(deps: CopyDeps): Promise<CopyStep> {
  const { journal, ledger } = deps;
  const copied = journal.copied();
  if (copied.size >= journal.head().size) return { done: true };
  const { rows, sealed } = await nextRows(copied, deps);
  const { firstHot, hotPrevHash } = journal.keptFrom();
  try {
    await ledger.insert(rows, copied.size === firstHot ? hotPrevHash : null, sealed());
  } catch (error) {
    const reached = await reconcile(deps);
    if (reached.size > copied.size) return { done: reached.size >= journal.head().size };
    throw error;
  }
  journal.setCopied(positionAfter(rows, copied));
  return { done: journal.copied().size >= journal.head().size };
}

/**
 * Reads D1's tip back and takes it as the truth about what is copied, once it is proved to be ours. D1 may be behind
 * `copied` (it was restored to an earlier copy) or ahead of it (a copy whose answer was lost), never ahead of the head.
 */
export async function reconcile(deps: CopyDeps): Promise<LogPosition> {
  const { journal, ledger } = deps;
  const { firstHot, hotPrevHash } = journal.keptFrom();
  // An empty copy begins where what is hot does.
  const tip = (await ledger.tip()) ?? { size: firstHot, entryHash: hotPrevHash };
  const head = journal.head();
  if (tip.size > head.size) {
    throw new Divergence(`the ledger holds ${tip.size} entries, the object only ${head.size}: the object was set back`);
  }
  const ours = knownHash(tip.size, journal);
  if (ours === null) await proveArchive(tip, deps);
  else if (ours !== tip.entryHash) {
    throw new Divergence(`entry ${tip.size - 1} of the ledger is not the one that was appended`);
  }
  if (tip.size !== journal.copied().size) journal.setCopied(tip);
  return tip;
}

/** Entry hash of the last of the first `size` entries, as the object itself knows it; null: it let them go. */
function knownHash(size: number, journal: Journal): string | null {
  if (size === 0) return journal.identity()?.genesis ?? null;
  const { firstHot, hotPrevHash } = journal.keptFrom();
  if (size === firstHot) return hotPrevHash;
  const known = [journal.head(), journal.archived()].find((position) => position.size === size);
  if (known) return known.entryHash;
  const [row] = journal.pending(size - 1, 1, 1);
  if (row?.seq === size - 1) return row.entryHash;
  return row?.seq === size ? row.prevHash : null;
}

/**
 * Proves that a position of the ledger is one of ours although the object let its entries go: from there the archive leads,
 * entry by entry, to the hash that the object keeps of what it archived. O(entries in between), once after a restore.
 */
async function proveArchive(from: LogPosition, deps: CopyDeps): Promise<void> {
  const goal = deps.journal.archived();
  let { size, entryHash } = from;
  while (size < goal.size) {
    const rows = await rowsFromArchive(size, LIMITS.segmentEntriesMax, deps);
    const last = rows?.at(-1);
    if (!last) throw new Divergence(`entry ${size} is neither in the object nor in the archive`);
    if (rows?.[0]?.prevHash !== entryHash) {
      throw new Divergence(`entry ${size} of the archive does not follow entry ${size - 1}`);
    }
    size = last.seq + 1;
    entryHash = last.entryHash;
  }
  if (size !== goal.size || entryHash !== goal.entryHash) {
    throw new Divergence(`the archive does not lead to entry ${goal.size - 1} as it was archived`);
  }
}

/** The next rows, and what is sealed beside them: asked for at the last moment, so that nobody who is erased comes back. */
async function nextRows(copied: LogPosition, deps: CopyDeps): Promise<{ rows: EntryRow[]; sealed: () => SealedRows }> {
  const waiting = deps.journal.pending(copied.size, LIMITS.copyRows, LIMITS.copyBytes);
  if (waiting[0]?.seq === copied.size) {
    const rows = withinSealedBytes(waiting, deps.sealed.journal);
    demandChained(rows, copied.entryHash, deps.sha256);
    const last = rows.at(-1) as EntryRow;
    return { rows, sealed: () => deps.sealed.journal.pendingSealed(copied.size, last.seq) };
  }
  const archived = await rowsFromArchive(copied.size, LIMITS.copyRows, deps);
  if (archived?.[0]?.seq === copied.size) {
    demandChained(archived, copied.entryHash, deps.sha256);
    const rows = withinBytes(archived, LIMITS.copyBytes);
    const page = await sealedFromArchive(copied.size, (rows.at(-1) as EntryRow).seq, deps);
    return { rows, sealed: () => withoutSuppressed(page, deps.sealed.journal) };
  }
  throw new Divergence(`entry ${copied.size} is neither in the object nor in the archive`);
}

async function sealedFromArchive(fromSeq: number, toSeq: number, deps: CopyDeps): Promise<SealedRows> {
  const firstSeq = await segmentHolding(fromSeq, deps.segments);
  const page = firstSeq === null ? { privates: [], subjects: [] } : await deps.sealed.pages.get(firstSeq);
  return sealedWithin(page, fromSeq, toSeq);
}

/** The first rows, at least one, whose payloads have at most `maxBytes` of UTF-8 together. */
function withinBytes(rows: readonly EntryRow[], maxBytes: number): EntryRow[] {
  let byteLength = 0;
  const end = rows.findIndex(({ payload }, i) => {
    byteLength += utf8(payload).length;
    return i > 0 && byteLength > maxBytes;
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}

function positionAfter(rows: readonly EntryRow[], before: LogPosition): LogPosition {
  const last = rows.at(-1);
  return last ? { size: last.seq + 1, entryHash: last.entryHash } : before;
}
