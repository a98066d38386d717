/** When to try again, and after how long. Pure: clock and randomness come from the caller. */

export interface RetryPolicy {
  /** Requests in all, the first one included. */
  attempts: number;
  /** The wait before the n-th retry is drawn from 0 to min(maxMs, baseMs * 2^n) ("full jitter"). */
  baseMs: number;
  maxMs: number;
  /** A server that asks for a longer pause gets no retry: the caller decides. */
  maxRetryAfterMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, baseMs: 200, maxMs: 10_000, maxRetryAfterMs: 60_000 };

const RETRYABLE_STATUS: readonly number[] = [429, 502, 503, 504];
/** Answered with 503, but only a person can change it. */
const NEEDS_OPERATOR: readonly string[] = ["domain.stopped"];

export function isRetryable(status: number, code: string): boolean {
  return RETRYABLE_STATUS.includes(status) && !NEEDS_OPERATOR.includes(code);
}

/**
 * Milliseconds that `Retry-After` asks for (seconds or an HTTP date, RFC 9110 §10.2.3); `null` when it says nothing usable.
 * A date is taken relative to the answer's own `Date`, so that a wrong clock here does not matter.
 */
export function retryAfterMs(retryAfter: string | null, date: string | null, nowMs: number): number | null {
  if (retryAfter === null) return null;
  if (/^\d{1,9}$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const until = Date.parse(retryAfter);
  if (Number.isNaN(until)) return null;
  const serverNow = Date.parse(date ?? "");
  return Math.max(0, until - (Number.isNaN(serverNow) ? nowMs : serverNow));
}

/**
 * The wait before the next attempt; `null` when there is to be none. `attempt` counts the requests already made. Never
 * shorter than what the server asked for; the jitter comes on top, so that many clients do not return at once.
 */
export function waitBeforeRetry(
  policy: RetryPolicy,
  attempt: number,
  askedMs: number | null,
  random: () => number,
): number | null {
  if (attempt >= policy.attempts) return null;
  if (askedMs !== null && askedMs > policy.maxRetryAfterMs) return null;
  const cap = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  return (askedMs ?? 0) + Math.floor(random() * cap);
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
