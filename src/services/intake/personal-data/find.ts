/** What a clear text holds about a person, of the kinds that have a form of their own. */
import { asRead, findCardOrSecret, type GuardFinding, isEmailAddressIn } from "../../../core/payload/guard.ts";
import { isIbanIn } from "./iban.ts";
import { isIpAddressIn } from "./ip-address.ts";
import { isNationalIdIn } from "./national-ids.ts";
import { isPhoneNumberIn, loadPhonePlan } from "./phone-number.ts";
import type { PhonePlan } from "./phone-plan.ts";

/** How a finding is called in a refusal, and in `[redacted:…]`. */
export const FINDINGS = {
  card_number: { says: "a card number", redacted: "card" },
  secret: { says: "a secret", redacted: "secret" },
  email_address: { says: "an e-mail address", redacted: "email" },
  ip_address: { says: "an IP address", redacted: "ip" },
  iban: { says: "an IBAN", redacted: "iban" },
  national_id: { says: "a national identification number", redacted: "national_id" },
  phone_number: { says: "a telephone number", redacted: "phone" },
} as const satisfies Record<GuardFinding | string, { says: string; redacted: string }>;

export type Finding = keyof typeof FINDINGS;

/** `called`: the name that the text stands under, as context. `null`: nothing was found. O(n). */
export type FindPersonalData = (text: string, called: string) => Finding | null;

/** Kept when it is there: a promise that one request of a Worker made is not for another to wait for. */
let loaded: FindPersonalData | null = null;

/** Loads what the detectors need, once per isolate. */
export async function loadDetectors(): Promise<FindPersonalData> {
  loaded ??= detectors(await loadPhonePlan());
  return loaded;
}

function detectors(plan: PhonePlan): FindPersonalData {
  return (given, called) => {
    const text = asRead(given);
    const always = findCardOrSecret(text);
    if (always) return always;
    if (isEmailAddressIn(text)) return "email_address";
    if (text.length === UUID_CHARS && UUID.test(text)) return null;
    const { digits, inRun, dots, colons } = countsOf(text);
    const mayBeAddress = (dots >= 3 && digits >= 4) || colons >= 2;
    if (mayBeAddress && isIpAddressIn(text, called)) return "ip_address";
    if (digits < FEWEST_DIGITS) return null;
    if (text.length >= SHORTEST_IBAN && isIbanIn(text)) return "iban";
    if (inRun < FEWEST_DIGITS) return ITALIAN.test(text) && isNationalIdIn(text, called) ? "national_id" : null;
    if (isNationalIdIn(text, called)) return "national_id";
    return isPhoneNumberIn(text, called, plan) ? "phone_number" : null;
  };
}

const UUID_CHARS = 36;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Of the national id with the fewest, the British one, in one run of digits and what separates them. */
const FEWEST_DIGITS = 6;
/** The one national id that letters cut into short runs. */
const ITALIAN = /[A-Za-z]{6}\d\d[A-Za-z]/;
/** The Norwegian one. */
const SHORTEST_IBAN = 15;

/** Most texts are told from their counts alone to hold none. `inRun`: the most digits with nothing but ` ()./-+` between them. */
function countsOf(text: string): { digits: number; inRun: number; dots: number; colons: number } {
  let [digits, run, inRun, dots, colons] = [0, 0, 0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      digits++;
      run++;
      if (run > inRun) inRun = run;
    } else if (code === 46) dots++;
    else if (code === 58) colons++;
    if ((code > 57 || code < 40 || code === 44 || code === 42) && code !== 32) run = 0;
  }
  return { digits, inRun, dots, colons };
}
