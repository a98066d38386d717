/** The buckets of one tenant, or of many who show no credential, as the object that counts keeps them in memory. */
import {
  FULL,
  giveBackTokens,
  type Rate,
  type Tat,
  takeTokens,
  tokensIn,
  waitForTokens,
  withinBurst,
} from "../../core/gcra.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Lease, Wanted } from "./calls.ts";

/** One lease takes ahead at most this share of what is there, so that others find something too. */
const AHEAD_OF_THE_REST = 0.25;

export class RateCounter {
  readonly #buckets = new Map<string, Tat>();
  readonly #clock: () => number;
  readonly #beganMs: number;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.#beganMs = clock();
  }

  /**
   * Takes from the client's bucket and from `above`, which counts for all together: from both or from neither. What is refused
   * by one costs nothing in the other. In memory alone: an object that is moved forgives at most what was taken.
   */
  lease(client: string, rate: Rate, wanted: Wanted, above: { bucket: string; rate: Rate } | null): Lease {
    const nowMs = this.#clock() - this.#beganMs;
    const buckets = [{ bucket: client, rate }, ...(above ? [above] : [])].map((its) => ({
      ...its,
      tat: withinBurst(its.rate, giveBackTokens(its.rate, this.#buckets.get(its.bucket) ?? FULL, wanted.unused), nowMs),
    }));
    const there = (its: { rate: Rate; tat: Tat }) => tokensIn(its.rate, its.tat, nowMs);
    const spare = Math.floor(Math.min(...buckets.map(there)) - wanted.needed);
    const ahead = Math.max(0, Math.min(wanted.ahead, Math.floor(spare * AHEAD_OF_THE_REST)));
    const waits = buckets.map((its) => waitForTokens(its.rate, its.tat, nowMs, wanted.needed));
    const after = buckets.map((its) => takeTokens(its.rate, its.tat, nowMs, wanted.needed + ahead));
    const granted = after.every((tat) => tat !== null);
    for (const [i, { bucket, tat }] of buckets.entries()) this.#put(bucket, granted ? (after[i] ?? tat) : tat, nowMs);
    const left = Math.max(0, tokensIn(rate, this.#buckets.get(client) ?? FULL, nowMs));
    return granted
      ? { granted: wanted.needed + ahead, rate, left, waitMs: 0 }
      : { granted: 0, rate, left, waitMs: Math.max(1, ...waits) };
  }

  #put(bucket: string, tat: Tat, nowMs: number): void {
    if (tat <= nowMs) {
      this.#buckets.delete(bucket);
      return;
    }
    if (this.#buckets.size >= LIMITS.rateClients && !this.#buckets.has(bucket)) this.#forgetSome(nowMs);
    this.#buckets.set(bucket, tat);
  }

  /** The full ones first, which are as if they had never been; then the one that was begun first. */
  #forgetSome(nowMs: number): void {
    for (const [bucket, tat] of this.#buckets) if (tat <= nowMs) this.#buckets.delete(bucket);
    const [first] = this.#buckets.keys();
    if (this.#buckets.size >= LIMITS.rateClients && first !== undefined) this.#buckets.delete(first);
  }
}
