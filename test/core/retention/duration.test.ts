import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CalendarTime,
  endOf,
  expiredBefore,
  formatDuration,
  isPossible,
  nominalDays,
  parseDuration,
} from "../../../src/core/retention/duration.ts";
import { RESOURCE_NAMES, RESOURCES } from "../../../src/core/retention/resources.ts";

const at = (iso: string) => Date.parse(iso);
const end = (iso: string, text: string) => {
  const ended = endOf(at(iso), parseDuration(text) ?? "forever");
  return ended === null ? null : new Date(ended).toISOString();
};

const part = fc.integer({ min: 1, max: 120 });
const calendarTimes = fc
  .record({ years: part, months: part, days: part }, { requiredKeys: [] })
  .filter((time): time is CalendarTime => Object.keys(time).length > 0);
/** 1970 to 2200, so that 2100, which is no leap year, is among them. */
const instants = fc.integer({ min: 0, max: at("2200-01-01T00:00:00Z") });

describe("the spelling", () => {
  test.each(["P7Y", "P90D", "P1Y6M", "P1Y6M3D", "P18M", "forever"])("%s is one and comes back as it was", (text) => {
    const duration = parseDuration(text);
    expect(duration).not.toBeNull();
    expect(duration && formatDuration(duration)).toBe(text);
  });

  test.each([
    "",
    "P",
    "7Y",
    "P0D",
    "P07D",
    "P1W",
    "P1DT1H",
    "PT1M",
    "P1.5Y",
    "-P1D",
    "p1d",
    "P1D ",
    "P1D1Y",
    "Forever",
    "P100000D",
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

describe("the calendar", () => {
  test.each([
    ["2020-02-29T12:00:00Z", "P1Y", "2021-03-01T00:00:00.000Z"],
    ["2020-02-29T12:00:00Z", "P4Y", "2024-02-29T12:00:00.000Z"],
    ["2096-02-29T12:00:00Z", "P4Y", "2100-03-01T00:00:00.000Z"],
    ["2019-02-28T23:59:59.999Z", "P1Y", "2020-02-28T23:59:59.999Z"],
    ["2026-01-31T10:00:00Z", "P1M", "2026-03-01T00:00:00.000Z"],
    ["2026-01-28T23:00:00Z", "P1M", "2026-02-28T23:00:00.000Z"],
    ["2026-12-31T10:00:00Z", "P2M", "2027-03-01T00:00:00.000Z"],
    ["2026-11-21T10:00:00Z", "P7Y", "2033-11-21T10:00:00.000Z"],
    ["2024-02-28T10:00:00Z", "P2D", "2024-03-01T10:00:00.000Z"],
    ["2026-11-21T10:00:00Z", "P90D", "2027-02-19T10:00:00.000Z"],
    ["2026-11-21T10:00:00Z", "forever", null],
  ])("what began at %s and is kept for %s ends at %s", (start, text, expected) => {
    expect(end(start, text)).toBe(expected);
  });

  test("S1-5 seven years hold one or two leap days", () => {
    const days = (iso: string) => ((endOf(at(iso), { years: 7 }) ?? 0) - at(iso)) / 86_400_000;
    expect([days("2025-01-01T00:00:00Z"), days("2022-03-01T00:00:00Z"), days("2097-03-01T00:00:00Z")]).toEqual([
      2556, 2557, 2556,
    ]);
    expect(nominalDays({ years: 7 })).toBe(2556);
  });

  test("what is older never ends after what is younger, and nothing before its days are over", () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 40 * 86_400_000 }), calendarTimes, (startMs, laterMs, time) => {
        const first = endOf(startMs, time) as number;
        const shortest = ((time.years ?? 0) * 365 + (time.months ?? 0) * 28 + (time.days ?? 0)) * 86_400_000;
        return first <= (endOf(startMs + laterMs, time) as number) && first - startMs >= shortest;
      }),
    );
  });

  test("the bound parts what may go from what may not, to the millisecond", () => {
    fc.assert(
      fc.property(instants, calendarTimes, (nowMs, time) => {
        const bound = expiredBefore(nowMs, time) as number;
        return (endOf(bound - 1, time) as number) <= nowMs && (endOf(bound, time) as number) > nowMs;
      }),
    );
    expect(expiredBefore(0, "forever")).toBeNull();
  });

  test("durations compare by the days of an average calendar", () => {
    const days = ["P1Y", "P12M", "P366D", "P3M", "P90D", "P10Y"].map((text) => nominalDays(parseDuration(text) ?? {}));
    expect(days).toEqual([365, 365, 366, 91, 90, 3652]);
    expect(nominalDays("forever")).toBe(Number.POSITIVE_INFINITY);
    expect([isPossible({ years: 100 }, 36_525), isPossible({ years: 101 }, 36_525)]).toEqual([true, false]);
  });
});

describe("the table of resources", () => {
  test("S0-18, S1-5 entries: 90 days in the free tier, one year in pro and team, seven in enterprise", () => {
    expect(RESOURCES.audit_entries.defaults).toEqual({ free: "P90D", pro: "P1Y", team: "P1Y", enterprise: "P7Y" });
  });

  test("S3-42 raw answers of connected systems: 90 days, and no policy makes it longer", () => {
    expect(RESOURCES.connector_cache).toMatchObject({ most: "P90D", defaults: { free: "P90D", enterprise: "P90D" } });
  });

  test.each(RESOURCE_NAMES)("the defaults of %s are durations within its own bounds", (name) => {
    const { defaults, least, most } = RESOURCES[name];
    for (const text of Object.values(defaults)) {
      const duration = parseDuration(text);
      expect(duration).not.toBeNull();
      if (duration === null) continue;
      expect(nominalDays(duration)).toBeGreaterThanOrEqual(nominalDays(parseDuration(least ?? "P1D") ?? {}));
      expect(nominalDays(duration)).toBeLessThanOrEqual(nominalDays(parseDuration(most ?? "forever") ?? {}));
    }
  });
});
