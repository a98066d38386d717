/** `verify FILE…`: offline, each file by what it is, then all heads beside each other. */

import { BUNDLE } from "../../core/bundle.ts";
import { verifyBundle } from "../../verifier/bundle.ts";
import { contradictionBetween } from "../../verifier/heads.ts";
import { verifyFile } from "../../verifier/kinds.ts";
import type { TrustPolicy } from "../../verifier/policy.ts";
import { EXIT_OF_VERDICT, type VerifierReport, worstVerdict } from "../../verifier/report.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { NoAnswer } from "../monitor/fetch-bytes.ts";
import { line, safeText } from "../text.ts";
import { verifyExportAt } from "./export-files.ts";
import { isAddress, openBytes, openFolder } from "./open.ts";
import { type FileReport, printReport, reportJson } from "./print.ts";
import { withTableBeside } from "./table-beside.ts";
import { NODE, readTrust } from "./trust.ts";
import { TILES_CHECKPOINT, verifyTiles } from "./verify-tiles.ts";

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
    reports.push({ file: name, report: await verifyNamed(io, name, trust.policy) });
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

/** A folder is a bundle or an export that was unpacked, or the tiles of a log. An export on disk is never read as a whole. */
async function verifyNamed(io: Io, name: string, policy: TrustPolicy): Promise<VerifierReport> {
  const exported = name === "-" || isAddress(name) ? null : exportAt(name, policy);
  if (exported) return exported;
  const folder = await openFolder(name);
  if (!folder) {
    const bytes = await openBytes(io, name);
    return withTableBeside(name, bytes, verifyFile(bytes, policy, NODE));
  }
  if (!folder.has(TILES_CHECKPOINT) || folder.has(BUNDLE.manifest)) return verifyBundle(folder, policy, NODE);
  return verifyTiles(io, name, policy).catch((error: unknown) => {
    if (error instanceof NoAnswer) throw new CliError(`could not check: ${safeText(error.message)}`, CODE.unreachable);
    throw error;
  });
}

function exportAt(name: string, policy: TrustPolicy): VerifierReport | null {
  try {
    return verifyExportAt(name, policy, NODE);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(`cannot read ${safeText(name)}: ${code}`);
  }
}
