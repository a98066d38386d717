/**
 * The witnesses of one domain, as its object sees to them: all side by side, each at its own pace, so that one that is down
 * delays neither the others nor the log. What one exchange does, and the crash after it, is in src/services/witness/ask.ts.
 */
import { LIMITS } from "../../src/core/limits.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import type { SignedCheckpoint } from "../../src/services/log/checkpoints.ts";
import { within } from "../../src/services/within.ts";
import type { WitnessExchange } from "../../src/services/witness/answer.ts";
import { type AskDeps, askWitness, type WitnessAlarm } from "../../src/services/witness/ask.ts";
import { type WitnessConfig, witnessesOf } from "../../src/services/witness/config.ts";
import { cosignedNote, latestWitnessedSize, sizesToKeep } from "../../src/services/witness/cosigned.ts";
import { type WitnessView, witnessViews } from "../../src/services/witness/view.ts";
import { witnessExchange } from "./witness-exchange.ts";
import { SqliteWitnessJournal } from "./witness-journal.ts";

export interface WitnessesContext {
  storage: DurableObjectStorage;
  origin: () => string;
  clock: () => number;
  /** Every witness of the cell; those for this log's origin are asked. */
  configured: () => readonly WitnessConfig[];
  newest: () => SignedCheckpoint | null;
  checkpointOf: (size: number) => SignedCheckpoint | null;
  /** This log's own tree and keys. */
  own: Pick<AskDeps, "proof" | "rootAt"> & { logKeys: () => AskDeps["logKeys"] };
  /** The log contradicts what it signed once; the evidence is in the journal. */
  alarm: (alarm: WitnessAlarm) => void;
  /** The object's alarm has to call `ask` at this time. Unix milliseconds. */
  plan: (atMs: number) => void;
}

/** All requests of one round take less. */
const LOST_AFTER_MS = (LIMITS.witnessTries + 2) * LIMITS.witnessTimeoutMs;

export class Witnesses {
  readonly journal: SqliteWitnessJournal;
  /** Replaced by tests that stand in for the network. */
  exchange: WitnessExchange = witnessExchange();
  readonly #context: WitnessesContext;
  /** Who is being asked, and since when. */
  readonly #asked = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #urgent = 0;

  constructor(context: WitnessesContext) {
    this.#context = context;
    this.journal = new SqliteWitnessJournal(context.storage);
  }

