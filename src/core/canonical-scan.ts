/**
 * Says of a text that it is a canonical JSON object (RFC 8785), in one pass and without building it: what a verifier asks of
 * every entry. Decides the ordinary only: strings without escapes, integers of at most 15 digits. Whatever else comes is not
 * decided here: `false` means "look closely", never "refused".
 */

/** Gets each member of the outermost object in order: where its name and its value stand in the text, quotes included. */
export type OnMember = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

/** `maxDepth` counts arrays and objects around a value. */
export function scanCanonicalObject(text: string, maxDepth: number, onMember: OnMember): boolean {
  return text.charCodeAt(0) === OPEN_BRACE && objectEnd(text, 0, maxDepth, onMember) === text.length;
}

/** Each of these gives the index after what begins at `start`, and -1 for what is not decided. */
function valueEnd(text: string, start: number, depthLeft: number): number {
  const c = text.charCodeAt(start);
  if (c === QUOTE) return stringEnd(text, start);
  if (c === OPEN_BRACE) return objectEnd(text, start, depthLeft, null);
  if (c === OPEN_BRACKET) return arrayEnd(text, start, depthLeft);
  if (c === MINUS || (c >= ZERO && c <= NINE)) return integerEnd(text, start);
  for (const word of WORDS) if (text.startsWith(word, start)) return start + word.length;
  return -1;
}

function objectEnd(text: string, start: number, depthLeft: number, onMember: OnMember | null): number {
  if (depthLeft === 0) return -1;
  let at = start + 1;
  if (text.charCodeAt(at) === CLOSE_BRACE) return at + 1;
  let before = -1;
  let beforeEnd = -1;
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) return -1;
    const nameEnd = stringEnd(text, at);
    if (nameEnd < 0 || text.charCodeAt(nameEnd) !== COLON) return -1;
    if (before >= 0 && !isBelow(text, before, beforeEnd, at, nameEnd)) return -1;
    if (nameEnd - at === PROTO.length && text.startsWith(PROTO, at)) return -1;
    const end = valueEnd(text, nameEnd + 1, depthLeft - 1);
    if (end < 0) return -1;
    onMember?.(at, nameEnd, nameEnd + 1, end);
    const c = text.charCodeAt(end);
    if (c === CLOSE_BRACE) return end + 1;
    if (c !== COMMA) return -1;
    before = at;
    beforeEnd = nameEnd;
    at = end + 1;
  }
}

function arrayEnd(text: string, start: number, depthLeft: number): number {
  if (depthLeft === 0) return -1;
  let at = start + 1;
  if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    const end = valueEnd(text, at, depthLeft - 1);
    if (end < 0) return -1;
    const c = text.charCodeAt(end);
    if (c === CLOSE_BRACKET) return end + 1;
    if (c !== COMMA) return -1;
    at = end + 1;
  }
}

/** Without escapes, control characters and surrogates. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return at + 1;
    if (c < SPACE || c === BACKSLASH || (c >= FIRST_SURROGATE && c <= LAST_SURROGATE)) return -1;
  }
  return -1;
}

function integerEnd(text: string, start: number): number {
  const first = text.charCodeAt(start) === MINUS ? start + 1 : start;
  let at = first;
  for (let c = text.charCodeAt(at); c >= ZERO && c <= NINE; c = text.charCodeAt(at)) at++;
  const digits = at - first;
  if (digits === 0 || digits > MAX_DIGITS) return -1;
  if (text.charCodeAt(first) === ZERO && (digits > 1 || first > start)) return -1;
  const c = text.charCodeAt(at);
  return c === POINT || c === LOWER_E || c === UPPER_E ? -1 : at;
}

/** Names in the order of RFC 8785 §3.2.3: by UTF-16 code units. Quotes are compared too, which both have. */
function isBelow(text: string, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = Math.min(aEnd - a, bEnd - b) - 1;
  for (let i = 1; i < length; i++) {
    const left = text.charCodeAt(a + i);
    const right = text.charCodeAt(b + i);
    if (left !== right) return left < right;
  }
  return aEnd - a < bEnd - b;
}

const WORDS = ["true", "false", "null"];
const PROTO = '"__proto__"';
/** Every integer of so many digits is a safe one. */
const MAX_DIGITS = 15;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
