/**
 * Telephone numbers (ITU-T E.164): in international form wherever they stand, in the North American form with its separators,
 * and any run of 7 to 15 digits where the name of the field or the word before says phone. The numbering plans are
 * libphonenumber's; its metadata is 80 kB, so a Worker loads it with the first domain that is guarded.
 *
 * Not found: national forms of other countries without a word that says phone.
 */
import { isSaid, someMatch } from "./context.ts";
import type { PhonePlan } from "./phone-plan.ts";

export const loadPhonePlan = async (): Promise<PhonePlan> => (await import("./phone-plan.ts")).isInPlan;

const INTERNATIONAL = /(?<![\w+.]|\w[/+-])(?:\+|%2B)[1-9](?:[ ()./-]{0,3}\d){6,14}(?![\w+]|[.:-]\w)/g;
const NORTH_AMERICAN = /(?<![\w.+-])(?:\+?1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d-)[2-9]\d\d-\d{4}(?![\w-]|\.\w)/g;
const NAMED = /(?<![\w.-])(?:\+|00|\()?\d(?:[ ()./-]{0,3}\d){6,14}(?![\w-]|[.:]\w)/g;
const SAID =
  / (?:(?:tele)?(?:phone|fon)|tel|mobile|msisdn|fax|whatsapp|sms|handy|gsm|téléphone|teléfono|telefono|telefoon)(?: (?:number|numbers|no|nr|nummer|work|home|mobile|private|e164))* $/;

/** O(n). The caller looks first whether there are digits enough. */
export function isPhoneNumberIn(text: string, called: string, plan: PhonePlan): boolean {
  return (
    someMatch(text, INTERNATIONAL, (spelled) => plan(spelled.replace("%2B", "+"))) ||
    someMatch(text, NORTH_AMERICAN, (spelled) => plan(spelled, "US")) ||
    someMatch(text, NAMED, (_spelled, index) => isSaid(SAID, text, index, called))
  );
}
