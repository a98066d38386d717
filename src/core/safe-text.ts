/**
 * Untrusted text, made fit to be shown: nothing in it can move a cursor, colour, hide or reorder what stands around it. Such
 * characters stand as `\u{1b}`.
 */

/** Controls (C0, DEL, C1), line separators, and what reorders or hides text: bidirectional marks, zero width, tags. */
export const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const LONE_SURROGATE = /\p{Cs}/gu;

/** One line of at most `maxChars` characters. */
export function safeText(untrusted: unknown, maxChars = 2000): string {
  const text = typeof untrusted === "string" ? untrusted : String(untrusted);
  const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  return cut.replace(UNSAFE, escapeCodePoint).replace(LONE_SURROGATE, escapeCodePoint);
}

const escapeCodePoint = (character: string) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
