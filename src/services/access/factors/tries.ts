/**
 * How often a secret of a person may be guessed. Failures are counted over a day that slides, so neither patience nor a success in
 * between brings tries back, and in three places:
 *  - `network`: the person, asked from one network;
 *  - `person`: the person, from everywhere except their own browsers: bounds a guesser who has many networks;
 *  - `browser`: the person, from one browser that has logged in before. It is in nobody's way and nobody is in its way, so a
 *    stranger who uses up the other two locks out no owner of a known browser; nor one who has a passkey, which is not counted.
 *
 * A guess at a code is right with 3 in 10^6 (three codes are taken, `TOTP_WINDOW`). A day has at most 24 guesses from strangers and 8
 * from each known browser: 32 guesses are right with less than 10^-4, also for somebody who stole such a browser.
 * Pure.
 */
export interface TryPolicy {
  /** Failures within a day before the first wait. */
  free: number;
  /** The first wait; each further failure doubles it, up to `maxWaitMs`. */
  waitMs: number;
  maxWaitMs: number;
  /** Failures within a day after which nothing is tried before the oldest of them is a day old. */
  perDay: number;
}

export const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const CODE_TRIES = {
  network: { free: 5, waitMs: MINUTE_MS, maxWaitMs: 2 * HOUR_MS, perDay: 16 },
  person: { free: 10, waitMs: MINUTE_MS, maxWaitMs: 2 * HOUR_MS, perDay: 24 },
  browser: { free: 5, waitMs: MINUTE_MS, maxWaitMs: 2 * HOUR_MS, perDay: 8 },
} as const satisfies Record<string, TryPolicy>;

/** Passwords are long, so the person may be tried more often before everybody waits; a network as a whole tries many people. */
export const PASSWORD_TRIES = {
  network: { free: 5, waitMs: MINUTE_MS, maxWaitMs: 2 * HOUR_MS, perDay: 20 },
  person: { free: 20, waitMs: MINUTE_MS, maxWaitMs: HOUR_MS, perDay: 100 },
  browser: { free: 8, waitMs: MINUTE_MS, maxWaitMs: HOUR_MS, perDay: 40 },
  /** All people together, from one network: spraying one password over many accounts. */
  spray: { free: 20, waitMs: MINUTE_MS, maxWaitMs: HOUR_MS, perDay: 100 },
} as const satisfies Record<string, TryPolicy>;

/** How long to wait before the next try, 0 for not at all. `failures`: Unix milliseconds, ascending, in any number. */
export function waitMs(policy: TryPolicy, failures: readonly number[], nowMs: number): number {
  const counted = failures.filter((atMs) => atMs > nowMs - DAY_MS);
  const last = counted.at(-1);
  if (last === undefined || counted.length < policy.free) return 0;
  const oldest = counted.at(-policy.perDay);
  const untilDayIsOver = counted.length < policy.perDay || oldest === undefined ? 0 : oldest + DAY_MS - nowMs;
  const wait = Math.min(policy.maxWaitMs, policy.waitMs * 2 ** (counted.length - policy.free));
  return Math.max(0, untilDayIsOver, last + wait - nowMs);
}
