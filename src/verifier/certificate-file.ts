/**
 * Verifies a certificate that a cell signed with its log key: of an erasure, or of a tenant's deletion. The signature counts when the
 * policy trusts its key under the signature's own name (`log.example/eu`).
 */
import { DELETION_LABEL, parseFinalHeads } from "../core/deletion-certificate.ts";
import { ERASURE_CERTIFICATE_LABEL } from "../core/erasure-certificate.ts";
import { type Note, parseNote } from "../core/note.ts";
import { noteSignedBy } from "./checkpoint.ts";
import { keyAdvice } from "./checkpoint-steps.ts";
import { checkDeletionText } from "./deletion-text.ts";
import { checkErasureText } from "./erasure-text.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport, type VerifyEd25519 } from "./report.ts";

export const isErasureCertificate = (text: string): boolean => text.startsWith(`${ERASURE_CERTIFICATE_LABEL}\n`);
export const isDeletionNote = (text: string): boolean => text.startsWith(`${DELETION_LABEL}\n`);

/** The answer of the API about a tenant's deletion, or its `certificate` alone: the note, and the heads that it binds. */
export function deletionOf(json: unknown): { note: string; heads: unknown } | null {
  const outer = json as { certificate?: unknown } | null | undefined;
  const { note, heads } = (outer?.certificate ?? outer ?? {}) as { note?: unknown; heads?: unknown };
  return typeof note === "string" && isDeletionNote(note) ? { note, heads: heads ?? null } : null;
}

/** Untrusted text in, report out; never throws. */
export function verifyErasureFile(text: string, policy: TrustPolicy, { sha256, verify }: Platform): VerifierReport {
  const kind = "erasure_certificate";
  const note = parseNote(text);
  if (!note) return reportOfOneStep(kind, "certificate of an erasure", "refuted", NOT_A_NOTE);
  const list = new StepList();
  const checked = checkErasureText(note.text, sha256);
  const fault = checked.ok ? null : checked.fault.replaceAll("_", " ");
  list.check("certificate", fault, "its parts agree, and the entry that it shows is the one that its hash names");
  const subject = checked.ok
    ? `certificate of erasure ${checked.certificate.erasure} in ${checked.certificate.domain}`
    : "certificate of an erasure";
  const notChecked = checked.ok ? checked.notChecked : ["everything that the certificate claims"];
  return signedReport({ kind, subject, list, notChecked }, note, policy, verify);
}

/** The same for a deletion. `heads`: untrusted; `undefined` when only the note is there. */
export function verifyDeletionFile(
  { note: text, heads }: { note: string; heads?: unknown },
  policy: TrustPolicy,
  { sha256, verify }: Platform,
): VerifierReport {
  const kind = "deletion_certificate";
  const note = parseNote(text);
  if (!note) return reportOfOneStep(kind, "certificate of a tenant's deletion", "refuted", NOT_A_NOTE);
  const list = new StepList();
  const given = heads === undefined ? null : parseFinalHeads(heads);
  if (heads !== undefined && given === null) {
    return reportOfOneStep(
      kind,
      "certificate of a tenant's deletion",
      "refuted",
      "the heads are not a list of final heads",
    );
  }
  const checked = checkDeletionText(note.text, given, sha256);
  const fault = checked.ok ? null : checked.fault.replaceAll("_", " ");
  list.check("certificate", fault, "it is a certificate of this version");
  if (given === null) list.skip("heads", "the file holds the note alone, without the final heads of the domains");
  else if (checked.ok) list.check("heads", null, `the ${given.length} final heads are the ones that the note binds`);
  const subject = checked.ok
    ? `certificate of the deletion of ${checked.certificate.tenant_id}`
    : "certificate of a tenant's deletion";
  return signedReport({ kind, subject, list, notChecked: DELETION_NOT_CHECKED }, note, policy, verify);
}

const NOT_A_NOTE = "this is not a signed note (c2sp.org/signed-note) in its one spelling";
const DELETION_NOT_CHECKED = [
  "whether nothing was kept elsewhere: a certificate is the word of whoever holds the log key",
  "whether the heads are those of the logs that you knew: compare them with receipts or exports that you kept",
];

/** Of a note whose signers the text does not name otherwise. */
export function signedReport(
  { kind, subject, list, notChecked }: { kind: string; subject: string; list: StepList; notChecked: string[] },
  note: Note,
  policy: TrustPolicy,
  verify: VerifyEd25519,
): VerifierReport {
  const names = [...new Set(note.signatures.map(({ name }) => name))];
  const keys = names.flatMap((name) => policy.keysOf(name));
  const signed = noteSignedBy(note, keys, verify);
  const unknown = keys.length === 0;
  if (unknown) list.skip("signature", `no key of its signers is trusted: ${names.join(", ")}`);
  else {
    const fault = { signed: null, unsigned: "no key that you trust signed it", wrong: "the signature is wrong" }[
      signed
    ];
    list.check("signature", fault, `a key that you trust signed it: ${keys.map(({ name }) => name).join(", ")}`);
  }
  return {
    kind,
    subject,
    verdict: list.failed() ? "refuted" : unknown ? "could_not_check" : "verified",
    steps: list.steps,
    notChecked,
    advice: unknown ? keyAdvice(names[0] === undefined ? null : { origin: names[0] }) : [],
    heads: [],
  };
}
