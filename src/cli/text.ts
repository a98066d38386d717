/** Text for a terminal. What came from outside goes through `safeText` or `safeJson` first, always. */
import { count } from "../core/progress-text.ts";
import { safeText, UNSAFE } from "../core/safe-text.ts";
import type { Io, Output } from "./io.ts";

export { count } from "../core/progress-text.ts";
export { safeText } from "../core/safe-text.ts";

/** JSON on one line (or indented) that means the same and holds no unsafe character. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return character;
    return Array.from({ length: character.length }, (_, i) => jsonEscape(character.charCodeAt(i))).join("");
  });
}

const jsonEscape = (unit: number) => `\\u${unit.toString(16).padStart(4, "0")}`;

/** Keeps the ends: `3fa9c1d2…91be`. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const tail = Math.min(4, Math.floor(maxChars / 3));
  return `${text.slice(0, maxChars - tail - 1)}…${text.slice(text.length - tail)}`;
}

/** Enough of a credential to tell two apart, never enough to use: `msk_eu_01jcy3…`. */
export function maskKey(key: string): string {
  return /^ms[ko]_(eu|us)_/.test(key) ? `${key.slice(0, key.startsWith("msk") ? 13 : 7)}…` : "…";
}

export function line(out: Output, text = ""): void {
  out.write(`${text}\n`);
}

/** Names beside what stands for them. */
export const pairs = (out: Output, list: readonly (readonly [string, string | number])[]): void =>
  table(
    out,
    list.map(([name, value]) => [name, String(value)]),
  );

/** Rows with their columns under each other. The cells come from outside. */
export function table(out: Output, rows: readonly (readonly string[])[]): void {
  const cells = rows.map((row) => row.map((cell) => safeText(cell)));
  const width = (column: number) => Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const widths = (cells[0] ?? []).map((_, column) => width(column));
  for (const row of cells)
    line(
      out,
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** `3 minutes ago`, to the largest whole unit; `in 2 hours` for what comes. */
export function relative(atMs: number, nowMs: number): string {
  const ms = Math.abs(nowMs - atMs);
  const [size, unit] = UNITS.find(([unitMs]) => ms >= unitMs) ?? [1000, "second"];
  const span = count(Math.floor(ms / size), unit);
  return atMs <= nowMs ? `${span} ago` : `in ${span}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
];

export type Colour = "red" | "green" | "yellow" | "dim" | "bold";
const SGR: Record<Colour, number> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Colour stands beside words that say the same, only on a terminal, and never with NO_COLOR. */
export function painter(io: Io, out: Output): (colour: Colour, text: string) => string {
  const on = out.isTTY && !io.env.NO_COLOR && io.env.TERM !== "dumb";
  return (colour, text) => (on ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text);
}
