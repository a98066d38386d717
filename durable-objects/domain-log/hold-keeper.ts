/**
 * Sees to the legal holds of one domain: in force in the object at once, then confirmed.
 *
 * Commit order of a placement, with the crash after each:
 *  1. hold, ranges, people in the object's SQLite    in force; the alarm goes on (a caller that heard nothing asks again)
 *  2. the people in its ranges are looked for        until all are known it covers everybody; the alarm goes on where it was
 *  3. ledger_hold in D1, read back                   the alarm sets it again: the rows are replaced as a whole
 *  4. confirmed                                      done
 *  5. of a hold by query: entries are looked at      the alarm goes on where it was, and behind every copy; what was not looked at
 *                                                    is held, and nobody is erased before all is
 * A release is the same from the other end: first it blocks nothing here, then the mirror is emptied.
 */
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { EntryFilter } from "../../src/core/query/filter.ts";
import { type HoldCall, joinedRanges, mirroredRanges } from "../../src/services/holds/hold.ts";
import { type HoldScan, type HoldScanCall, namedIfHeld } from "../../src/services/holds/scan.ts";
import type { HoldMirror } from "../../src/services/ports.ts";
import { within } from "../../src/services/within.ts";
import type { Blocking, SqliteHolds } from "./holds.ts";
import type { SqliteJournal } from "./journal.ts";
import type { UnreadQuery } from "./query-holds.ts";

/** Statements of one run: what is left comes with the next. */
const SCANS_PER_RUN = 20;
const LOOKS_PER_RUN = 10;

/** Of entries that this object still has, judged inside the transaction that erases. */
const WAITING_PAGES = 4;

export interface HoldContext {
  journal: SqliteJournal;
  holds: SqliteHolds;
  /** Asked each time: tests replace it. */
  mirror: () => HoldMirror;
  clock: () => number;
  /** Brings the queryable copy up to a size. Throws `storage.unavailable`. */
  copied: (size: number) => Promise<void>;
  /** Judges a part of the log: the domain's keeper. Throws `storage.unavailable`. */
  scan: (call: HoldScanCall) => Promise<HoldScan>;
  /** The alarm has to go on with what waits. */
  plan: () => void;
}

export class HoldKeeper {
  readonly #context: HoldContext;
  #running: Promise<void> | null = null;
  /** Where rows lay when D1 was last seen to agree; empty: not since the start. */
  #shards = "";

  constructor(context: HoldContext) {
    this.#context = context;
  }

  /** Something waits for the alarm. */
  get isDue(): boolean {
    const { holds } = this.#context;
    if (holds.unmirrored().length > 0 || holds.unscanned() !== null) return true;
    if (holds.queries.unread(this.#context.journal.copied().size) !== null) return true;
    return this.#shards !== this.#shardsNow() && holds.inForce().length > 0;
  }

  /**
   * Places a hold and confirms it. Resolves to false when it is in force here and not confirmed yet: ask again. Throws
   * `request.invalid` for a range past the newest entry; nothing is placed then. `filter`: what its query asks for here.
   */
  async place(
    call: HoldCall,
    filter: EntryFilter | null,
    pseudonymOf: (identityId: string) => string,
  ): Promise<boolean> {
    const { holds, journal, clock, plan } = this.#context;
    const newest = journal.head().size - 1;
    const known = holds.get(call.holdId);
    const ranges = call.ranges.map(({ fromSeq, toSeq }) => ({ fromSeq, toSeq: toSeq ?? newest }));
    if (!known && ranges.some(({ fromSeq, toSeq }) => fromSeq > toSeq || toSeq > newest)) {
      throw new AppError("request.invalid", { detail: `the newest entry of the domain is ${newest}` });
    }
    const people = [...new Set(call.people.map(pseudonymOf))];
    const query = filter && { filter, fromSeq: journal.keptFrom().firstKept };
    if (!holds.place({ ...call, ranges: joinedRanges(ranges), people, query }, clock())) return true;
    holds.review(call.holdId, call.reviewAt);
    plan();
    return this.#confirm(call.holdId);
  }

  /**
   * The oldest hold that forbids to erase this person; null: none does. Synchronous. Throws `storage.unavailable` when a hold by
   * query has not looked at everything: whether it covers the person is not known.
   */
  blockingErasure(pseudonym: string): Blocking | null {
    const { holds, journal } = this.#context;
    this.#judgeWaiting();
    const blocking = holds.blockingErasure(pseudonym);
    if (blocking === null && holds.queries.unread(journal.head().size) !== null) {
      throw new AppError("storage.unavailable", { internal: "holds: a query has not looked at all entries" });
    }
    return blocking;
  }

  /** Holds by query look at what is there, for a bounded time. Never throws: `blockingErasure` says what is not known. */
  async ready(): Promise<void> {
    await this.#lookTo(this.#context.journal.head().size).catch(() => {});
  }

  /**
   * Before something leaves the log: holds by query have looked at what is there, as far as a bounded time reaches, and the ledger's
   * guard keeps no more than they do. Throws `storage.unavailable`.
   */
  async agree(): Promise<void> {
    const { holds, journal } = this.#context;
    await this.#lookTo(journal.head().size);
    holds.queries.forgetMirrored();
    if (holds.unmirrored().length > 0) await this.run(0);
  }

  async #lookTo(size: number): Promise<void> {
    const { holds, journal, clock, copied } = this.#context;
    const end = Math.min(size, journal.head().size);
    if (holds.queries.unread(end) === null) return;
    await copied(end);
    const untilMs = clock() + LIMITS.holdScanMs;
    await within(
      (async () => {
        while (holds.queries.unread(end) !== null && clock() < untilMs) await this.run();
      })(),
      LIMITS.holdScanMs,
    );
  }

  /** As `place`; what it blocked it blocks no longer when this is called. */
  async release(holdId: string): Promise<boolean> {
    this.#context.holds.release(holdId, this.#context.clock());
    this.#context.plan();
    return this.#confirm(holdId);
  }

  async #confirm(holdId: string): Promise<boolean> {
    await this.run(0);
    // Of a small log all of it. It is in force whatever comes of this; the alarm goes on.
    await this.#lookOn(1).catch(() => {});
    return this.#isConfirmed(holdId);
  }

