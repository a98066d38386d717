/** The numbering plans, in a module of their own: loaded when they are needed, and without what of the library nobody calls. */
import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/** Whether a spelling is a number of the numbering plan of its country, or of the one given. */
export type PhonePlan = (spelled: string, country?: "US") => boolean;

export const isInPlan: PhonePlan = (spelled, country) =>
  parsePhoneNumberFromString(spelled, country)?.isValid() ?? false;
