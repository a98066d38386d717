/** What signs in, in words for its owner; and the codes of devices (RFC 8628). */
import type { RandomBytes } from "../../ports.ts";

const BROWSERS: [RegExp, string][] = [
  [/^moonseal\//, "Moonseal command line"],
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/^curl\//, "curl"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh|darwin/, "macOS"],
  [/Linux|linux/, "Linux"],
];

/** Of an untrusted User-Agent: only words of these lists, so that nothing of the sender's own is kept or shown. */
export function deviceLabel(userAgent: string | undefined): string {
  const of = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1];
  const [program, system] = [of(BROWSERS) ?? "an unknown program", of(SYSTEMS)];
  return system === undefined ? program : `${program} on ${system}`;
}

/** RFC 8628 §6.1: consonants only, so that no words come up; 20^8 codes. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
export const USER_CODE_CHARS = 8;

/** Eight letters, evenly chosen. */
export function newUserCode(random: RandomBytes): string {
  let code = "";
  while (code.length < USER_CODE_CHARS) {
    for (const byte of random(USER_CODE_CHARS)) {
      // 240 is the last multiple of 20 in a byte: the rest would make some letters likelier.
      if (byte < 240 && code.length < USER_CODE_CHARS) code += LETTERS[byte % LETTERS.length];
    }
  }
  return code;
}

/** As a person types it, with or without the dash, in any case; null for what is no code. */
export function parseUserCode(typed: string): string | null {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, "");
  return code.length === USER_CODE_CHARS && [...code].every((letter) => LETTERS.includes(letter)) ? code : null;
}

export const shownUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;
