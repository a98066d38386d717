/**
 * How long something is kept, by the calendar in UTC. A time in years or months ends with the last hour of the day that has the
 * number of the day it began on; where the last month has no such day, with the last hour of that month (Regulation (EEC,
 * Euratom) No 1182/71 Art. 3(2)(c)). So nothing goes before its time, and what is older never goes after what is younger.
 */

/** At least one of them is above 0. Whole numbers. */
export interface CalendarTime {
  years?: number;
  months?: number;
  days?: number;
}

export type Duration = CalendarTime | "forever";

const DAY_MS = 24 * 60 * 60 * 1000;
/** 400 Gregorian years have 146,097 days. */
const DAYS_A_MONTH = 146_097 / 4800;
/** Of each number. Years beyond it leave the calendar of JavaScript's dates (ECMA-262 §21.4.1.1). */
const MOST = 99_999;

const SPELLING = /^P(?:([1-9]\d{0,4})Y)?(?:([1-9]\d{0,4})M)?(?:([1-9]\d{0,4})D)?$/;

/**
 * `forever`, or ISO 8601-1 §5.5.2 with years, months and days: `P7Y`, `P1Y6M`, `P90D`. Null for every other spelling: weeks,
 * hours, zeros, fractions, signs, and nothing at all. Untrusted input.
 */
export function parseDuration(text: string): Duration | null {
  if (text === "forever") return "forever";
  const [, years, months, days] = SPELLING.exec(text) ?? [];
  if (years === undefined && months === undefined && days === undefined) return null;
  return {
    ...(years === undefined ? {} : { years: Number(years) }),
    ...(months === undefined ? {} : { months: Number(months) }),
    ...(days === undefined ? {} : { days: Number(days) }),
  };
}

/** The one spelling of it: `parseDuration` gives it back. */
export function formatDuration(duration: Duration): string {
  if (duration === "forever") return duration;
  const { years = 0, months = 0, days = 0 } = duration;
  return `P${years ? `${years}Y` : ""}${months ? `${months}M` : ""}${days ? `${days}D` : ""}`;
}

/** From parts of the product's own tables. Throws when it is none. */
export function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  if (duration === null) throw new Error(`${text} is no duration`);
  return duration;
}

/**
 * When what began at `startMs` has been kept long enough; null: never. Unix milliseconds in and out. Months first, then days.
 * Never falls when `startMs` rises. Instants are not leap-second aware, as Unix time is not.
 */
export function endOf(startMs: number, duration: Duration): number | null {
  if (duration === "forever") return null;
  const { years = 0, months = 0, days = 0 } = duration;
  return addMonths(startMs, years * 12 + months) + days * DAY_MS;
}

function addMonths(startMs: number, months: number): number {
  if (months === 0) return startMs;
  const start = new Date(startMs);
  const day = start.getUTCDate();
  const first = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + months, 1);
  const next = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + months + 1, 1);
  const timeOfDayMs = startMs - Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), day);
  return first + (day - 1) * DAY_MS >= next ? next : first + (day - 1) * DAY_MS + timeOfDayMs;
}

/**
 * The first instant that has not been kept long enough at `nowMs`: whatever began before it may go, nothing else. Null: nothing
 * may. Unix milliseconds. About 50 steps of arithmetic.
 */
export function expiredBefore(nowMs: number, duration: Duration): number | null {
  if (duration === "forever") return null;
  const { years = 0, months = 0, days = 0 } = duration;
  const ended = (startMs: number) => (endOf(startMs, duration) as number) <= nowMs;
  // Ended for certain, and not ended for certain: no month has more than 31 days, and a duration is never empty.
  let before = nowMs - ((years * 12 + months) * 31 + days + 2) * DAY_MS;
  let after = nowMs + 1;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (ended(middle)) before = middle;
    else after = middle;
  }
  return after;
}

/** Whole days of an average calendar, to compare durations: 365 a year, 2,556 in seven; infinite for `forever`. */
export function nominalDays(duration: Duration): number {
  if (duration === "forever") return Number.POSITIVE_INFINITY;
  const { years = 0, months = 0, days = 0 } = duration;
  return Math.floor((years * 12 + months) * DAYS_A_MONTH) + days;
}

/** Whether it fits the calendar: no end of it lies outside of what a date can say. */
export function isPossible(duration: Duration, mostDays: number): boolean {
  if (duration === "forever") return true;
  const { years = 0, months = 0, days = 0 } = duration;
  return years <= MOST && months <= MOST && days <= MOST && nominalDays(duration) <= mostDays;
}
