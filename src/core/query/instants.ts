/** Times in queries: UTC unless they say otherwise. */

export const DAY_MS = 24 * 60 * 60 * 1000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?$/;
const AGO = /^-(\d{1,5})([mhdw])$/;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** `2026-11-01` (its first moment), `2026-11-01T09:30`, with seconds and an offset too, or `-7d` before `nowMs`. Null: none of these. */
export function readInstant(text: string, nowMs: number): number | null {
  const ago = AGO.exec(text);
  if (ago) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] as string] as number);
  if (DATE.test(text)) return readDay(text);
  if (!INSTANT.test(text) || readDay(text.slice(0, 10)) === null) return null;
  const zoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(text.slice(16)) ? text : `${text}Z`;
  const ms = Date.parse(zoned);
  return Number.isNaN(ms) ? null : ms;
}

/** The first moment of a day; null for a day that no calendar has. */
export function readDay(text: string): number | null {
  if (!DATE.test(text)) return null;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? ms : null;
}

export const nextDay = (dayMs: number): number => dayMs + DAY_MS;
