/**
 * Erasing a person from one domain (GDPR Art. 17, DESIGN §4). The object runs this in the call and, for what is left, in its
 * alarm: recovery runs the same code as the happy path.
 *
 * Commit order, with the crash after each:
 *  1. one transaction in the object (durable-objects/domain-log/erasures.ts): holds asked, the person suppressed, what waited
 *     about them deleted, this erasure written down           before: nothing happened; after: the alarm does the rest
 *  2. the key is taken out of its page in R2 KEYS (a put that is conditional)
 *                                                             crash: again; the page is read first, a key that is gone stays gone
 *  3. copies in flight are waited for, and D1 brought past step 1, so that no insert of before can land behind the deletion
 *  4. a chunk of D1: its seqs noted in the object, then its rows deleted
 *                                                             crash between: noted again (a set), deleted again
 *  5. pages of the archive that hold those seqs, rewritten without the person (conditional puts), a few at a time
 *                                                             crash: the cursor did not move: rewritten again, to the same
 *  6. the entry `audit.identity_erased`, under an idempotency key and an id made of this erasure's id
 *                                                             crash: the same receipt
 *  7. D1 holds that entry: no older insert can land any more; what one of them brought is deleted
 *                                                             crash: again
 *  8. the certificate is signed and stored                    done
 * Beside 2 to 5: exports with private values are deleted (`dropExports`), and those on their way begin anew
 *                                                             crash: asked again; what is gone stays gone
 * Step 2 does not wait for step 3, nor 4 for 2: a store that is away must keep neither a key nor a row alive. 6 waits for all.
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Erasure, isFinished, storesAreDone } from "./erasure.ts";
import { identityErased } from "./events.ts";
import type { ErasureDeps } from "./ports.ts";

/** How many steps one run may still make, and until when it may begin one. */
export interface Budget {
  steps: number;
  /** Unix milliseconds. */
  untilMs: number;
}

/**
 * Goes on with an erasure until it is finished (true) or the budget is used up (false). Throws the first store's failure, after
 * it has done what does not depend on that store.
 */
export async function runErasure(id: string, budget: Budget, deps: ErasureDeps): Promise<boolean> {
  const faults: unknown[] = [];
  await destroyKey(id, deps).catch((error: unknown) => faults.push(error));
  await deleteAndRewrite(id, budget, deps).catch((error: unknown) => faults.push(error));
  await dropExports(id, deps).catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw faults[0];
  const erasure = need(id, deps);
  if (!storesAreDone(erasure)) return false;
  if (isFinished(erasure)) return true;
  await recordEntry(erasure, deps);
  await certify(id, deps);
  return true;
}

/** Step 2. Also called by itself, at once, before anything that may have to wait. */
export async function destroyKey(id: string, { book, keys, clock }: ErasureDeps): Promise<void> {
  const { keyDestroyedAt, page, pseudonym, entry } = need(id, { book });
  if (keyDestroyedAt !== null) return;
  // Known from its entry alone, or erased before: the index may be older than the key.
  const found =
    page === null ? await keys.destroyUnindexed(pseudonym, entry !== null) : await keys.destroy(pseudonym, page);
  const now = need(id, { book });
  // A page that is known held it. That it is not there any more is an answer that was lost, or an object that was set back.
  const counted = Math.max(now.counts.keys, found || page !== null ? 1 : 0);
  book.set({ ...now, keyDestroyedAt: isoOf(clock), counts: { ...now.counts, keys: counted } });
}

/** After step 1: whatever is opened from then on holds nothing of the person. */
async function dropExports(id: string, deps: ErasureDeps): Promise<void> {
  if (need(id, deps).exportsDroppedAt !== null) return;
  const dropped = await deps.dropExports();
  const now = need(id, deps);
  const exports = (now.counts.exports ?? 0) + dropped;
  deps.book.set({ ...now, exportsDroppedAt: isoOf(deps.clock), counts: { ...now.counts, exports } });
}

async function deleteAndRewrite(id: string, budget: Budget, deps: ErasureDeps): Promise<void> {
  await deleteRows(id, budget, deps);
  await rewritePages(id, budget, deps);
}

/** Steps 3 and 4. */
async function deleteRows(id: string, budget: Budget, deps: ErasureDeps): Promise<void> {
  const { book, rows, clock } = deps;
  const { rowsDeletedAt, pseudonym, size } = need(id, deps);
  if (rowsDeletedAt !== null) return;
  await deps.settled();
  if (!(await deps.copiedThrough(size))) {
    throw new AppError("storage.unavailable", { internal: "erasure: D1 is behind the suppression" });
  }
  const mappings = await rows.mappings(pseudonym);
  const before = need(id, deps);
  book.set({
    ...before,
    counts: { ...before.counts, ledgerMappings: Math.max(before.counts.ledgerMappings, mappings) },
  });
  while (mayStep(budget, clock)) {
    const seqs = await rows.seqsNaming(pseudonym, LIMITS.erasureSeqsPerStep);
    const last = seqs.at(-1);
    if (last === undefined) {
      await rows.eraseSubject(pseudonym);
      const erasure = need(id, deps);
      const ledgerRows = Math.max(erasure.counts.ledgerRows, book.ledgerSeqs(erasure));
      const entries = Math.max(erasure.counts.entries, book.seqs(erasure));
      book.set({ ...erasure, rowsDeletedAt: isoOf(clock), counts: { ...erasure.counts, ledgerRows, entries } });
      return;
    }
    book.addLedgerSeqs(need(id, deps), seqs);
    await rows.eraseSubject(pseudonym, last);
  }
}

