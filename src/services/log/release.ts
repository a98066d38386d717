import type { Journal, SealedJournal } from "../ports.ts";

/** Drops from the object what D1 and R2 both hold: the write-ahead log keeps the rest. */
export function releaseCopied(journal: Journal, sealed: Pick<SealedJournal, "releaseSealed">): void {
  const size = Math.min(journal.copied().size, journal.archived().size);
  if (size === 0) return;
  sealed.releaseSealed(size);
  journal.release(size);
}
