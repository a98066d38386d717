/**
 * Numbers that a state gives to one person, for the countries in `NATIONAL_IDS`. Each is found in the spelling that only it
 * has wherever it stands; one that is nothing but digits (or whose spelling dates and tickets share) only where the name of the
 * field or the words before it say what it is: one in eleven numbers of nine digits is a valid BSN. Structure, date and check
 * digits are judged by `stdnum`.
 */
import { validate as belgium } from "stdnum/lib/cjs/be/nn.js";
import { validate as brazil } from "stdnum/lib/cjs/br/cpf.js";
import { validate as switzerland } from "stdnum/lib/cjs/ch/ssn.js";
import { validate as germany } from "stdnum/lib/cjs/de/idnr.js";
import { validate as denmark } from "stdnum/lib/cjs/dk/cpr.js";
import { validate as spain } from "stdnum/lib/cjs/es/dni.js";
import { validate as spainForeign } from "stdnum/lib/cjs/es/nie.js";
import { validate as finland } from "stdnum/lib/cjs/fi/hetu.js";
import { validate as france } from "stdnum/lib/cjs/fr/nir.js";
import { validate as britain } from "stdnum/lib/cjs/gb/nino.js";
import { validate as italy } from "stdnum/lib/cjs/it/codicefiscale.js";
import { validate as netherlands } from "stdnum/lib/cjs/nl/bsn.js";
import { validate as norway } from "stdnum/lib/cjs/no/fodselsnummer.js";
import { validate as poland } from "stdnum/lib/cjs/pl/pesel.js";
import { validate as sweden } from "stdnum/lib/cjs/se/personnummer.js";
import { isSaid, someMatch } from "./context.ts";

interface NationalId {
  name: string;
  valid: (spelled: string) => { isValid: boolean };
  /** Regular expression of the spelling that is enough by itself. */
  plain?: string;
  /** Of spellings that count only where the words say so. */
  named?: string;
  /** Where any such words are not enough, because nothing of the number can be checked. */
  under?: RegExp;
}

/** It has no check digits. `stdnum` calls the ones that are known from advertisements invalid; in a log they are no less a finding. */
const unitedStates: NationalId["valid"] = (spelled) => ({
  isValid: /^(?!000|666)\d{3}(?!00)\d\d(?!0000)\d{4}$/.test(spelled.replaceAll(/\D/g, "")),
});

const SSN = / (?:ssn|itin|social security|tax (?:id|number|payer)|taxpayer|tin)(?: [^ ]+){0,3} $/;

