/**
 * Sees to the legal holds of one domain: in force in the object at once, then confirmed.
 *
 * Commit order of a placement, with the crash after each:
 *  1. hold, ranges, people in the object's SQLite    in force; the alarm goes on (a caller that heard nothing asks again)
 *  2. the people in its ranges are looked for        until all are known it covers everybody; the alarm goes on where it was
 *  3. ledger_hold in D1, read back                   the alarm sets it again: the rows are replaced as a whole
 *  4. confirmed                                      done
 * A release is the same from the other end: first it blocks nothing here, then the mirror is emptied.
 */
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { type HoldCall, joinedRanges, mirroredRanges } from "../../src/services/holds/hold.ts";
import type { HoldMirror } from "../../src/services/ports.ts";
import type { SqliteHolds } from "./holds.ts";
import type { SqliteJournal } from "./journal.ts";

/** Statements of one run: what is left comes with the next. */
const SCANS_PER_RUN = 20;

export interface HoldContext {
  journal: SqliteJournal;
  holds: SqliteHolds;
  /** Asked each time: tests replace it. */
  mirror: () => HoldMirror;
  clock: () => number;
  /** Brings the queryable copy up to a size. Throws `storage.unavailable`. */
  copied: (size: number) => Promise<void>;
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
    return this.#shards !== this.#shardsNow() && holds.inForce().length > 0;
  }

  /**
   * Places a hold and confirms it. Resolves to false when it is in force here and not confirmed yet: ask again. Throws
   * `request.invalid` for a range past the newest entry; nothing is placed then.
   */
  async place(call: HoldCall, pseudonymOf: (identityId: string) => string): Promise<boolean> {
    const { holds, journal, clock, plan } = this.#context;
    const newest = journal.head().size - 1;
    const known = holds.get(call.holdId);
    const ranges = call.ranges.map(({ fromSeq, toSeq }) => ({ fromSeq, toSeq: toSeq ?? newest }));
    if (!known && ranges.some(({ fromSeq, toSeq }) => fromSeq > toSeq || toSeq > newest)) {
      throw new AppError("request.invalid", { detail: `the newest entry of the domain is ${newest}` });
    }
    const people = [...new Set(call.people.map(pseudonymOf))];
    if (!holds.place({ ...call, ranges: joinedRanges(ranges), people }, clock())) return true;
    holds.review(call.holdId, call.reviewAt);
    plan();
    return this.#confirm(call.holdId);
  }

  /** As `place`; what it blocked it blocks no longer when this is called. */
  async release(holdId: string): Promise<boolean> {
    this.#context.holds.release(holdId, this.#context.clock());
    this.#context.plan();
    return this.#confirm(holdId);
  }

  async #confirm(holdId: string): Promise<boolean> {
    await this.run();
    return this.#isConfirmed(holdId);
  }

  #isConfirmed(holdId: string): boolean {
    const { holds } = this.#context;
    return holds.isMirrored(holdId) && holds.get(holdId)?.scanned === true;
  }

  /** Does a bounded part of what waits. Whoever asks meanwhile waits for the same run and looks at the state after it. */
  async run(): Promise<void> {
    // What changed while a run was under way it may not have seen: one more.
    if (this.#running) await this.#running.catch(() => {});
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  async #work(): Promise<void> {
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
      if (!range) return;
      await this.#context.copied(range.toSeq + 1);
      const { pseudonyms, next } = await this.#context.mirror().peopleIn(range, range.after, LIMITS.holdScanPeople);
      holds.found(range, pseudonyms, next);
    }
  }

  #shardsNow(): string {
    return JSON.stringify(this.#context.journal.shards());
  }
}
