/** `verify FILE…`: offline, each file by what it is, then all heads beside each other. */
import { verifyBundle } from "../../verifier/bundle.ts";
import { contradictionBetween } from "../../verifier/heads.ts";
import { verifyFile } from "../../verifier/kinds.ts";
import { EXIT_OF_VERDICT, worstVerdict } from "../../verifier/report.ts";
import { CliError, type Io } from "../io.ts";
import { line } from "../text.ts";
import { openBytes, openFolder } from "./open.ts";
import { type FileReport, printReport, reportJson } from "./print.ts";
import { NODE, readTrust } from "./trust.ts";

export interface VerifyFilesRequest {
  names: readonly string[];
  policy: string | undefined;
  keys: readonly string[];
  json: boolean;
}

/** Files of one call. */
const MOST_FILES = 1000;

/** The exit code: of several files that of the worst. Throws `CliError` for a file that cannot be read, before anything is said. */
export async function verifyFiles(io: Io, { names, policy, keys, json }: VerifyFilesRequest): Promise<number> {
  if (names.length > MOST_FILES) throw new CliError(`at most ${MOST_FILES} files at a time`);
  const trust = await readTrust(io, policy, keys);
  const reports: FileReport[] = [];
  for (const name of names) {
    const folder = await openFolder(name);
    const report = folder
      ? verifyBundle(folder, trust.policy, NODE)
      : verifyFile(await openBytes(io, name), trust.policy, NODE);
    reports.push({ file: name, report });
  }
  const contradiction = contradictionBetween(reports.flatMap(({ report }) => report.heads));
  if (contradiction) reports.push({ file: "these files together", report: contradiction });
  for (const [i, each] of reports.entries()) {
    if (json) line(io.stdout, reportJson(each, trust.source));
    else {
      if (i > 0) line(io.stdout);
      printReport(io, each, trust.source);
    }
  }
  return EXIT_OF_VERDICT[worstVerdict(reports.map(({ report }) => report.verdict))];
}
