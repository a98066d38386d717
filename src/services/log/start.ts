/**
 * What an object compares before it signs or releases anything (DESIGN §2): its head against D1, against the archive, and
 * the guards of the ledger. A head *behind* any of them means that the object was set back: the domain stops.
 */
import { AppError } from "../../core/errors.ts";
import type { Journal, LedgerStore } from "../ports.ts";
import { segmentHolding } from "./archive.ts";
import { type CopyDeps, reconcile } from "./copy.ts";
import { Divergence } from "./divergence.ts";

/**
 * Resolves when the object agrees with itself and all copies agree with it. Throws `Divergence` when one contradicts the object, `AppError("ledger.guard_missing")`
 * when D1 lacks a guard, and the store's own error when it cannot be asked.
 */
export async function compareCopies(deps: CopyDeps): Promise<void> {
  compareJournal(deps.journal);
  await demandGuards(deps.ledger);
  await reconcile(deps);
  await compareArchive(deps);
}

/** The object's own two accounts: the head, and the entries that wait. */
function compareJournal(journal: Journal): void {
  const head = journal.head();
  const [first] = journal.pending(0, 1, 1);
  const [last] = journal.pending(head.size - 1, 1, 1);
  const whole = first
    ? last?.entryHash === head.entryHash && journal.pendingStats().entries === head.size - first.seq
    : head.size === journal.archived().size;
  if (!whole) throw new Divergence("the head of the object and the entries that wait in it disagree");
}

export async function demandGuards(ledger: Pick<LedgerStore, "missingGuards">): Promise<void> {
  const missing = await ledger.missingGuards();
  if (missing.length > 0) throw new AppError("ledger.guard_missing", { detail: `missing: ${missing.join(", ")}` });
}

/**
 * No segment may reach past the head, and one that reaches past `archived` must hold our entries: a put whose answer was
 * lost, which the archiver finds again. Sizes alone do not tell: an object that was set back while D1 was away may have
 * grown past the archive again before it could compare itself.
 */
async function compareArchive({ journal, segments }: CopyDeps): Promise<void> {
  const head = journal.head();
  const beyond = (await segments.list(head.size, 1))[0];
  const last = beyond ?? (await segmentHolding(head.size - 1, segments));
  if (last === null || last < journal.archived().size) return;
  const lines = (await segments.get(last))?.payloads;
  const size = last + (lines?.length ?? 1);
  if (size > head.size) {
    throw new Divergence(
      `the archive reaches entry ${size - 1}, the object only ${head.size - 1}: the object was set back`,
    );
  }
  const ours = lines ? journal.pending(last, lines.length, Number.POSITIVE_INFINITY) : [];
  if (lines?.some((line, i) => line !== ours[i]?.payload)) {
    throw new Divergence(`the archive segment of entry ${last} does not hold what was appended`);
  }
}
