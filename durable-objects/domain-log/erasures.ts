/**
 * Erasures in the object of a domain: the transaction that decides, one run at a time of the steps that follow it
 * (src/services/erasure/steps.ts), and what is told of them.
 */
import type { ProductEvent } from "../../src/core/actions/product.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { EVERYTHING } from "../../src/core/query/filter.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type {
  EraseCall,
  EraseResult,
  ErasurePromise,
  ErasureView,
  ReplayCall,
  ReplayResult,
} from "../../src/services/erasure/calls.ts";
import { viewOf } from "../../src/services/erasure/calls.ts";
import { type Erasure, NO_COUNTS } from "../../src/services/erasure/erasure.ts";
import { ERASED_ACTION, erasureRefused, erasuresReplayed } from "../../src/services/erasure/events.ts";
import type { ErasureDeps, ErasureHolds } from "../../src/services/erasure/ports.ts";
import { erasureFromEntry, reopened } from "../../src/services/erasure/replay.ts";
import { destroyKey, runErasure } from "../../src/services/erasure/steps.ts";
import { findCold } from "../../src/services/log/cold/find.ts";
import { ColdSegments } from "../../src/services/log/cold/segments.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { within } from "../../src/services/within.ts";
import { SqliteErasureBook } from "./erasure-book.ts";
import type { SqliteJournal } from "./journal.ts";
import type { SqliteSealedJournal } from "./sealed-journal.ts";
import type { DomainStores } from "./stores.ts";

/** Longer than a decision can take to reach every domain. */
const PROMISE_MS = 30 * 24 * 60 * 60 * 1000;

export interface ErasuresContext {
  storage: DurableObjectStorage;
  journal: SqliteJournal;
  sealed: SqliteSealedJournal;
  holds: ErasureHolds;
  stores: () => DomainStores;
  pseudonymOf: (identityId: string) => Promise<string>;
  deps: () => Omit<ErasureDeps, "book">;
  /** Appends an entry of the product's own. */
  tell: (event: ProductEvent, idempotencyKey: string) => Promise<unknown>;
  /** The alarm has to go on with what is not finished, from then on. Unix milliseconds. */
  plan: (atMs: number) => void;
  /** Brings D1 up to date, where it can be. */
  flush: () => Promise<unknown>;
}

export class Erasures {
  readonly book: SqliteErasureBook;
  readonly #context: ErasuresContext;
  #running: Promise<void> | null = null;

  constructor(context: ErasuresContext) {
    this.#context = context;
    this.book = new SqliteErasureBook(context.storage);
  }

  get areDone(): boolean {
    return this.book.open().length === 0;
  }

