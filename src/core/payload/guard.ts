/**
 * What may never stand in a clear field: card numbers, e-mail addresses, secrets. Small and certain by intention: a hit
 * refuses the whole event, so each rule must be one that a person would agree with at once.
 *
 * Not checked: names, telephone numbers, addresses in free text.
 */
import type { JsonValue } from "../strict-json.ts";

export type GuardFinding = "card_number" | "email_address" | "secret";

/** The first thing in a clear string that must not stand there; `null` when nothing was found. O(n). */
export function findInClearText(text: string): GuardFinding | null {
  if (text.includes("@") && EMAIL.test(text)) return "email_address";
  if (SECRET.test(text)) return "secret";
  for (const match of text.matchAll(CARD_CANDIDATE)) {
    if (isCardNumber(match[0].replace(/[ -]/g, ""))) return "card_number";
  }
  return null;
}

/** The same over every string (keys too) of a JSON value, with the tokens of the JSON Pointer to the finding. */
export function findInClearValue(
  value: JsonValue,
  tokens: (string | number)[],
): { tokens: (string | number)[]; finding: GuardFinding } | null {
  if (typeof value === "string" || typeof value === "number") {
    const finding = findInClearText(String(value));
    return finding && { tokens, finding };
  }
  if (value === null || typeof value === "boolean") return null;
  for (const [key, child] of Object.entries(value)) {
    const inKey = Array.isArray(value) ? null : findInClearText(key);
    // The key itself is what must not be repeated, so the pointer stops at its object.
    if (inKey) return { tokens, finding: inKey };
    const inChild = findInClearValue(child, [...tokens, key]);
    if (inChild) return inChild;
  }
  return null;
}

/** Issuer prefix, length and check digit (ISO/IEC 7812-1). */
function isCardNumber(digits: string): boolean {
  return digits.length >= 13 && digits.length <= 19 && CARD_PREFIX.test(digits) && luhn(digits);
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

const EMAIL = /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)+[A-Za-z]{2,24}/;
const SECRET =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bms[ko]_(?:eu|us)_[0-9a-z]{26}_|\b(?:ghp|gho|xoxb|sk_live)_[A-Za-z0-9]{16,}/;
const CARD_CANDIDATE = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])/g;
/** Visa, Mastercard, American Express, Diners, Discover, JCB, Maestro, UnionPay. */
const CARD_PREFIX = /^(?:4|5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|5|4[4-9]|2)|35)/;
