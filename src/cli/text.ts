/** Text for a terminal. What came from outside goes through `safeText` or `safeJson` first, always. */
import { UNSAFE } from "../core/safe-text.ts";
import type { Io, Output } from "./io.ts";

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

export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? noun : plural}`;
}

export function line(out: Output, text = ""): void {
  out.write(`${text}\n`);
}

export type Colour = "red" | "green" | "yellow" | "dim" | "bold";
const SGR: Record<Colour, number> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Colour stands beside words that say the same, only on a terminal, and never with NO_COLOR. */
export function painter(io: Io, out: Output): (colour: Colour, text: string) => string {
  const on = out.isTTY && !io.env.NO_COLOR && io.env.TERM !== "dumb";
  return (colour, text) => (on ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text);
}
