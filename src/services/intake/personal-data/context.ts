/**
 * What a text is called, as words: digits alone rarely say what they are, the name beside them does. `homePhone`, `home_phone`
 * and `Phone: ` before the digits all speak of a phone.
 */
import { LIMITS } from "../../../core/limits.ts";

/** Characters before a number that are read for what it is. */
const BEFORE_CHARS = 32;

/** Whether the name that a text stands under, or what stands right before `index` in it, ends in what `said` looks for. */
export function isSaid(said: RegExp, text: string, index: number, called: string): boolean {
  if (called !== "" && said.test(asWords(called))) return true;
  return index > 0 && said.test(asWords(text.slice(Math.max(0, index - BEFORE_CHARS), index)));
}

/** Lower-case words, with a space around each. */
function asWords(name: string): string {
  const words = name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  return ` ${words} `;
}

/**
 * Whether some match of a form (a global regular expression) in a text is judged to be one. At most `LIMITS.guardCandidates`
 * are judged: a text of ten thousand numbers that look like one and are none costs no more than a hundred.
 */
export function someMatch(text: string, form: RegExp, judge: (spelled: string, index: number) => boolean): boolean {
  form.lastIndex = 0;
  for (let left = LIMITS.guardCandidates; left > 0; left--) {
    const match = form.exec(text);
    if (match === null) return false;
    // The judge may use the same form: where this goes on is kept here.
    const next = form.lastIndex;
    if (judge(match[0], match.index)) return true;
    form.lastIndex = next;
  }
  return false;
}
