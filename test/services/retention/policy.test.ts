/** Which policy holds when. */
import { describe, expect, test } from "vitest";
import { formatDuration } from "../../../src/core/retention/duration.ts";
import type { PolicyRow } from "../../../src/services/ports.ts";
import { mayPrune } from "../../../src/services/retention/confirm.ts";
import { effectivePolicy, outlived } from "../../../src/services/retention/policy.ts";
import type { Tiered } from "../../../src/services/tiers.ts";

const NOW = Date.parse("2026-11-21T00:00:00Z");
const day = (days: number) => new Date(NOW + days * 86_400_000).toISOString();
const tenant: Tiered = { tier: "enterprise", settings: {} };
const row = (version: number, duration: string | null, fromDay = 0, domainId: string | null = null): PolicyRow => ({
  ...{ tenantId: "t", version, domainId, resource: "audit_entries", duration },
  effectiveFrom: day(fromDay),
  setAt: day(-1000),
});
const at = (rows: PolicyRow[], days = 0, domainId: string | null = null, of: Tiered = tenant) => {
  const { duration, source } = effectivePolicy(of, rows, domainId, "audit_entries", NOW + days * 86_400_000);
  return `${formatDuration(duration)} ${source}`;
};

describe("S0-18 what holds", () => {
  test("the domain's, else the tenant's, else the settings', else the tier's", () => {
    const rows = [row(1, "P2Y"), row(2, "P3Y", 0, "d")];
    expect(at(rows, 0, "d")).toBe("P3Y domain");
    expect(at(rows, 0, "e")).toBe("P2Y tenant");
    expect(at([], 0, "e", { tier: "enterprise", settings: { retention_days: 30 } })).toBe("P30D settings");
    expect(at(rows, 0, "e", { tier: "enterprise", settings: { retention_days: 30 } })).toBe("P2Y tenant");
    expect(at([], 0, "e")).toBe("P7Y default");
    expect(at([...rows, row(3, null, 0, "d")], 0, "d")).toBe("P2Y tenant");
  });

  test("from its time on and not a moment before; a newer decision takes its place from its own time on", () => {
    const rows = [row(1, "P1Y", -10), row(2, "P2Y", 10), row(3, "P3Y", 20)];
    expect([at(rows, 0), at(rows, 9.999), at(rows, 10), at(rows, 20)]).toEqual([
      "P1Y tenant",
      "P1Y tenant",
      "P2Y tenant",
      "P3Y tenant",
    ]);
    const newer = [...rows, row(4, "P4Y", 15)];
    expect([at(newer, 12), at(newer, 15), at(newer, 25)]).toEqual(["P2Y tenant", "P4Y tenant", "P4Y tenant"]);
  });

  test("says what is decided for later, without what a newer decision has overtaken", () => {
    const rows = [row(1, "P1Y", -10), row(2, "P2Y", 10), row(3, "P3Y", 5)];
    const { scheduled } = effectivePolicy(tenant, rows, null, "audit_entries", NOW);
    expect(scheduled).toEqual([{ duration: { years: 3 }, effectiveFrom: day(5), source: "tenant" }]);
  });

  test("only rows that can never hold again are let go, and the newest stays, so that no version is given twice", () => {
    const rows = [row(1, "P1Y", -20), row(2, "P2Y", -10), row(3, "P3Y", 10), row(4, "P4Y", 5), row(5, null, -5, "d")];
    const gone = outlived(rows, NOW);
    expect(gone).toEqual([1, 3]);
    const kept = rows.filter(({ version }) => !gone.includes(version));
    for (const days of [0, 4, 5, 9, 10, 100]) {
      for (const domainId of [null, "d"]) expect(at(kept, days, domainId)).toBe(at(rows, days, domainId));
    }
    expect(outlived([row(1, "P1Y", -20), row(2, null, -10)], NOW)).toEqual([1]);
  });

  test("a lower tier changes what nobody decided, and nothing that somebody did", () => {
    const free: Tiered = { tier: "free", settings: {} };
    expect([at([], 0, null, free), at([row(1, "P5Y")], 0, null, free)]).toEqual(["P90D default", "P5Y tenant"]);
  });
});

describe("S4-3 nothing is pruned that nobody confirmed", () => {
  const confirmation = { domainId: "d", duration: "P1Y", toSeq: 5, dryRunAtMs: 0, confirmedAtMs: 0 };
  const by = { type: "service", id: "k" } as const;

  test("without a confirmation never; with one only as long as the policy is not shorter", () => {
    expect(mayPrune(null, { days: 1 })).toBe(false);
    expect(mayPrune({ ...confirmation, by }, { years: 1 })).toBe(true);
    expect(mayPrune({ ...confirmation, by }, { years: 7 })).toBe(true);
    expect(mayPrune({ ...confirmation, by }, { days: 364 })).toBe(false);
    expect(mayPrune({ ...confirmation, by, duration: "forever" }, { years: 100 })).toBe(false);
  });
});
