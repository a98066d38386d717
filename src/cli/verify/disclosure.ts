/** `verify --disclosure`: what a file discloses, checked offline against the commitments of its entries. */
import { readFile } from "node:fs/promises";
import { sha256 } from "../../crypto/sha256.ts";
import { EXIT } from "../../verifier/chain.ts";
import { checkDisclosure, type DisclosureReport, parseDisclosure } from "../../verifier/disclosure.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { count, line, painter, safeJson, safeText } from "../text.ts";

export const EXIT_OF_DISCLOSURE: Record<DisclosureReport["verdict"], number> = {
  verified: EXIT.verified,
  refuted: EXIT.refuted,
  nothing: EXIT.couldNotCheck,
};

const NOT_CHECKED = [
  "Whether these entries stand in the log: compare their hashes with a receipt, or with a log that moonseal verify found whole.",
  "Who a pseudonym is: `identity_id_ref` and what stands beside it are the server's word.",
  "Values that the file leaves out.",
];

/** Needs no server and no key. Throws `CliError` for a file that cannot be read (2) or is no disclosure (3). */
export async function verifyDisclosure(io: Io, path: string, json: boolean): Promise<number> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${path}: ${error.code}`);
  });
  const disclosure = parseDisclosure(text);
  if (!disclosure) throw new CliError(`could not check: ${path} is not a disclosure of version 1`, CODE.unreachable);
  const report = checkDisclosure(disclosure, sha256);
  if (json) line(io.stdout, safeJson({ ...report, not_checked: NOT_CHECKED }));
  else {
    const [verdict = "", ...rest] = disclosureLines(report);
    line(io.stdout, painter(io, io.stdout)(report.verdict === "verified" ? "green" : "red", verdict));
    for (const said of rest) line(io.stdout, said);
    line(io.stdout, "Not checked:");
    for (const said of NOT_CHECKED) line(io.stdout, `  - ${said}`);
  }
  return EXIT_OF_DISCLOSURE[report.verdict];
}

/** The verdict, then each entry with its values. */
export function disclosureLines(report: DisclosureReport): string[] {
  const values = count(report.matching, "value");
  const of = `${count(report.entries.length, "entry", "entries")} of ${safeText(report.domain)}`;
  const verdict = {
    verified: `VERIFIED: ${values} are what ${of} committed to; ${report.withheld} withheld.`,
    refuted: `REFUTED: not everything in this file is what ${of} committed to.`,
    nothing: `NOTHING TO CHECK: no value of ${of} is disclosed; ${report.withheld} withheld.`,
  }[report.verdict];
  return [verdict, ...report.entries.flatMap(entryLines)];
}

function entryLines({ seq, entryHash, fault, values, withheld }: DisclosureReport["entries"][number]): string[] {
  const head = `  #${seq}  entry hash ${safeText(entryHash, 64)}`;
  return [
    fault === null ? head : `${head}  FAULT: ${fault}`,
    ...values.map(({ pointer, result }) => `      ${safeText(pointer)}  ${RESULT[result]}`),
    ...withheld.map((pointer) => `      ${safeText(pointer)}  withheld`),
  ];
}

const RESULT = {
  matches: "matches its commitment",
  does_not_match: "DOES NOT MATCH its commitment",
  not_committed: "IS NOT COMMITTED TO by this entry",
  malformed: "HAS NO SALT of 32 bytes",
} as const;
