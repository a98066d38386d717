import { describe, expect, test } from "vitest";
import { DEFAULT_RETRY, retryAfterMs, waitBeforeRetry } from "../../src/client/retry.ts";

describe("Retry-After", () => {
  test("seconds are taken as they are", () => {
    expect(retryAfterMs("7", null, 0)).toBe(7000);
  });

  test("a date counts from the answer's own Date, so a wrong clock here does not matter", () => {
    const wrongClock = Date.parse("2031-01-01T00:00:00Z");
    expect(retryAfterMs("Sat, 21 Nov 2026 09:00:30 GMT", "Sat, 21 Nov 2026 09:00:00 GMT", wrongClock)).toBe(30_000);
  });

  test("a date without Date counts from now, and one in the past asks for no pause", () => {
    const now = Date.parse("2026-11-21T09:00:00Z");
    expect(retryAfterMs("Sat, 21 Nov 2026 09:00:05 GMT", null, now)).toBe(5000);
    expect(retryAfterMs("Sat, 21 Nov 2026 08:00:00 GMT", null, now)).toBe(0);
  });

  test.each(["", "-1", "soon", "1.5"])("%j says nothing usable", (header) => {
    expect(retryAfterMs(header, null, Date.now()) ?? 0).toBe(0);
  });
});

describe("the wait before a retry", () => {
  test("never comes earlier than the server asked for", () => {
    expect(waitBeforeRetry(DEFAULT_RETRY, 1, 5000, () => 0)).toBe(5000);
  });

  test("grows, is jittered over its whole range, and has a cap", () => {
    expect(waitBeforeRetry(DEFAULT_RETRY, 1, null, () => 0.999)).toBeLessThan(200);
    expect(waitBeforeRetry(DEFAULT_RETRY, 3, null, () => 0.5)).toBe(400);
    expect(waitBeforeRetry({ ...DEFAULT_RETRY, attempts: 99 }, 60, null, () => 0.999)).toBeLessThan(10_000);
  });

  test("does not come when the attempts are used up or the server asks for too long a pause", () => {
    expect(waitBeforeRetry(DEFAULT_RETRY, DEFAULT_RETRY.attempts, null, () => 0)).toBeNull();
    expect(waitBeforeRetry(DEFAULT_RETRY, 1, 3_600_000, () => 0)).toBeNull();
  });
});
