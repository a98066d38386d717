/** International bank account numbers (ISO 13616): the country's length and structure, and the check digits. */
import { countrySpecs, isValidIBAN } from "ibantools";
import { someMatch } from "./context.ts";

const START = /(?<![A-Za-z0-9])[A-Z]{2}\d\d(?= ?[A-Z0-9]{4})/gi;
const LONGEST_SPELLED = 42;

/** Compact or in groups with spaces, alone or in a sentence. O(n). */
export function isIbanIn(text: string): boolean {
  return someMatch(text, START, (start, index) => {
    const chars = countrySpecs[start.slice(0, 2).toUpperCase() as keyof typeof countrySpecs]?.chars;
    const candidate = chars ? take(text.slice(index, index + LONGEST_SPELLED + 1), chars) : null;
    return candidate !== null && isValidIBAN(candidate);
  });
}

/** The first `count` letters and digits, with at most one space between two; null when a letter or digit follows at once. */
function take(text: string, count: number): string | null {
  let taken = "";
  let at = 0;
  for (; at < text.length && taken.length < count; at++) {
    const character = text[at] as string;
    if (/[A-Za-z0-9]/.test(character)) taken += character;
    else if (character !== " " || text[at - 1] === " ") return null;
  }
  if (taken.length < count || /[\w-]/.test(text[at] ?? "")) return null;
  return taken.toUpperCase();
}
