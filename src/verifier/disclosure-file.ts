/** The report about a disclosure in the shape of all reports. It needs no key: commitments bind whoever made them. */
import { checkDisclosure, parseDisclosure } from "./disclosure.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport } from "./report.ts";

/** Faults and values that a report names one by one. */
const MOST_NAMED = 20;

/** Untrusted text in, report out; never throws. */
export function verifyDisclosureFile(text: string, { sha256 }: Platform): VerifierReport {
  const kind = "disclosure";
  const file = parseDisclosure(text);
  if (!file) return reportOfOneStep(kind, "disclosure", "refuted", "this is not a disclosure of version 1");
  const { domain, entries, verdict, matching, withheld } = checkDisclosure(file, sha256);
  const list = new StepList();
  list.check("format", null, "the file is a disclosure of version 1");
  const faults = entries.flatMap(({ seq, fault }) => (fault ? [`entry ${seq}: ${fault.replaceAll("_", " ")}`] : []));
  if (entries.length === 0) list.skip("entries", "the file holds no entry");
  else list.check("entries", named(faults), "each entry is the one that its hash commits to, in its place");
  const wrong = entries.flatMap(({ seq, values }) =>
    values
      .filter(({ result }) => result !== "matches")
      .map(({ pointer, result }) => `entry ${seq} ${pointer}: ${result.replaceAll("_", " ")}`),
  );
  if (matching === 0 && wrong.length === 0) list.skip("values", `no value is disclosed; ${withheld} withheld`);
  else
    list.check(
      "values",
      named(wrong),
      `${matching} disclosed values are what the entries committed to; ${withheld} withheld`,
    );
  return {
    kind,
    subject: `disclosure of ${entries.length} entries of ${domain}`,
    verdict: verdict === "nothing" ? "could_not_check" : verdict,
    steps: list.steps,
    notChecked: [
      "whether these entries stand in the log: compare their hashes with evidence, a receipt or a verified log",
      "who a pseudonym is",
      "values that the file leaves out",
    ],
    advice: verdict === "nothing" ? ["ask for a disclosure with values in it"] : [],
    heads: [],
  };
}

function named(faults: string[]): string | null {
  if (faults.length === 0) return null;
  const more = faults.length > MOST_NAMED ? `; and ${faults.length - MOST_NAMED} more` : "";
  return faults.slice(0, MOST_NAMED).join("; ") + more;
}