  /**
   * Erases, and waits at most `LIMITS.erasureWaitMs` for all stores; the alarm does the rest. A hold refuses it, which is
   * recorded before it is told. The same person again: nothing is done, the first erasure is told.
   */
  async erase(call: EraseCall): Promise<EraseResult> {
    const { person, request } = call;
    const pseudonym = "pseudonym" in person ? person.pseudonym : await this.#context.pseudonymOf(person.identityId);
    await this.#context.holds.ready();
    const begun = this.#begin(pseudonym, call);
    if ("holdId" in begun) {
      const domainId = this.#context.deps().domainId;
      const refusal = erasureRefused(request, pseudonym, [{ domainId, holdId: begun.holdId }]);
      await this.#context.tell(refusal, `audit.erasure_refused:${call.erasureId}`);
      throw new AppError("subject.held", {
        detail: `the legal hold ${begun.holdId} covers this person; it is reviewed on ${begun.reviewAt}`,
      });
    }
    if (this.view(begun.id).status === "finishing") await within(this.#atOnce(begun.id), LIMITS.erasureWaitMs);
    return { erasure: viewOf(this.#need(begun.id)), already: begun.already };
  }

  /** What decides stands in one transaction: holds, the first request about this person, suppression, what waited. */
  #begin(
    pseudonym: string,
    { erasureId, request }: EraseCall,
  ): { id: string; already: boolean } | { holdId: string; reviewAt: string } {
    const { storage, journal, sealed, holds, stores } = this.#context;
    return storage.transactionSync(() => {
      const before = this.book.of(pseudonym);
      if (before) return { id: before.id, already: true };
      const promised = this.book.redeem(erasureId, pseudonym);
      const hold = promised ? null : holds.blockingErasure(pseudonym);
      if (hold) return { holdId: hold.holdId, reviewAt: hold.reviewAt };
      const nowMs = stores().clock();
      const [subject] = sealed.subjects([pseudonym]);
      const { page, seqs, mappings } = sealed.suppress(pseudonym, nowMs);
      const erasure: Erasure = {
        id: erasureId,
        pseudonym,
        known: subject?.seen ?? false,
        request,
        size: journal.head().size,
        page,
        suppressedAt: new Date(nowMs).toISOString(),
        keyDestroyedAt: null,
        rowsDeletedAt: null,
        pagesRewrittenAt: null,
        exportsDroppedAt: null,
        pagesNextSeq: 0,
        counts: { ...NO_COUNTS, objectRows: seqs.length, objectMappings: mappings },
        entry: null,
        finalAt: null,
        certificate: null,
      };
      this.book.begin(erasure, seqs);
      this.#context.plan(nowMs + LIMITS.erasureWaitMs);
      return { id: erasureId, already: false };
    });
  }

  /** The key first, whatever else has to wait. A failure leaves the rest to the alarm. */
  async #atOnce(id: string): Promise<void> {
    await destroyKey(id, this.#deps()).catch(() => {});
    await this.run().catch(() => {});
  }

  /**
   * Goes on with everything that is not finished, one run at a time and for a bounded time, so that nobody who joins it waits
   * for long; whoever wants more asks again. Throws the first store's failure.
   */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const untilMs = this.#context.stores().clock() + LIMITS.erasureWaitMs;
    const budget = { steps: LIMITS.erasureStepsPerRun, untilMs };
    const faults: unknown[] = [];
    const tried = new Set<string>();
    // Asked again each time: requests come while this waits.
    for (let id = this.#next(tried); id !== undefined && budget.steps > 0; id = this.#next(tried)) {
      tried.add(id);
      await runErasure(id, budget, this.#deps()).catch((error: unknown) => faults.push(error));
    }
    this.book.forgetPromises(this.#context.stores().clock() - PROMISE_MS);
    if (faults.length > 0) throw faults[0];
  }

  #next(tried: ReadonlySet<string>): string | undefined {
    return this.book.open().find((id) => !tried.has(id));
  }

  /** The domain's word that no hold forbids it: a hold that is placed after this comes too late for that erasure. */
  async promise({ identityId, erasureId }: { identityId: string; erasureId: string }): Promise<ErasurePromise> {
    const { storage, holds, stores } = this.#context;
    const pseudonym = await this.#context.pseudonymOf(identityId);
    await holds.ready();
    return storage.transactionSync(() => {
      const before = this.book.of(pseudonym);
      if (before) return { pseudonym, hold: null, erasure: viewOf(before) };
      const hold = holds.blockingErasure(pseudonym);
      if (!hold) this.book.promise(erasureId, pseudonym, stores().clock());
      return {
        pseudonym,
        hold: hold && { holdId: hold.holdId, reason: hold.reason, reviewAt: hold.reviewAt },
        erasure: null,
      };
    });
  }

  view(id: string): ErasureView {
    return viewOf(this.#need(id));
  }

  certificate(id: string): string {
    const { certificate } = this.#need(id);
    if (certificate === null) throw new AppError("erasure.unfinished", { retryAfterSeconds: 5 });
    return certificate;
  }

  /**
   * Executes again what the entries of one part of the log tell of: after D1 or this object was set back (decision 7). It also
   * works where the object has forgotten all of it.
   */
  async replay({ by, fromSeq }: ReplayCall): Promise<ReplayResult> {
    const { journal, stores } = this.#context;
    await this.#context.flush();
    const { rows, toSeq } = await this.#toldFrom(fromSeq);
    const found = rows.flatMap((row) => erasureFromEntry(row) ?? []);
    for (const erasure of found) this.#again(erasure);
    if (found.length > 0) {
      this.#context.plan(this.#context.stores().clock());
      const told = erasuresReplayed(by, {
        fromSeq,
        toSeq: Math.min(toSeq, journal.head().size - 1),
        erasures: found.length,
      });
      // A domain that is stopped takes no entry; what was restored must go all the same.
      if (journal.stoppedReason() === null)
        await this.#context.tell(told, `audit.erasures_replayed:${crypto.randomUUID()}`);
      await within(
        this.run().catch(() => {}),
        LIMITS.erasureWaitMs,
      );
    }
    const nextSeq = toSeq + 1 < journal.head().size ? toSeq + 1 : null;
    return { erasures: found.length, nextSeq, unfinished: this.book.open().length };
  }

  /** Entries that tell of erasures, from a seq on to `toSeq`: of those that were pruned out of the archive, then out of the ledger. */
  async #toldFrom(fromSeq: number): Promise<{ rows: EntryRow[]; toSeq: number }> {
    const { journal, stores } = this.#context;
    const { firstHot, firstKept } = journal.keptFrom();
    const { segments, entriesWithAction } = stores();
    if (fromSeq < firstHot) {
      const range = { fromSeq: Math.max(fromSeq, firstKept), toSeq: firstHot - 1, descending: false };
      if (range.fromSeq > range.toSeq) return { rows: [], toSeq: range.toSeq };
      const told = { ...EVERYTHING, clauses: [{ field: "action" as const, anyOf: [ERASED_ACTION], not: false }] };
      const found = await findCold(told, range, LIMITS.pageEntries, new ColdSegments(segments, sha256, 0));
      return { rows: found.rows, toSeq: (found.next ?? firstHot) - 1 };
    }
    const toSeq = Math.min(fromSeq + LIMITS.erasureReplayEntries - 1, Number.MAX_SAFE_INTEGER);
    const rows = await entriesWithAction(ERASED_ACTION, { fromSeq, toSeq });
    // A page of entries that is full may hide others behind it.
    const isFull = rows.length >= LIMITS.pageEntries;
    return { rows, toSeq: isFull ? (rows[LIMITS.pageEntries - 1]?.seq ?? toSeq) : toSeq };
  }

  /** The ledger was found set back: everybody on the list is erased from it again. */
  ledgerSetBack(): void {
    let any = false;
    for (const erasure of this.book.all()) {
      this.book.set(reopened(erasure));
      any = true;
    }
    if (any) this.#context.plan(this.#context.stores().clock());
  }

  #again(told: Erasure): void {
    const { storage, sealed, stores } = this.#context;
    storage.transactionSync(() => {
      const { page, seqs } = sealed.suppress(told.pseudonym, stores().clock());
      const before = this.book.of(told.pseudonym);
      // Keys never move to another page: what an object that was set back knows is right, if it knows one.
      if (!before) this.book.begin({ ...told, page }, seqs);
      else {
        this.book.set({ ...reopened(before), entry: before.entry ?? told.entry, page: before.page ?? page });
        this.book.addObjectSeqs(before, seqs);
      }
    });
  }

  #need(id: string): Erasure {
    const erasure = this.book.get(id);
    if (!erasure) throw new AppError("resource.not_found");
    return erasure;
  }

  #deps(): ErasureDeps {
    return { ...this.#context.deps(), book: this.book };
  }
}
