/**
 * Limits without a round trip: an isolate holds tokens that the tenant's object has already counted, and spends them by
 * itself. It asks for more when they run low, behind the answer, and gives back what it did not use.
 *
 * What is spent was counted before, so all isolates together keep to the limit; in a span of time they may besides spend what
 * they held at its beginning: at most a tenth of the burst each (`AHEAD_SHARE`). While the object does not answer, each
 * isolate keeps to the whole limit by itself: requests are not refused because the counting is away.
 */
import { FULL, type Rate, refillMs, type Tat, takeTokens, waitForTokens, withinBurst } from "../../core/gcra.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Lease, Wanted } from "./calls.ts";

const AHEAD_SHARE = 0.1;
/** Tokens that a client is given ahead before anybody knows how much it uses. */
const FIRST_AHEAD = 8;

/** One client's bucket as the answer tells of it. */
export interface Verdict {
  admitted: boolean;
  rate: Rate;
  /** Tokens that can be taken now, as far as this isolate knows. */
  left: number;
  /** Until the bucket is full. Milliseconds. */
  resetMs: number;
  /** Refused: until the same can be admitted. */
  waitMs: number;
}

/** A time that began: a clock that is set back to before it ends it. */
interface Span {
  fromMs: number;
  untilMs: number;
}

const isDuring = (span: Span | null, nowMs: number) => span !== null && nowMs >= span.fromMs && nowMs < span.untilMs;

interface Held {
  tokens: number;
  /** Ahead, in calls that are under way. */
  coming: number;
  /** Of the newest lease: how many there were, how long they are good for, how many were spent since. */
  size: number;
  untilMs: number;
  spent: number;
  rate: Rate;
  left: number;
  leftAtMs: number;
  renewedAtMs: number;
  refused: (Span & { tokens: number }) | null;
  away: Span | null;
  /** What alone decides while the object is away. */
  local: Tat;
}

export class Leases {
  readonly #held = new Map<string, Held>();
  readonly #clock: () => number;
  readonly #maxClients: number;

  constructor(clock: () => number, maxClients: number = LIMITS.rateClients) {
    this.#clock = clock;
    this.#maxClients = maxClients;
  }