  #isConfirmed(holdId: string): boolean {
    const { holds } = this.#context;
    return holds.isMirrored(holdId) && holds.get(holdId)?.scanned === true;
  }

  /** Does a bounded part of what waits. Whoever asks meanwhile waits for the same run and looks at the state after it. */
  async run(looks = LOOKS_PER_RUN): Promise<void> {
    // What changed while a run was under way it may not have seen: one more.
    if (this.#running) await this.#running.catch(() => {});
    this.#running ??= this.#work(looks).finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  async #work(looks: number): Promise<void> {
    const { holds } = this.#context;
    const shards = this.#shardsNow();
    if (shards !== this.#shards) holds.forgetMirrored();
    for (const hold of holds.unmirrored()) {
      await this.#context.mirror().set(hold.holdId, mirroredRanges(hold));
      holds.setMirrored(hold);
    }
    this.#shards = shards;
    for (let scan = 0; scan < SCANS_PER_RUN; scan++) {
      const range = holds.unscanned();
      if (!range) break;
      await this.#context.copied(range.toSeq + 1);
      const { pseudonyms, next } = await this.#context.mirror().peopleIn(range, range.after, LIMITS.holdScanPeople);
      holds.found(range, pseudonyms, next);
    }
    await this.#lookOn(looks);
  }

  async #lookOn(looks: number): Promise<void> {
    const { journal, scan } = this.#context;
    const { queries } = this.#context.holds;
    for (let look = 0; look < looks; look++) {
      const toSeq = journal.copied().size - 1;
      const query = this.#unread(toSeq + 1);
      if (!query) return;
      const found = await scan({ filter: query.filter, fromSeq: query.scannedTo, toSeq });
      if (found.nextSeq <= query.scannedTo) {
        throw new AppError("storage.unavailable", { internal: "holds: no place has the next entry" });
      }
      queries.found(query, found);
    }
  }

  /** What has no payload any more is not looked at: it went before the hold was there. */
  #unread(size: number): UnreadQuery | null {
    const { queries } = this.#context.holds;
    const { firstKept } = this.#context.journal.keptFrom();
    const query = queries.unread(size);
    if (query === null || query.scannedTo >= firstKept) return query;
    queries.found(query, { nextSeq: firstKept, firstSeq: null, people: [] });
    return this.#unread(size);
  }

  /** Entries that came since are judged where they wait: without them a busy log would never be wholly looked at. */
  #judgeWaiting(): void {
    const { journal } = this.#context;
    const { queries } = this.#context.holds;
    for (let page = 0; page < WAITING_PAGES; page++) {
      const query = this.#unread(journal.head().size);
      if (!query) return;
      const rows = journal.pending(query.scannedTo, LIMITS.verifyPageEntries, LIMITS.pageChars);
      if (rows[0]?.seq !== query.scannedTo) return;
      const held = rows.flatMap(({ seq, payload }) => {
        const people = namedIfHeld(query.filter, payload);
        return people === null ? [] : [{ seq, people }];
      });
      const people = [...new Set(held.flatMap((entry) => entry.people))];
      queries.found(query, { nextSeq: query.scannedTo + rows.length, firstSeq: held[0]?.seq ?? null, people });
    }
  }

  #shardsNow(): string {
    return JSON.stringify(this.#context.journal.shards());
  }
}
