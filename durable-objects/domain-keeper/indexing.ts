/**
 * The index of a domain, behind the copier: one run at a time, woken by the domain's log after a copy, or by a caller who waits.
 * What a step does, and the crash after it, is in src/services/query/index-step.ts.
 */
import { AppError, isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { ShardRange } from "../../src/core/shards.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import type { Clock } from "../../src/services/ports.ts";
import { type IndexStep, indexStep } from "../../src/services/query/index-step.ts";
import type { CatchUpCall, CaughtUp, IndexShard } from "../../src/services/query/ports.ts";
import { within } from "../../src/services/within.ts";

export interface IndexingContext {
  log: () => { head(): Promise<HeadResult>; flush(): Promise<ShardRange[]> };
  shard: (name: string) => IndexShard;
  clock: Clock;
  /** There is no such domain any more. */
  gone: () => Promise<void>;
}

/** Where the rows lie, and begin. */
type RowsFrom = Pick<HeadResult, "shards" | "firstHot">;

export class Indexing {
  /** Replaced in part by tests that make a store fail. */
  readonly context: IndexingContext;
  #stepping: Promise<IndexStep> | null = null;

  constructor(context: IndexingContext) {
    this.context = context;
  }

  /** One turn. Resolves to when the next one is due; null: all that is copied is indexed. Throws the store's error. */
  async turn(): Promise<number | null> {
    const rows = await this.#rows();
    if (rows === null) return null;
    const untilMs = this.context.clock() + LIMITS.indexTurnMs;
    for (;;) {
      const { done } = await this.#step(rows);
      const nowMs = this.context.clock();
      if (done) return null;
      if (nowMs >= untilMs) return nowMs;
    }
  }

  /** Throws `storage.unavailable` when the time is over first; what was begun goes on. */
  async catchUp({ size, withinMs }: CatchUpCall): Promise<CaughtUp> {
    const caughtUp = await within(this.#catchUp(size, this.context.clock() + withinMs), withinMs);
    if (caughtUp === undefined) throw notInTime();
    return caughtUp;
  }

  async #catchUp(size: number | null, untilMs: number): Promise<CaughtUp> {
    const log = this.context.log();
    const shards = await log.flush();
    const { copiedSize, firstHot } = await log.head();
    // A log that was stopped is not copied any further.
    const goal = Math.min(size ?? copiedSize, copiedSize);
    for (;;) {
      const step = await this.#step({ shards, firstHot });
      if (step.size >= goal) return { size: step.size, shards };
      if (step.done || this.context.clock() >= untilMs) throw notInTime();
    }
  }

  /** Drops the index, in bounded pieces; the turns that follow build it again. */
  async rebuild(): Promise<void> {
    const { shards } = await this.context.log().head();
    for (const name of new Set(shards.map(({ shard }) => shard))) {
      const shard = this.context.shard(name);
      if ((await shard.state()) !== null) await shard.drop();
    }
  }

  /** Null: the domain is being deleted, or is gone. */
  async #rows(): Promise<RowsFrom | null> {
    try {
      return await this.context.log().head();
    } catch (error) {
      if (isAppError(error) && error.code === "tenant.deleting") return null;
      if (!isAppError(error) || error.code !== "resource.not_found") throw error;
      await this.context.gone();
      return null;
    }
  }

  /** Whoever comes meanwhile waits for the same step. */
  #step({ shards: ranges, firstHot }: RowsFrom): Promise<IndexStep> {
    this.#stepping ??= indexStep({ ranges, firstHot, shard: this.context.shard, sha256 }).finally(() => {
      this.#stepping = null;
    });
    return this.#stepping;
  }
}

const notInTime = () =>
  new AppError("storage.unavailable", { detail: "the index could not be brought up to date in time" });