  /**
   * Takes `tokens` from a bucket. `ask` is the object's call; a throw of it means that it is away. `assumed`: the rate while
   * nobody has told one. `behind` runs a promise on behind the answer. Never throws. Cost when warm: no call, no wait.
   */
  async take(
    bucket: string,
    tokens: number,
    ask: (wanted: Wanted) => Promise<Lease>,
    assumed: Rate,
    behind: (work: Promise<unknown>) => void,
  ): Promise<Verdict> {
    const held = this.#of(bucket, assumed);
    const nowMs = this.#clock();
    if (this.#spends(held, tokens)) {
      if (held.tokens < held.size / 4 && Math.abs(nowMs - held.renewedAtMs) > LIMITS.rateRenewMs) {
        held.renewedAtMs = nowMs;
        behind(this.#lease(held, 0, ask).catch(() => undefined));
      }
      return this.#verdict(held, true, 0);
    }
    if (held.refused && isDuring(held.refused, nowMs) && tokens >= held.refused.tokens) {
      return this.#verdict(held, false, held.refused.untilMs - nowMs);
    }
    if (isDuring(held.away, nowMs)) return this.#alone(held, tokens);
    try {
      const waitMs = await this.#lease(held, tokens, ask);
      // What others brought meanwhile is in no bucket any more.
      if (waitMs !== null && this.#spends(held, tokens)) return this.#verdict(held, true, 0);
      return this.#verdict(held, waitMs === null, waitMs ?? 0);
    } catch {
      const fromMs = this.#clock();
      held.away = { fromMs, untilMs: fromMs + LIMITS.rateAwayMs };
      return this.#alone(held, tokens);
    }
  }

  /** Whether there were so many, and they are spent. */
  #spends(held: Held, tokens: number): boolean {
    const nowMs = this.#clock();
    if (nowMs >= held.untilMs || held.tokens < tokens) return false;
    held.tokens -= tokens;
    this.#admitted(held, tokens, nowMs);
    return true;
  }

  /** Resolves to null when `tokens` were granted, and spent; else to how long it takes until they can be. */
  async #lease(held: Held, tokens: number, ask: (wanted: Wanted) => Promise<Lease>): Promise<number | null> {
    const beganMs = this.#clock();
    const expired = beganMs >= held.untilMs;
    const own = held.tokens;
    held.tokens = 0;
    const unused = expired ? own : 0;
    const needed = expired ? tokens : Math.max(0, tokens - own);
    const cap = Math.floor(held.rate.burst * AHEAD_SHARE);
    const ahead = Math.max(0, Math.min(cap - held.coming - (expired ? 0 : own), Math.max(FIRST_AHEAD, 2 * held.spent)));
    held.coming += ahead;
    let lease: Lease;
    try {
      lease = await ask({ needed, ahead, unused });
    } catch (error) {
      if (!expired) held.tokens += own;
      throw error;
    } finally {
      held.coming -= ahead;
    }
    const nowMs = this.#clock();
    held.rate = lease.rate;
    held.left = lease.left;
    held.leftAtMs = nowMs;
    if (lease.waitMs > 0) {
      if (!expired) held.tokens += own;
      held.refused = { fromMs: nowMs, untilMs: nowMs + Math.min(lease.waitMs, LIMITS.rateRefusedMs), tokens };
      return lease.waitMs;
    }
    held.refused = null;
    held.tokens += lease.granted + (expired ? 0 : own) - tokens;
    held.size = held.tokens;
    held.untilMs = nowMs + LIMITS.rateLeaseMs;
    held.spent = 0;
    if (tokens > 0) this.#admitted(held, tokens, nowMs);
    return null;
  }

  #alone(held: Held, tokens: number): Verdict {
    const nowMs = this.#clock();
    held.local = withinBurst(held.rate, held.local, nowMs);
    const after = takeTokens(held.rate, held.local, nowMs, tokens);
    if (after === null) return this.#verdict(held, false, waitForTokens(held.rate, held.local, nowMs, tokens));
    held.local = after;
    return this.#verdict(held, true, 0);
  }

  /** The local bucket counts along, so that nothing starts anew when the object goes away. */
  #admitted(held: Held, tokens: number, nowMs: number): void {
    held.spent += tokens;
    const after = takeTokens(held.rate, held.local, nowMs, tokens);
    if (after !== null) held.local = after;
  }

  #verdict(held: Held, admitted: boolean, waitMs: number): Verdict {
    const { rate } = held;
    const grown = held.left + ((this.#clock() - held.leftAtMs) * rate.perSecond) / 1000;
    const left = Math.max(0, Math.min(rate.burst, Math.max(0, grown) + held.tokens));
    return { admitted, rate, left: Math.floor(left), resetMs: refillMs(rate, left), waitMs };
  }

  #of(bucket: string, assumed: Rate): Held {
    const known = this.#held.get(bucket);
    if (known) {
      // The newest stands last, so what makes room is whoever has asked for nothing the longest.
      this.#held.delete(bucket);
      this.#held.set(bucket, known);
      return known;
    }
    const [idle] = this.#held.keys();
    // What is held is lost with it; the object has counted it, so nothing is admitted twice.
    if (this.#held.size >= this.#maxClients && idle !== undefined) this.#held.delete(idle);
    const fresh: Held = {
      tokens: 0,
      coming: 0,
      size: 0,
      untilMs: 0,
      spent: 0,
      rate: assumed,
      left: assumed.burst,
      leftAtMs: this.#clock(),
      renewedAtMs: 0,
      refused: null,
      away: null,
      local: FULL,
    };
    this.#held.set(bucket, fresh);
    return fresh;
  }
}
