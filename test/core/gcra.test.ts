/** The two promises of a limit on a rate, for any limit and any course of requests. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FULL,
  giveBackTokens,
  type Rate,
  refillMs,
  type Tat,
  takeTokens,
  tokensIn,
  waitForTokens,
} from "../../src/core/gcra.ts";

const rates: fc.Arbitrary<Rate> = fc.record({
  perSecond: fc.double({ min: 0.05, max: 100_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 100_000 }),
});

describe("S1-24 a limit of burst and rate", () => {
  test("never gives more than burst + rate × T in any span of T", () => {
    const steps = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 5000 }), share: fc.double({ min: 0, max: 1.2, noNaN: true }) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(rates, steps, (rate, course) => {
        let tat: Tat = FULL;
        let nowMs = 0;
        const taken: { atMs: number; tokens: number }[] = [];
        for (const { afterMs, share } of course) {
          nowMs += afterMs;
          const tokens = Math.ceil(share * rate.burst);
          const after = takeTokens(rate, tat, nowMs, tokens);
          if (after !== null) {
            tat = after;
            taken.push({ atMs: nowMs, tokens });
          }
        }
        for (const [i, from] of taken.entries()) {
          let sum = 0;
          for (const to of taken.slice(i)) {
            sum += to.tokens;
            const most = rate.burst + (rate.perSecond * (to.atMs - from.atMs)) / 1000;
            expect(sum).toBeLessThanOrEqual(most + 1e-3);
          }
        }
      }),
    );
  });

  test("never refuses who keeps to the rate, from any state on once the bucket has filled", () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 200 }), (rate, count) => {
        let tat: Tat = takeTokens(rate, FULL, 0, rate.burst) as Tat;
        let nowMs = refillMs(rate, 0);
        for (let i = 0; i < count; i++) {
          const after = takeTokens(rate, tat, nowMs, 1);
          expect(after).not.toBeNull();
          tat = after as Tat;
          nowMs += 1000 / rate.perSecond;
        }
      }),
    );
  });

  test("who waits as long as it says is let through, and not a moment before", () => {
    fc.assert(
      fc.property(
        rates,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rate, a, b) => {
          const tat = takeTokens(rate, FULL, 0, Math.ceil(a * rate.burst)) as Tat;
          const tokens = Math.max(1, Math.ceil(b * rate.burst));
          const waitMs = waitForTokens(rate, tat, 0, tokens);
          expect(takeTokens(rate, tat, waitMs, tokens)).not.toBeNull();
          if (waitMs > 1)
            expect(takeTokens(rate, tat, waitMs - (2 * 1000 * 1e-5) / rate.perSecond - 1, tokens)).toBeNull();
        },
      ),
    );
  });

  test("what is given back is there again, and never more than the burst", () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: 1, noNaN: true }), (rate, share) => {
        const tokens = Math.ceil(share * rate.burst);
        const tat = giveBackTokens(rate, takeTokens(rate, FULL, 0, tokens) as Tat, tokens);
        expect(tokensIn(rate, tat, 0)).toBeCloseTo(rate.burst, 3);
        expect(tokensIn(rate, giveBackTokens(rate, tat, rate.burst), 0)).toBeLessThanOrEqual(rate.burst);
      }),
    );
  });

  test("more than the burst is never there, however long one waits", () => {
    expect(waitForTokens({ perSecond: 10, burst: 5 }, FULL, 0, 6)).toBe(Number.POSITIVE_INFINITY);
    expect(takeTokens({ perSecond: 10, burst: 5 }, FULL, 0, 6)).toBeNull();
  });
});
