/**
 * What the object that puts entries in order refuses in a clear field, whatever came past the door: card numbers and secrets
 * always, e-mail addresses unless its domain's guard is off. Small and certain by intention: a hit refuses the whole event, so
 * each rule must be one that a person would agree with at once. The other kinds of personal data (telephone numbers, IP
 * addresses, national ids) are looked for at the door alone (`services/intake/guard.ts`).
 *
 * Not checked: names, addresses in free text; digits that are joined to a word (`inv-4111…`, hex, UUIDs, decimal fractions),
 * which are ids and measurements far more often than cards.
 */
import type { JsonValue } from "../strict-json.ts";

export type GuardFinding = "card_number" | "email_address" | "secret";

/** The first thing in a clear string that must not stand there; `null` when nothing was found. O(n). */
export function findInClearText(text: string): GuardFinding | null {
  return isEmailAddressIn(text) ? "email_address" : findCardOrSecret(text);
}

/** What no setting of a domain lets through (S0-29). */
export function findCardOrSecret(given: string): Exclude<GuardFinding, "email_address"> | null {
  const text = asRead(given);
  if (text.length >= SHORTEST_SECRET && SECRET.test(text)) return "secret";
  if (text.length < MIN_CARD_DIGITS || !MANY_DIGITS.test(text)) return null;
  for (const [run] of text.matchAll(DIGIT_RUN)) if (holdsCardNumber(run)) return "card_number";
  return null;
}

/** An address as people write it, in any script, its `@` also as a URL writes it (`%40`). */
export function isEmailAddressIn(given: string): boolean {
  const text = asRead(given);
  return text.length >= SHORTEST_EMAIL && (text.includes("@") || text.includes("%40")) && EMAIL.test(text);
}

/**
 * A text as somebody reads it: digits of any script and width, spaces and dashes of any kind as those of ASCII, and nothing that
 * has no width of its own. A text of ASCII is the same. What is encoded (base64, `%34%31`) stays as it is. O(n).
 */
export function asRead(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text
    .normalize("NFKC")
    .replace(UNSEEN, "")
    .replace(/\p{Pd}/gu, "-")
    .replace(OTHER_DIGIT, digitOf);
}

/** Decimal digits of a script stand together, from zero to nine (Unicode §4.6); of some scripts two rows follow each other. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) as number;
  let zero = code;
  while (DECIMAL.test(String.fromCodePoint(zero - 1))) zero--;
  return String((code - zero) % 10);
}

/** The same over every string (keys too) of a JSON value, with the tokens of the JSON Pointer to the finding. */
export function findInClearValue(
  value: JsonValue,
  tokens: (string | number)[],
): { tokens: (string | number)[]; finding: GuardFinding } | null {
  const hit = search(value);
  return hit && { tokens: [...tokens, ...hit.inside.reverse()], finding: hit.finding };
}

/** `inside`: the tokens below this value, the deepest one first: they are only put together when there is a finding. */
function search(value: JsonValue): { inside: string[]; finding: GuardFinding } | null {
  if (typeof value === "string" || typeof value === "number") {
    const finding = findInClearText(String(value));
    return finding && { inside: [], finding };
  }
  if (value === null || typeof value === "boolean") return null;
  const isArray = Array.isArray(value);
  for (const key of Object.keys(value)) {
    const inKey = isArray ? null : findInClearText(key);
    // The key itself is what must not be repeated, so the pointer stops at its object.
    if (inKey) return { inside: [], finding: inKey };
    const hit = search((value as { [key: string]: JsonValue })[key] as JsonValue);
    if (hit) {
      hit.inside.push(key);
      return hit;
    }
  }
  return null;
}

/**
 * Whether a run of digits is a card number, or holds one beside other numbers (a count before it, a security code after
 * it). Inside a run only groups of three digits and more count, so that a list of small numbers is not a card; hyphens do
 * not separate groups, so that a part of a UUID or of a date is not one either.
 */
function holdsCardNumber(run: string): boolean {
  const groups = run.replaceAll("-", "").split(" ");
  if (isCardNumber(groups.join(""))) return true;
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (let next = first; next < groups.length && digits.length < MAX_CARD_DIGITS; next++) {
      const group = groups[next] as string;
      if (group.length < 3) break;
      digits += group;
      if (isCardNumber(digits)) return true;
    }
  }
  return false;
}

/** Issuer prefix, length and check digit (ISO/IEC 7812-1). */
function isCardNumber(digits: string): boolean {
  return digits.length <= MAX_CARD_DIGITS && CARD_NUMBER.test(digits) && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const NOT_ASCII = /[^\0-\x7f]/;
/** Format characters, joiners and variation selectors. */
const UNSEEN = /[\p{Cf}\u034f\ufe00-\ufe0f]/gu;
const DECIMAL = /^\p{Nd}$/u;
const OTHER_DIGIT = /(?![0-9])\p{Nd}/gu;
const EMAIL =
  /[\p{L}\p{N}._%+-]{1,64}(?:@|%40)[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,62}\.)+(?:\p{L}{2,24}|xn--[A-Za-z0-9-]{1,59})/u;
const SECRET =
  /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?<![A-Za-z0-9])(?:msk_(?:eu|us)_[0-9a-z]{26}_|mso_(?:eu|us)_[0-9A-Za-z]{43}|gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}|xox[abeprs]-[A-Za-z0-9-]{16,})/;
/** Digits with at most one space or hyphen between two; neither end is joined to a word or a fraction. */
const DIGIT_RUN = /(?<![\w.]|\w-)\d(?:[ -]?\d)+(?!\w|[.-]\w)/g;
/** What every card number has; most texts do not, ids in hex among them. */
const MANY_DIGITS = /(?:\d[ -]?){12}\d/;
const MIN_CARD_DIGITS = 13;
const MAX_CARD_DIGITS = 19;
/** `a@b.de`, and `ghp_` with 16 characters: nothing shorter can be one. */
const SHORTEST_EMAIL = 6;
const SHORTEST_SECRET = 20;
/** Visa · Mastercard · American Express · Diners · Discover, UnionPay and JCB · Maestro, each with its lengths. */
const CARD_NUMBER =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}(?:\d\d)?|(?:6011|64[4-9]\d|65\d\d|62\d\d|35(?:2[89]|[3-8]\d))\d{12,15}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15})$/;
