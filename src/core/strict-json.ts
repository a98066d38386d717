/**
 * JSON from outside, read so that nothing is lost in silence. `JSON.parse` keeps the last of two equal keys, rounds
 * numbers and accepts half a surrogate pair; each would let two readers of one text see two different events, so each is
 * refused here with the JSON Pointer (RFC 6901) of the place.
 *
 * Not checked: Unicode normalisation (strings are opaque), sizes of the parts.
 */
import { readPlain } from "./plain-json.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export type JsonFault = "syntax" | "too_deep" | "duplicate_key" | "forbidden_key" | "unsafe_number" | "lone_surrogate";

export type StrictJson =
  | { ok: true; value: JsonValue }
  | { ok: false; fault: JsonFault; pointer: string; detail: string };

/** Parses `text`. O(n); `maxDepth` counts arrays and objects around a value. */
export function parseStrictJson(text: string, maxDepth: number): StrictJson {
  const deep = tooDeep(text, maxDepth);
  if (deep) return refuse("too_deep", "", `nested deeper than ${maxDepth} levels`);
  const plain = readPlain(text, maxDepth);
  if (plain) return { ok: true, value: plain.value };
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse("syntax", "", `not JSON: ${position(error)}`);
  }
  return scan(text) ?? { ok: true, value };
}

/** Joins reference tokens to a JSON Pointer. */
export function jsonPointer(...tokens: (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function refuse(fault: JsonFault, pointer: string, detail: string): StrictJson {
  return { ok: false, fault, pointer, detail };
}

/** V8 quotes the text around the fault, which may be personal data: only the position is kept. */
function position(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  return (
    /position \d+/.exec(message)?.[0] ?? (/end of JSON/.test(message) ? "it ends too early" : "unexpected character")
  );
}

/** Runs before `JSON.parse`, which recurses. Brackets inside strings are skipped. */
function tooDeep(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = stringEnd(text, i);
    else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (++depth > maxDepth) return true;
    } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--;
  }
  return false;
}

interface Frame {
  keys: Set<string> | null;
  token: string | number;
}

/** Walks a text that `JSON.parse` has accepted; `null` when nothing was lost. */
function scan(text: string): StrictJson | null {
  const frames: Frame[] = [];
  let expectKey = false;
  const here = () => jsonPointer(...frames.map((frame) => frame.token));
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const frame = frames.at(-1);
    if (c === QUOTE) {
      const end = stringEnd(text, i);
      const raw = text.slice(i, end + 1);
      const string: string = raw.includes("\\") ? JSON.parse(raw) : raw.slice(1, -1);
      i = end;
      if (expectKey && frame?.keys) {
        expectKey = false;
        frame.token = string;
        if (frame.keys.has(string)) return refuse("duplicate_key", here(), "the key stands twice in one object");
        if (string === "__proto__") return refuse("forbidden_key", here(), "the key __proto__ is not accepted");
        frame.keys.add(string);
      }
      if (!string.isWellFormed()) return refuse("lone_surrogate", here(), "half of a UTF-16 surrogate pair");
    } else if (c === OPEN_BRACE) {
      frames.push({ keys: new Set(), token: "" });
      expectKey = true;
    } else if (c === OPEN_BRACKET) frames.push({ keys: null, token: 0 });
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      frames.pop();
      expectKey = false;
    } else if (c === COMMA && frame) {
      if (frame.keys) expectKey = true;
      else frame.token = (frame.token as number) + 1;
    } else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      const end = numberEnd(text, i);
      const fault = numberFault(text.slice(i, end));
      if (fault) return refuse("unsafe_number", here(), fault);
      i = end - 1;
    }
  }
  return null;
}

/** Why a number's text and the double that JavaScript reads from it are not the same number; `null` when they are. */
function numberFault(literal: string): string | null {
  const value = Number(literal);
  if (!Number.isFinite(value)) return "the number is too large; send it as a string";
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return "integers beyond 2^53-1 lose digits; send it as a string";
  }
  const digits = significantDigits(literal);
  if (value === 0) return digits === "" ? null : "the number is too small; send it as a string";
  // Up to 15 digits always survive a normal double; beyond, rounding it back to as many digits must give the same ones.
  if (digits.length <= 15 && Math.abs(value) >= SMALLEST_NORMAL) return null;
  const roundedTo = (count: number) => significantDigits(value.toPrecision(count));
  // Exactly between two decimals (the second case), `toPrecision` takes the larger one and other writers the smaller one.
  if (digits.length <= 17 && (roundedTo(digits.length) === digits || roundedTo(100) === `${digits}5`)) return null;
  return "a double cannot hold all digits of the number; send it as a string";
}

/** The digits of a number's text without sign, point, exponent, leading and trailing zeros. O(n), which `/0+$/` is not. */
function significantDigits(literal: string): string {
  const digits = (/^-?([0-9.]+)/.exec(literal)?.[1] ?? "").replace(".", "");
  let start = 0;
  let end = digits.length;
  while (digits[start] === "0") start++;
  while (end > start && digits[end - 1] === "0") end--;
  return digits.slice(start, end);
}

/** Index of the closing quote of the string that opens at `start`; the text's length when it never closes. */
function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i;
  }
  return text.length;
}

function numberEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && /[0-9.eE+-]/.test(text[i] as string)) i++;
  return i;
}

const SMALLEST_NORMAL = 2 ** -1022;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
