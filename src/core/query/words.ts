/** Text as it is searched: in words. Entries and queries are cut by this one function, so that they meet. */
import { LIMITS } from "../limits.ts";

const UUID = "(?<![\\p{L}\\p{M}\\p{N}])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\\p{L}\\p{M}\\p{N}])";
/** A UUID; else letters and digits of any script, and the marks that belong to them, of which a longer run is cut into pieces of 64. */
const WORD = new RegExp(`${UUID}|[\\p{L}\\p{M}\\p{N}]{1,64}`, "gu");
/** They stand in nearly every entry, and are looked for by nobody. */
const TOO_SHORT = /^(?:.|\p{N}\p{N})$/u;

/**
 * The words of a text, each once, in the order of the text: NFKC, lower case, letters and digits; a UUID is one word, a single
 * letter and a number below 100 are none. At most `atMost`, out of the first `LIMITS.wordsChars` characters. A word's own words are that word.
 */
export function wordsOf(text: string, atMost: number = LIMITS.entryWords): string[] {
  const words = new Set<string>();
  for (const [word] of plain(text.slice(0, LIMITS.wordsChars)).matchAll(WORD)) {
    if (words.size >= atMost) break;
    if (!TOO_SHORT.test(word)) words.add(word);
  }
  return [...words];
}

/** Lower case can take a text out of NFKC, and NFKC out of lower case: until neither changes it. Three rounds always do. */
function plain(text: string): string {
  let now = text;
  for (let round = 0; round < 3; round++) {
    const next = now.normalize("NFKC").toLowerCase();
    if (next === now) break;
    now = next;
  }
  return now;
}
