/** Where copies take what is sealed beside the entries from: what waits in the object, and the pages of the archive. */
import { LIMITS } from "../../../core/limits.ts";
import type { EntryRow, SealedJournal, SealedPageStore, SealedRows } from "../../ports.ts";

export interface SealedSource {
  journal: Pick<SealedJournal, "pendingSealed" | "sealedUpTo" | "subjects">;
  pages: SealedPageStore;
}

/**
 * The first of these consecutive rows, at least one, beside which no more is sealed than one copy takes: a few entries may
 * hold more than an isolate has memory for.
 */
export function withinSealedBytes(rows: readonly EntryRow[], journal: Pick<SealedJournal, "sealedUpTo">): EntryRow[] {
  const [first, last] = [rows[0], rows.at(-1)];
  const end = first && last ? journal.sealedUpTo(first.seq, last.seq, LIMITS.sealedCopyBytes) : 0;
  return rows.filter(({ seq }) => seq <= end);
}

/** A page of the archive may be older than an erasure: what it holds about the erased goes nowhere. */
export function withoutSuppressed(rows: SealedRows, journal: Pick<SealedJournal, "subjects">): SealedRows {
  const people = [...rows.privates.map(({ subject }) => subject), ...rows.subjects.map(({ pseudonym }) => pseudonym)];
  const known = journal.subjects([...new Set(people)].filter((subject) => subject !== ""));
  const gone = new Set(known.filter(({ suppressed }) => suppressed).map(({ pseudonym }) => pseudonym));
  return {
    privates: rows.privates.filter(({ subject }) => !gone.has(subject)),
    subjects: rows.subjects.filter(({ pseudonym }) => !gone.has(pseudonym)),
  };
}
