/** Isolates with leases over one counter: what they admit together, what they cost, and what they do alone. The clock is injected. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Rate } from "../../../src/core/gcra.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Wanted } from "../../../src/services/rates/calls.ts";
import { RateCounter } from "../../../src/services/rates/counter.ts";
import { Leases } from "../../../src/services/rates/leases.ts";

function cell(rate: Rate, isolates = 1, above: Rate = { perSecond: rate.perSecond * 4, burst: rate.burst * 4 }) {
  const state = { nowMs: 1_700_000_000_000, calls: 0, away: false };
  const clock = () => state.nowMs;
  const counter = new RateCounter(clock);
  const background: Promise<unknown>[] = [];
  const leases = Array.from({ length: isolates }, () => new Leases(clock));
  const take = (isolate: number, tokens: number, client = "key_a") =>
    (leases[isolate] as Leases).take(
      client,
      tokens,
      async (wanted: Wanted) => {
        state.calls++;
        if (state.away) throw new Error("away");
        return counter.lease(client, rate, wanted, { bucket: "tenant", rate: above });
      },
      rate,
      (work) => void background.push(work),
    );
  return { state, take, settle: () => Promise.all(background) };
}

describe("S1-24 isolates together", () => {
  test("admit at most burst + rate × T, and what leases held before: a tenth of the burst an isolate", async () => {
    const course = fc.array(
      fc.record({
        isolate: fc.integer({ min: 0, max: 2 }),
        tokens: fc.integer({ min: 1, max: 30 }),
        afterMs: fc.integer({ min: 0, max: 400 }),
      }),
      { minLength: 20, maxLength: 300 },
    );
    const rate = { perSecond: 50, burst: 200 };
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const { state, take, settle } = cell(rate, 3);
        const admitted: { atMs: number; tokens: number }[] = [];
        for (const { isolate, tokens, afterMs } of steps) {
          state.nowMs += afterMs;
          const verdict = await take(isolate, tokens);
          await settle();
          if (verdict.admitted) admitted.push({ atMs: state.nowMs, tokens });
        }
        for (const [i, from] of admitted.entries()) {
          let sum = 0;
          for (const to of admitted.slice(i)) {
            sum += to.tokens;
            const most = rate.burst + (rate.perSecond * (to.atMs - from.atMs)) / 1000;
            expect(sum).toBeLessThanOrEqual(most + 3 * rate.burst * 0.1);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("of requests at the same moment exactly the burst is admitted", async () => {
    const { take } = cell({ perSecond: 1, burst: 100 }, 4);
    const verdicts = await Promise.all(Array.from({ length: 400 }, (_, i) => take(i % 4, 1)));
    const admitted = verdicts.filter((verdict) => verdict.admitted).length;
    expect(admitted).toBeLessThanOrEqual(100);
    // What leases hold ahead is admitted by the isolate that holds it, or not at this moment.
    expect(admitted).toBeGreaterThanOrEqual(60);
  });

  test("client B never feels client A, whatever A asks for", async () => {
    const { take } = cell({ perSecond: 1, burst: 100 }, 2);
    const a = Promise.all(Array.from({ length: 5000 }, (_, i) => take(i % 2, 1, "key_a")));
    const b = await Promise.all(Array.from({ length: 50 }, () => take(0, 1, "key_b")));
    expect((await a).some(({ admitted }) => !admitted)).toBe(true);
    expect(b.every(({ admitted }) => admitted)).toBe(true);
  });

  test("all clients of a tenant together keep to the tenant's ceiling", async () => {
    const { take } = cell({ perSecond: 1, burst: 100 }, 1, { perSecond: 1, burst: 250 });
    const verdicts = await Promise.all(Array.from({ length: 600 }, (_, i) => take(0, 1, `key_${i % 6}`)));
    expect(verdicts.filter(({ admitted }) => admitted).length).toBeLessThanOrEqual(250);
  });
});

describe("a client that keeps to the rate", () => {
  test("is not refused, though what leases were not used for comes back late", async () => {
    const { state, take, settle } = cell({ perSecond: 20, burst: 40 });
    for (let i = 0; i < 2000; i++) {
      expect((await take(0, 1)).admitted, `request ${i}`).toBe(true);
      await settle();
      state.nowMs += 50 + (i % 400 === 399 ? 30_000 : 0);
    }
  });

  test("costs a call for tens of requests", async () => {
    const { state, take, settle } = cell({ perSecond: 10_000, burst: 600_000 });
    for (let i = 0; i < 10_000; i++) {
      await take(0, 1);
      await settle();
      state.nowMs += 1;
    }
    expect(state.calls).toBeLessThan(50);
  });

  test("is told how long to wait, and is let through then", async () => {
    const { state, take } = cell({ perSecond: 2, burst: 10 });
    expect((await take(0, 10)).admitted).toBe(true);
    const refused = await take(0, 4);
    expect(refused).toMatchObject({ admitted: false, left: 0 });
    expect(refused.waitMs).toBeGreaterThan(1990);
    state.nowMs += refused.waitMs;
    expect((await take(0, 4)).admitted).toBe(true);
  });
});

describe("while the object that counts is away", () => {
  test("each isolate keeps to the limit by itself: nothing is refused within it, and nothing is let through above it", async () => {
    const { state, take } = cell({ perSecond: 1, burst: 50 }, 2);
    state.away = true;
    const verdicts = await Promise.all(Array.from({ length: 200 }, (_, i) => take(i % 2, 1)));
    expect(verdicts.filter(({ admitted }) => admitted)).toHaveLength(100);
  });

  test("it is asked again at most once in LIMITS.rateAwayMs, and what it counts holds again when it is back", async () => {
    const { state, take } = cell({ perSecond: 1, burst: 50 });
    state.away = true;
    for (let i = 0; i < 40; i++) await take(0, 1);
    expect(state.calls).toBe(1);
    state.nowMs += LIMITS.rateAwayMs;
    state.away = false;
    expect((await take(0, 1)).admitted).toBe(true);
    expect(state.calls).toBe(2);
  });

  test("what was spent before counts: going away gives nobody a second burst", async () => {
    const { state, take } = cell({ perSecond: 1, burst: 50 });
    for (let i = 0; i < 50; i++) await take(0, 1);
    state.away = true;
    state.nowMs += LIMITS.rateLeaseMs;
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => take(0, 1)));
    expect(verdicts.filter(({ admitted }) => admitted).length).toBeLessThanOrEqual(11);
  });
});

test("a flood of clients does not fill an isolate's memory, and admits nothing twice", async () => {
  const rate = { perSecond: 1, burst: 10 };
  const counter = new RateCounter(() => 0);
  const leases = new Leases(() => 0, 100);
  const ask = (client: string) => async (wanted: Wanted) => counter.lease(client, rate, wanted, null);
  let admitted = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 150; i++) {
      const verdict = await leases.take(`c${i}`, 1, ask(`c${i}`), rate, () => undefined);
      if (verdict.admitted && i === 0) admitted++;
    }
  }
  expect(admitted).toBeLessThanOrEqual(10);
});

describe("a clock that is set back", () => {
  const HOUR_MS = 3_600_000;

  test("refuses nobody for longer than the bucket takes to fill", async () => {
    const { state, take } = cell({ perSecond: 1, burst: 10 });
    state.nowMs += HOUR_MS;
    while ((await take(0, 1)).admitted);
    state.nowMs -= HOUR_MS;
    const { admitted, waitMs } = await take(0, 1);
    expect(admitted).toBe(false);
    expect(waitMs).toBeLessThanOrEqual(1000);
    state.nowMs += 10_000;
    expect((await take(0, 10)).admitted).toBe(true);
  });

  test("nor while the object that counts is away, and asks for it again", async () => {
    const { state, take } = cell({ perSecond: 1, burst: 10 });
    state.nowMs += HOUR_MS;
    state.away = true;
    while ((await take(0, 1)).admitted);
    state.nowMs -= HOUR_MS;
    state.away = false;
    const before = state.calls;
    expect((await take(0, 1)).admitted).toBe(true);
    expect(state.calls).toBe(before + 1);
  });
});

test("client B never feels a flood of others: what an isolate holds for it stays", async () => {
  const rate = { perSecond: 1, burst: 100 };
  const counter = new RateCounter(() => 0);
  const leases = new Leases(() => 0, 10);
  let calls = 0;
  const ask = (client: string) => async (wanted: Wanted) => {
    if (client === "b") calls++;
    return counter.lease(client, rate, wanted, null);
  };
  const take = (client: string) => leases.take(client, 1, ask(client), rate, () => undefined);
  expect((await take("b")).admitted).toBe(true);
  for (let i = 0; i < 6; i++) {
    for (let flood = 0; flood < 9; flood++) await take(`a${i}-${flood}`);
    expect((await take("b")).admitted).toBe(true);
  }
  expect(calls).toBe(1);
});
