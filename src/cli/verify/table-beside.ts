/** A table of an export that was handed on with its note: both in one folder, the table under the name that was signed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseTableNote } from "../../core/export/manifest.ts";
import { parseNote } from "../../core/note.ts";
import type { Step, VerifierReport } from "../../verifier/report.ts";
import { CliError } from "../io.ts";
import { safeText } from "../text.ts";
import { isAddress } from "./open.ts";

/**
 * The report of a note, with the table that lies beside it compared: another file under that name refutes. Without one, or for a note
 * that is refuted or is none about a table, the report as it is. Throws `CliError` for a table that cannot be read. O(bytes of the table), read in pieces.
 */
export async function withTableBeside(name: string, note: Uint8Array, report: VerifierReport): Promise<VerifierReport> {
  if (report.kind !== "table_note" || report.verdict === "refuted" || name === "-" || isAddress(name)) return report;
  const said = parseTableNote(parseNote(new TextDecoder().decode(note))?.text ?? "");
  if (!said) return report;
  // One plain file name: `parseTableNote` takes no other.
  const path = join(dirname(name), said.name);
  const hash = await hashOf(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${safeText(path)}: ${error.code}`);
  });
  if (hash === null) return report;
  const isIt = hash === said.hash;
  const step: Step = {
    step: "content",
    status: isIt ? "ok" : "failed",
    detail: isIt
      ? `${said.name} beside it has this SHA-256`
      : `${said.name} beside it is another file: its SHA-256 is ${hash}`,
  };
  return {
    ...report,
    verdict: isIt ? report.verdict : "refuted",
    steps: [...report.steps, step],
    notChecked: ["the entries of the table against the log: the whole export proves them"],
  };
}

/** Lower-case hex; null: there is no such file. */
async function hashOf(path: string): Promise<string | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!found?.isFile()) return null;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