  /**
   * Asks everyone who has not cosigned the newest checkpoint and whose time has come; plans the rest. Resolves when those
   * that were asked now have answered or failed, which takes seconds: nothing of the log may wait for it. Never rejects.
   */
  async ask(): Promise<void> {
    try {
      const checkpoint = this.#context.newest();
      if (!checkpoint) return;
      const nowMs = this.#context.clock();
      const due = this.#lacking(checkpoint).filter((witness) => this.#dueAtMs(witness) <= nowMs);
      const asked = due.map((witness) => this.#askOne(witness, checkpoint));
      this.planNext();
      await Promise.all(asked);
    } catch (error) {
      sayFault(error);
    }
  }

  /** To be called when cron wakes the object: what is planned may be lost. */
  planNext(): void {
    const dueAtMs = this.nextDueAtMs;
    if (dueAtMs !== null) this.#context.plan(dueAtMs);
  }

  /** When `ask` has something to do; null: everyone has cosigned the newest checkpoint. */
  get nextDueAtMs(): number | null {
    const checkpoint = this.#context.newest();
    const times = checkpoint ? this.#lacking(checkpoint).map((witness) => this.#dueAtMs(witness)) : [];
    // Whoever is being asked settles by itself, unless this object ends before.
    const lost = [...this.#asked.values()].map((sinceMs) => sinceMs + LOST_AFTER_MS);
    return times.length + lost.length === 0 ? null : Math.min(...times, ...lost);
  }

  /** The checkpoint with the cosignatures that it has. */
  published(checkpoint: SignedCheckpoint): SignedCheckpoint {
    const known = new Set(this.#mine().map(({ verifierKey }) => verifierKey));
    const cosignatures = this.journal.cosignatures(checkpoint.size).filter(({ key }) => known.has(key));
    return { ...checkpoint, note: cosignedNote(checkpoint.note, cosignatures) };
  }

  /** The newest checkpoint that `k` independent witnesses cosigned, with `k` = 0 any one; with all its cosignatures. */
  latestWitnessed(k: number): SignedCheckpoint | null {
    const size = latestWitnessedSize(this.journal.cosigned(), this.#mine(), k);
    const checkpoint = size === null ? null : this.#context.checkpointOf(size);
    return checkpoint && this.published(checkpoint);
  }

  /**
   * Waits, at most `ms`, until a checkpoint of at least `size` entries is witnessed as above, and hurries its witnesses. True:
   * it is. At once when there are not enough witnesses to wait for.
   */
  async witnessedWithin(size: number, k: number, ms: number): Promise<boolean> {
    const isThere = () => (this.latestWitnessed(k)?.size ?? 0) >= size;
    const able = this.#mine().filter(({ independent }) => independent || k === 0).length;
    if (isThere() || able < Math.max(k, 1)) return isThere();
    let settle = () => {};
    const witnessed = new Promise<void>((resolve) => {
      settle = () => isThere() && resolve();
    });
    this.#waiting.add(settle);
    this.#urgent++;
    void this.ask();
    await within(witnessed, ms);
    this.#urgent--;
    this.#waiting.delete(settle);
    return isThere();
  }

  /** To be called when a checkpoint was signed. Asks at once when somebody waits, else plans. Cheap. */
  hurry(): void {
    if (this.#urgent > 0) void this.ask();
    else this.planNext();
  }

  view(size: number): WitnessView[] {
    return witnessViews(this.#mine(), this.journal, size);
  }

  /** Sizes whose checkpoints have to stay, because their cosignatures do. */
  keptSizes(): number[] {
    return sizesToKeep(this.journal.cosigned(), this.#mine());
  }

  #mine(): WitnessConfig[] {
    return witnessesOf(this.#context.configured(), this.#context.origin());
  }

  #lacking({ size }: SignedCheckpoint): WitnessConfig[] {
    const have = new Set(this.journal.cosignatures(size).map(({ key }) => key));
    return this.#mine().filter(({ verifierKey }) => !have.has(verifierKey) && !this.#asked.has(verifierKey));
  }

  #dueAtMs({ verifierKey }: WitnessConfig): number {
    const { retryAtMs, witnessedAtMs } = this.journal.record(verifierKey);
    const pace = this.#urgent > 0 || witnessedAtMs === null ? 0 : witnessedAtMs + LIMITS.witnessEveryMs;
    return Math.max(retryAtMs, pace);
  }

  async #askOne(witness: WitnessConfig, checkpoint: SignedCheckpoint): Promise<void> {
    this.#asked.set(witness.verifierKey, this.#context.clock());
    try {
      await this.#askAndKeep(witness, checkpoint);
      this.#asked.delete(witness.verifierKey);
      this.hurry();
    } catch (error) {
      this.#asked.delete(witness.verifierKey);
      // Its storage is gone, or a defect: the record may not have moved, so not at once.
      sayFault(error);
      this.#planAgain();
    }
  }

  #planAgain(): void {
    try {
      this.#context.plan(this.#context.clock() + LIMITS.witnessRetryMs);
    } catch {
      // The domain is deleted: nobody is asked any more.
    }
  }

  async #askAndKeep(witness: WitnessConfig, checkpoint: SignedCheckpoint): Promise<void> {
    const { origin, clock, own, newest, alarm } = this.#context;
    const result = await askWitness(witness, checkpoint, {
      ...own,
      origin: origin(),
      journal: this.journal,
      signedSize: () => newest()?.size ?? 0,
      logKeys: own.logKeys(),
      exchange: this.exchange,
      checks: { verify: verifyEd25519, verifyMlDsa44 },
      sha256,
      clock,
    });
    if (typeof result === "object") {
      this.journal.addContradiction(result, clock());
      alarm(result);
    }
    if (result !== "cosigned") return;
    this.journal.keepOnly(this.keptSizes());
    for (const settle of this.#waiting) settle();
  }
}

/** The name only: messages of others may carry what was sent. */
function sayFault(error: unknown): void {
  console.warn(JSON.stringify({ at: "witnesses", fault: error instanceof Error ? error.name : "unknown" }));
}
