/** The table of tiers, and what a refusal says. The fixture is what a client was promised: change it when the offer changes. */
import { describe, expect, test } from "vitest";
import type { AppError } from "../../src/core/errors.ts";
import { tiersDocument } from "../../src/http/catalogue.ts";
import { TIERS } from "../../src/services/permissions.ts";
import {
  demandFeature,
  demandRoom,
  FEATURE_NAMES,
  hasFeature,
  LIMIT_NAMES,
  LIMIT_ROWS,
  limitsOf,
} from "../../src/services/tiers.ts";
import promised from "../fixtures/tiers.json" with { type: "json" };

const refusalOf = (run: () => void): AppError | null => {
  try {
    run();
    return null;
  } catch (error) {
    return error as AppError;
  }
};

describe("S0-12 the tiers", () => {
  test("are those that were promised", () => {
    expect(tiersDocument()).toEqual(promised);
  });

  test.each(LIMIT_NAMES)("no higher tier has less of %s, and none more than the product", (name) => {
    const included = TIERS.map((tier) => LIMIT_ROWS[name][tier]);
    expect(included).toEqual(included.toSorted((a, b) => a - b));
    expect(included.at(-1)).toBeLessThanOrEqual(LIMIT_ROWS[name].most);
    expect(included[0]).toBeGreaterThan(0);
  });

  test.each(FEATURE_NAMES)("a tier above one with %s has it too", (feature) => {
    const having = TIERS.map((tier) => hasFeature(tier, feature));
    expect(having).toEqual(having.toSorted((a, b) => Number(a) - Number(b)));
    expect(having.at(-1)).toBe(true);
  });

  test.each(["gdpr", "dsar", "retention", "audit_log"] as const)("S0-37 %s is in every tier", (feature) => {
    for (const tier of TIERS) expect(hasFeature(tier, feature)).toBe(true);
  });

  test.each(["residency_lock", "cross_region_prevention"] as const)("S0-38 %s is enterprise's alone", (feature) => {
    expect(TIERS.filter((tier) => hasFeature(tier, feature))).toEqual(["enterprise"]);
  });

  test("S0-38 seven years are enterprise's alone: seven times 365 days and the leap days among them", () => {
    expect(TIERS.filter((tier) => LIMIT_ROWS.retention_days[tier] >= 7 * 365)).toEqual(["enterprise"]);
    const sevenYears = (Date.UTC(2031, 0, 1) - Date.UTC(2024, 0, 1)) / 86_400_000;
    expect(LIMIT_ROWS.retention_days.enterprise).toBe(sevenYears);
  });
});

describe("a refusal", () => {
  test("S0-21 of a feature names it and the least tier that has it, for people and for programs", () => {
    for (const tier of ["free", "pro"] as const) {
      expect(refusalOf(() => demandFeature(tier, "exports"))).toMatchObject({
        code: "tier.required",
        detail: "the feature exports comes with the tier team",
        needs: { tier: "team", feature: "exports" },
      });
    }
    expect(refusalOf(() => demandFeature("team", "exports"))).toBeNull();
  });

  test("of one more names the limit and the least tier that has more of it; the last that fits is let through", () => {
    const free = { tier: "free", settings: {} } as const;
    const { domains } = limitsOf(free);
    expect(refusalOf(() => demandRoom(free, "domains", domains - 1))).toBeNull();
    expect(refusalOf(() => demandRoom(free, "domains", domains))).toMatchObject({
      code: "tier.required",
      detail: `the limit domains is ${domains}; more comes with the tier pro`,
      needs: { tier: "pro", limit: "domains" },
    });
  });

  test("names a tier that really has more: team's retention is pro's, so pro is told of enterprise", () => {
    const pro = { tier: "pro", settings: {} } as const;
    expect(refusalOf(() => demandRoom(pro, "retention_days", 365))).toMatchObject({ needs: { tier: "enterprise" } });
  });

  test("in the highest tier is the product's: limit.reached, and no tier is named", () => {
    const own = { tier: "enterprise", settings: { limits: { domains: 7 } } } as const;
    const refusal = refusalOf(() => demandRoom(own, "domains", 7));
    expect(refusal).toMatchObject({ code: "limit.reached", detail: "the limit domains is 7" });
    expect(refusal?.needs).toBeUndefined();
    expect(refusalOf(() => demandRoom(own, "domains", 6))).toBeNull();
  });
});
