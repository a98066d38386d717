/** Rows for statements of D1 that take them as JSON: one bound string has a bound. */
import { Buffer } from "node:buffer";

/** The rows as JSON arrays, in order, each of at most `maxBytes` of UTF-8 (one row alone is never cut). */
export function jsonArrays(rows: readonly unknown[], maxBytes: number): string[] {
  if (rows.length === 0) return [];
  // Nearly always all of them fit, and one text is cheaper than one a row.
  const whole = JSON.stringify(rows);
  if (Buffer.byteLength(whole) <= maxBytes) return [whole];
  const arrays: string[][] = [];
  let byteLength = maxBytes;
  for (const row of rows) {
    const json = JSON.stringify(row);
    const added = Buffer.byteLength(json) + 1;
    if (byteLength + added > maxBytes) {
      arrays.push([]);
      byteLength = 1;
    }
    arrays.at(-1)?.push(json);
    byteLength += added;
  }
  return arrays.map((array) => `[${array.join(",")}]`);
}