export const NATIONAL_IDS: readonly NationalId[] = [
  {
    name: "US SSN",
    valid: unitedStates,
    plain: "\\d{3}-\\d\\d-\\d{4}",
    named: "\\d{9}|\\d{3} \\d\\d \\d{4}",
    under: SSN,
  },
  { name: "DE Steuer-ID", valid: germany, named: "\\d\\d ?\\d{3} ?\\d{3} ?\\d{3}" },
  { name: "NL BSN", valid: netherlands, named: "\\d{9}|\\d{4}\\.\\d\\d\\.\\d{3}" },
  { name: "ES DNI", valid: spain, plain: "\\d{8}-?[A-HJ-NP-TV-Z]", named: "\\d{8}-?[a-hj-np-tv-z]" },
  {
    name: "ES NIE",
    valid: spainForeign,
    plain: "[XYZ]-?\\d{7}-?[A-HJ-NP-TV-Z]",
    named: "[xyz]-?\\d{7}-?[a-hj-np-tv-z]",
  },
  { name: "FR NIR", valid: france, plain: "[12] ?\\d\\d ?\\d\\d ?\\d[\\dAB] ?\\d{3} ?\\d{3} ?\\d\\d" },
  {
    name: "IT codice fiscale",
    valid: italy,
    plain: "[A-Z]{6}\\d\\d[A-EHLMPRST]\\d\\d[A-Z]\\d{3}[A-Z]",
    named: "[A-Za-z]{6}[\\dA-Za-z]{2}[A-Za-z][\\dA-Za-z]{2}[A-Za-z][\\dA-Za-z]{3}[A-Za-z]",
  },
  { name: "PL PESEL", valid: poland, named: "\\d{11}" },
  { name: "BE national number", valid: belgium, plain: "\\d\\d\\.\\d\\d\\.\\d\\d-\\d{3}\\.\\d\\d", named: "\\d{11}" },
  {
    name: "SE personnummer",
    valid: (spelled) => sweden(spelled.replace(/(?<=^\d+)(?=\d{4}$)/, "-")),
    named: "(?:\\d\\d)?\\d{6}[-+]?\\d{4}",
  },
  {
    name: "FI henkilötunnus",
    valid: finland,
    plain: "[0-3]\\d[01]\\d\\d\\d[-+A-FU-Y]\\d{3}[A-FHJ-NPR-Y]",
    named: "\\d{6}[-+A-FU-Y]\\d{3}\\w",
  },
  { name: "DK CPR", valid: denmark, named: "\\d{6}[- ]?\\d{4}" },
  { name: "NO fødselsnummer", valid: norway, named: "\\d{6} ?\\d{5}" },
  { name: "CH AHV", valid: switzerland, plain: "756\\.\\d{4}\\.\\d{4}\\.\\d\\d", named: "756\\d{10}" },
  { name: "BR CPF", valid: brazil, plain: "\\d{3}\\.\\d{3}\\.\\d{3}-\\d\\d", named: "\\d{11}" },
  { name: "GB NINO", valid: britain, plain: "[A-Z]{2} \\d\\d \\d\\d \\d\\d [A-D]", named: "[A-Za-z]{2}\\d{6}[A-Da-d]" },
];

/** The name of a field, or the words before a number, that say whose it is. As `isSaid` reads them. */
const SAYS = [
  "ssn|social security|social insurance|national (?:id|identity|identification|insurance|number)|personal (?:id|identity|number)",
  "identity (?:number|no|card)|tax (?:id|number|payer)|taxpayer|tin|nino|ni number",
  "steuer id|steuer identifikationsnummer|steueridentifikationsnummer|idnr|steuerid|bsn|burgerservicenummer|sofi",
  "dni|nie|nif|nir|insee|securite sociale|sécurité sociale|codice fiscale|codicefiscale|pesel",
  "rijksregisternummer|rijksregister|niss|insz|registre national|personnummer|personnr|hetu|henkilotunnus|henkilötunnus",
  "cpr|fodselsnummer|fødselsnummer|fnr|ahv|avs|ahvn13|cpf",
].join("|");
const SAID = new RegExp(` (?:${SAYS})(?: [^ ]+){0,3} $`, "u");

/** Neither end is joined to a word, a further group or a fraction. */
const alone = (forms: readonly string[]) => new RegExp(`(?<![\\w.]|\\w-)(?:${forms.join("|")})(?!\\w|[.-]\\w)`, "g");
const whole = (form: string | undefined) => (form === undefined ? null : new RegExp(`^(?:${form})$`));
const formsOf = (which: "plain" | "named") => alone(NATIONAL_IDS.flatMap((id) => id[which] ?? []));
const [PLAIN, NAMED] = [formsOf("plain"), formsOf("named")];
const JUDGES = NATIONAL_IDS.map(({ valid, plain, named, under }) => ({
  valid,
  under,
  plain: whole(plain),
  named: whole(named),
}));

/** O(n). The caller looks first whether there are digits enough. */
export function isNationalIdIn(text: string, called: string): boolean {
  const isPlain = (spelled: string) =>
    JUDGES.some(({ plain, valid }) => plain?.test(spelled) && valid(spelled).isValid);
  if (someMatch(text, PLAIN, isPlain)) return true;
  return someMatch(text, NAMED, (spelled, index) => {
    const says = (words: RegExp) => isSaid(words, text, index, called);
    return (
      says(SAID) &&
      JUDGES.some(
        ({ named, under, valid }) => named?.test(spelled) && (!under || says(under)) && valid(spelled).isValid,
      )
    );
  });
}
