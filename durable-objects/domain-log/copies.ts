/**
 * A domain's copies in D1 and R2, as its object sees to them: one copier at a time, compared once after every start, woken
 * by the alarm or by a caller who waits. What a step does, and the crash after it, is in src/services/log.
 */
import { AppError, isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { rollOver, shardWithRoom } from "../../src/core/shards.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { archiveStep, paceOf, type SegmentPace, segmentDueAt } from "../../src/services/log/archive.ts";
import { copyStep } from "../../src/services/log/copy.ts";
import { Divergence } from "../../src/services/log/divergence.ts";
import { releaseCopied } from "../../src/services/log/release.ts";
import type { SealedSource } from "../../src/services/log/sealing/source.ts";
import { compareCopies } from "../../src/services/log/start.ts";
import { within } from "../../src/services/within.ts";
import type { SqliteJournal } from "./journal.ts";
import type { SqliteSealedJournal } from "./sealed-journal.ts";
import type { DomainStores } from "./stores.ts";

/** Work of one alarm is bounded: what is left comes with the next one. */
const STEPS_PER_ALARM = 20;
/** Tries of a caller that waits for D1; the alarm goes on after it. */
const COPY_ATTEMPTS = 2;
/** How long an append waits for the comparison of a freshly started object before it goes on without. */
const COMPARE_WAIT_MS = 2000;

export interface CopiesContext {
  journal: SqliteJournal;
  sealed: SqliteSealedJournal;
  /** Asked each time: tests replace them. */
  stores: () => DomainStores;
  shardLimitBytes: () => number;
  /** As the domain is set; undefined: as it was made. */
  pace: () => SegmentPace | undefined;
  /** A copy contradicts the object. */
  stop: (reason: string) => void;
  /** Part of the comparison at the start. Throws `Divergence`, or the store's error. */
  compareTree: () => Promise<void>;
  /** The alarm has to take up what waits. */
  plan: () => void;
  /** D1 holds less than it was seen to hold: it was restored to an earlier copy, with what was erased since. */
  ledgerSetBack: () => void;
  /** Entries came to D1. */
  copied: () => void;
  /** The object was made anew from its archive: it has nothing of its own to compare. */
  isAdopted: () => boolean;
}

export class Copies {
  readonly #context: CopiesContext;
  #compared = false;
  #comparing: Promise<void> | null = null;
  #copying: Promise<void> | null = null;
  #archiving: Promise<void> | null = null;
  #gatherUntilMs = 0;
  #heldUntilMs = 0;

  constructor(context: CopiesContext) {
    this.#context = context;
  }

  /** A domain that has just copied gathers rows until then: a commit of D1 costs as much as many rows. Unix milliseconds. */
  get gatherUntilMs(): number {
    return Math.min(this.#gatherUntilMs, this.#context.stores().clock() + LIMITS.copyGatherMs);
  }

  /** When the archiver has something to do: null when nothing waits. Unix milliseconds. */
  get archiveDueAtMs(): number | null {
    return segmentDueAt(this.#archiveDeps());
  }

  get segmentIsFull(): boolean {
    const { journal, pace } = this.#context;
    return journal.head().size - journal.archived().size >= paceOf({ journal, pace: pace() }).entries;
  }

  get copyIsDone(): boolean {
    const { journal } = this.#context;
    return journal.copied().size >= journal.head().size;
  }

  /** For so long nothing is copied: a restore brings the rows (src/services/restore). Who waits for the copy is told that it is away. */
  hold(forMs: number): void {
    this.#heldUntilMs = forMs === 0 ? 0 : this.#context.stores().clock() + forMs;
  }

  /** Copies to D1; whoever asks meanwhile waits for the same run. Throws `Divergence`, or the store's error. */
  async copy(): Promise<void> {
    await this.#compare();
    this.#copying ??= this.#copySteps().finally(() => {
      this.#copying = null;
    });
    await this.#copying;
  }

  /** Archives the segments that are due, one archiver at a time. Throws `Divergence`, or the store's error. */
  async archive(): Promise<void> {
    await this.#compare();
    this.#archiving ??= this.#archiveSteps().finally(() => {
      this.#archiving = null;
    });
    await this.#archiving;
  }

  async #archiveSteps(): Promise<void> {
    const isDue = () => (this.archiveDueAtMs ?? Number.POSITIVE_INFINITY) <= this.#context.stores().clock();
    for (let step = 0; step < STEPS_PER_ALARM && isDue(); step++) {
      await archiveStep(this.#archiveDeps());
      releaseCopied(this.#context.journal, this.#context.sealed);
    }
    // More full segments wait: no pause before the next alarm.
    if (isDue()) this.#gatherUntilMs = 0;
  }

  /** Brings the copy up to `size`. False when D1 does not take it: after a few failures, or when the time is over. */
  async copiedWithin(size: number, waitMs: number): Promise<boolean> {
    const { journal } = this.#context;
    const untilMs = Date.now() + waitMs;
    for (let failures = 0; journal.copied().size < size; ) {
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0 || failures >= COPY_ATTEMPTS || journal.stoppedReason() !== null) return false;
      const went = await within(this.#tryToCopy(), leftMs);
      if (went === undefined) return false;
      if (!went) failures++;
    }
    return true;
  }

  /** A store that is away does not hold appends up (DESIGN §2); a missing guard or a copy that contradicts us does. */
  async comparedOrAway(): Promise<void> {
    if (this.#compared || this.#context.isAdopted()) return;
    try {
      await within(this.#compare(), COMPARE_WAIT_MS);
    } catch (error) {
      if (error instanceof Divergence) this.#context.stop(error.message);
      else if (isAppError(error) && error.code === "ledger.guard_missing") throw error;
    }
  }

  /** Until this has succeeded once after a start, nothing is copied, archived or released. */
  async #compare(): Promise<void> {
    if (this.#compared || this.#context.isAdopted()) return;
    this.#comparing ??= this.#compareAll().finally(() => {
      this.#comparing = null;
    });
    await this.#comparing;
    if (this.#compared) return;
    this.#compared = true;
    // A ledger that was set back is refilled even when nobody appends.
    this.#context.plan();
  }

  async #compareAll(): Promise<void> {
    await this.#watchingLedger(() => compareCopies(this.#deps()));
    await this.#context.compareTree();
  }

  /** The same as at a start, after a copy may have changed. Throws `Divergence`, or the store's error: then the alarm tries again. */
  async comparedAgain(): Promise<void> {
    await this.#comparing?.catch(() => undefined);
    await this.settled();
    this.#compared = false;
    // Nothing else asks for it while nobody appends: a missing guard refuses that.
    this.#context.plan();
    await this.#compare();
  }

  get isCompared(): boolean {
    return this.#compared;
  }

  /** Throws `Divergence`, or the store's error. */
  compared(): Promise<void> {
    return this.#compare();
  }

  async #copySteps(): Promise<void> {
    for (let step = 0; step < STEPS_PER_ALARM; step++) {
      if (this.#context.stores().clock() < this.#heldUntilMs) {
        throw new AppError("storage.unavailable", { internal: "ledger: a restore brings the rows" });
      }
      await this.#settleShards();
      const before = this.#context.journal.copied().size;
      const { done } = await this.#watchingLedger(() => copyStep(this.#deps()));
      if (this.#context.journal.copied().size > before) this.#context.copied();
      releaseCopied(this.#context.journal, this.#context.sealed);
      if (done) {
        this.#gatherUntilMs = this.#context.stores().clock() + LIMITS.copyGatherMs;
        return;
      }
    }
  }

  async #watchingLedger<T>(run: () => Promise<T>): Promise<T> {
    const { journal, ledgerSetBack } = this.#context;
    const { size } = journal.copied();
    try {
      return await run();
    } finally {
      if (journal.copied().size < size) ledgerSetBack();
    }
  }

  async #tryToCopy(): Promise<boolean> {
    try {
      await this.copy();
      return true;
    } catch (error) {
      if (error instanceof Divergence) this.#context.stop(error.message);
      else this.#context.plan();
      return false;
    }
  }

  /**
   * Goes on in another shard when the present one is full. Commit order: the journal (the truth about where rows go), then
   * the control database (where readers look), and only then rows; a crash in between is caught up here.
   */
  async #settleShards(): Promise<void> {
    if (this.copyIsDone) return;
    const { journal } = this.#context;
    const stores = this.#context.stores();
    const present = journal.shards().at(-1)?.shard ?? "";
    const limitBytes = this.#context.shardLimitBytes();
    if ((stores.lastSize(present) ?? 0) >= limitBytes) {
      const used = journal.shards().map(({ shard }) => shard);
      const next = shardWithRoom(used, await stores.gauges(), limitBytes);
      if (next) journal.setShards(rollOver(journal.shards(), journal.copied().size, next));
      else console.warn(JSON.stringify({ at: "domain-log", fault: "no ledger shard has room", shard: present }));
    }
    if (journal.shardsMirrored()) return;
    await stores.mirrorShards(journal.shards());
    journal.setShardsMirrored();
  }

  #deps() {
    return { journal: this.#context.journal, ...this.#context.stores(), sealed: this.#sealed(), sha256 };
  }

  #archiveDeps() {
    const { segments, clock } = this.#context.stores();
    return {
      journal: this.#context.journal,
      segments,
      sealed: this.#sealed(),
      sha256,
      clock,
      pace: this.#context.pace(),
    };
  }

  #sealed(): SealedSource {
    return { journal: this.#context.sealed, pages: this.#context.stores().sealedPages };
  }

  /** Resolves when no copy and no archiving that began before is still under way, however they end. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#copying, this.#archiving]);
  }
}
