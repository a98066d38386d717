/**
 * A limit on a rate, by the generic cell rate algorithm (GCRA; ITU-T I.371, the "virtual scheduling" form): a bucket of
 * `burst` tokens that fills at `perSecond`. Its whole state is one number, the theoretical arrival time: when the bucket
 * will be full again. Pure; times are milliseconds of any one clock, best a young one: the state is a float.
 *
 * In any span of T seconds at most burst + perSecond × T tokens are taken, and a taker that keeps to the rate is never refused.
 */
export interface Rate {
  perSecond: number;
  /** The most that can be taken at once. */
  burst: number;
}

/** When the bucket will be full; any time that is over: it is full. */
export type Tat = number;

/** Of a bucket that nothing was ever taken from. */
export const FULL: Tat = Number.NEGATIVE_INFINITY;

/** Far below a token, far above the rounding of sums. Tokens. */
const ROUNDING = 1e-6;

const msFor = (rate: Rate, tokens: number) => (tokens * 1000) / rate.perSecond;

/** The tokens that can be taken now; a fraction counts up. */
export function tokensIn(rate: Rate, tat: Tat, nowMs: number): number {
  return rate.burst - (Math.max(0, tat - nowMs) * rate.perSecond) / 1000;
}

/** The state after `tokens` were taken; null when there are not so many: then nothing was taken. */
export function takeTokens(rate: Rate, tat: Tat, nowMs: number, tokens: number): Tat | null {
  if (tokensIn(rate, tat, nowMs) + ROUNDING < tokens) return null;
  return Math.max(tat, nowMs) + msFor(rate, tokens);
}

/** The state after tokens that were taken and not used come back. A bucket never holds more than its burst. */
export function giveBackTokens(rate: Rate, tat: Tat, tokens: number): Tat {
  return tat - msFor(rate, tokens);
}

/**
 * A bucket is never emptier than empty. What is later than that comes of a clock that was ahead and was set back, and would
 * refuse everything until the clock is there again: to be asked, and kept, before a state is used.
 */
export function withinBurst(rate: Rate, tat: Tat, nowMs: number): Tat {
  return Math.min(tat, nowMs + msFor(rate, rate.burst));
}

/** How long until `tokens` can be taken, if nobody takes any before; `Infinity` for more than the bucket holds. */
export function waitForTokens(rate: Rate, tat: Tat, nowMs: number, tokens: number): number {
  if (tokens > rate.burst) return Number.POSITIVE_INFINITY;
  return Math.max(0, msFor(rate, tokens - tokensIn(rate, tat, nowMs)));
}

/** How long until the bucket is full. */
export function refillMs(rate: Rate, tokens: number): number {
  return Math.max(0, msFor(rate, rate.burst - tokens));
}
