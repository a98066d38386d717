import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/core/limits.ts";
import {
  countFailure,
  type FailureBook,
  type FailureWindow,
  tellRest,
} from "../../../../src/services/access/factors/login-failures.ts";

class Windows implements FailureBook {
  readonly #all = new Map<string, FailureWindow>();
  window = (personId: string, method: string) => this.#all.get(`${personId} ${method}`) ?? null;
  put = (window: FailureWindow) => void this.#all.set(`${window.personId} ${window.method}`, window);
  over = (beforeMs: number) =>
    [...this.#all.values()].filter(({ beganAtMs, untold }) => beganAtMs <= beforeMs && untold > 0);
  drop = (window: FailureWindow) => void this.#all.delete(`${window.personId} ${window.method}`);
}

const MEMBERS = { kind: "member", domainId: "dom_1" } as const;
const STAFF = { kind: "staff", domainId: "dom_0" } as const;
const HOUR = LIMITS.loginFailureWindowMs;
const failuresIn = (entries: { event: { metadata?: Record<string, unknown> | undefined } }[]) =>
  entries.map(({ event }) => event.metadata?.failures);

describe("failed logins in the log", () => {
  it("a thousand within an hour are two entries that together tell of each, under keys of their own", () => {
    const book = new Windows();
    const told = Array.from({ length: 1000 }, (_, i) => countFailure(book, MEMBERS, "mem_1", "totp", i)).flat();
    expect(failuresIn(told)).toEqual([1]);
    const rest = tellRest(book, MEMBERS, HOUR);
    expect(failuresIn(rest)).toEqual([999]);
    expect(tellRest(book, MEMBERS, HOUR)).toEqual([]);
    expect(new Set([...told, ...rest].map(({ once }) => once)).size).toBe(2);
  });

  it("the next failure after the hour tells the rest first", () => {
    const book = new Windows();
    for (const at of [0, 1, 2]) countFailure(book, STAFF, "stf_1", "password", at);
    const next = countFailure(book, STAFF, "stf_1", "password", HOUR);
    expect(failuresIn(next)).toEqual([2, 1]);
    expect(next[0]?.event).toMatchObject({
      action: "staff.login_failed",
      outcome: "denied",
      targets: [{ id: "stf_1" }],
    });
  });

  it("those of accounts that do not exist name nobody", () => {
    const [entry] = countFailure(new Windows(), STAFF, "", "password", 0);
    expect(entry?.event.targets).toEqual([]);
  });
});