/** Step 5. Pages are named after segments, which have no fixed size: the one that holds a seq is the last that begins at or before it. */
async function rewritePages(id: string, budget: Budget, deps: ErasureDeps): Promise<void> {
  const { book, pages, clock } = deps;
  for (;;) {
    const erasure = need(id, deps);
    if (erasure.rowsDeletedAt === null || erasure.pagesRewrittenAt !== null) return;
    const seq = book.nextSeq(erasure, erasure.pagesNextSeq);
    if (seq === null) {
      book.dropSeqs(erasure);
      book.set({ ...erasure, pagesRewrittenAt: isoOf(clock) });
      return;
    }
    if (!mayStep(budget, clock)) return;
    const starts = await startsFrom(seq, pages);
    const holding = pagesOf(erasure, seq, starts, book);
    await Promise.all(holding.firstSeqs.map((firstSeq) => pages.removeSubject(firstSeq, erasure.pseudonym)));
    const now = need(id, deps);
    const archivePages = now.counts.archivePages + holding.firstSeqs.length;
    book.set({ ...now, pagesNextSeq: holding.nextSeq, counts: { ...now.counts, archivePages } });
  }
}

/** First seqs of pages, ascending: the one that holds `seq` (the last at or before it), and those that come after it. */
async function startsFrom(seq: number, pages: ErasureDeps["pages"]): Promise<number[]> {
  const limit = LIMITS.erasurePagesListed;
  let starts = await pages.list(Math.max(0, seq - LIMITS.segmentEntriesMax + 1), limit);
  for (let last = starts.at(-1); last !== undefined && last <= seq && starts.length >= limit; last = starts.at(-1)) {
    starts = [last, ...(await pages.list(last + 1, limit - 1))];
  }
  return starts;
}

/** The next pages, at most `LIMITS.erasurePagesAtOnce`, in whose range entries of the person lie, and the first seq behind them. */
function pagesOf(
  erasure: Erasure,
  fromSeq: number,
  starts: readonly number[],
  book: ErasureDeps["book"],
): { firstSeqs: number[]; nextSeq: number } {
  const firstSeqs: number[] = [];
  let seq: number | null = fromSeq;
  while (seq !== null && firstSeqs.length < LIMITS.erasurePagesAtOnce) {
    const wanted: number = seq;
    const next = starts.findIndex((start) => start > wanted);
    // Behind the last one of a list that is full: others may lie between.
    if (next < 0 && starts.length >= LIMITS.erasurePagesListed) return { firstSeqs, nextSeq: wanted };
    const holding = next < 0 ? starts.at(-1) : starts[next - 1];
    if (holding !== undefined) firstSeqs.push(holding);
    seq = next < 0 ? null : book.nextSeq(erasure, starts[next] as number);
  }
  return { firstSeqs, nextSeq: seq ?? Number.MAX_SAFE_INTEGER };
}

/** Step 6. */
async function recordEntry(erasure: Erasure, deps: ErasureDeps): Promise<void> {
  if (erasure.entry !== null) return;
  const entry = await deps.append(identityErased(erasure), `audit.identity_erased:${erasure.id}`);
  deps.book.set({ ...need(erasure.id, deps), entry });
}

/** Steps 7 and 8. */
async function certify(id: string, deps: ErasureDeps): Promise<void> {
  const erasure = need(id, deps);
  if (erasure.certificate !== null || erasure.entry === null) return;
  if (!(await deps.copiedThrough(erasure.entry.seq + 1))) {
    throw new AppError("storage.unavailable", { internal: "erasure: D1 does not hold the entry yet" });
  }
  await deps.rows.eraseSubject(erasure.pseudonym);
  const finalAt = isoOf(deps.clock);
  const certificate = await deps.certify(erasure, { head: deps.head(), finalAt });
  deps.book.set({ ...need(id, deps), finalAt, certificate });
}

function mayStep(budget: Budget, clock: () => number): boolean {
  if (budget.steps <= 0 || clock() >= budget.untilMs) return false;
  budget.steps--;
  return true;
}

function need(id: string, { book }: Pick<ErasureDeps, "book">): Erasure {
  const erasure = book.get(id);
  if (!erasure) throw new Error("there is no such erasure");
  return erasure;
}

const isoOf = (clock: () => number) => new Date(clock()).toISOString();
