/** Verifies the note that lies beside a table of an export (SPEC.md §16), alone: the signature, and which bytes it is about. */
import { parseTableNote } from "../core/export/manifest.ts";
import { parseNote } from "../core/note.ts";
import { signedReport } from "./certificate-file.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport } from "./report.ts";

const KIND = "table_note";

export const isTableNote = (text: string): boolean => text.startsWith("moonseal/export-table/");

/** Untrusted text in, report out; never throws. */
export function verifyTableNote(text: string, policy: TrustPolicy, { verify }: Platform): VerifierReport {
  const note = parseNote(text);
  const said = note && parseTableNote(note.text);
  if (!note || !said) {
    return reportOfOneStep(KIND, "note about a table", "refuted", "this is no signed note about a table of version 1");
  }
  const { origin, name, hash } = said;
  const own = { ...note, signatures: note.signatures.filter((signature) => signature.name === origin) };
  const list = new StepList();
  list.check("table", null, `it is about the file ${name} of an export of ${origin}, whose SHA-256 is ${hash}`);
  const notChecked = [`whether a table that you have is that file: its SHA-256 has to be ${hash} (sha256sum ${name})`];
  return signedReport(
    { kind: KIND, subject: `note about ${name} of ${origin}`, list, notChecked },
    own,
    policy,
    verify,
  );
}
