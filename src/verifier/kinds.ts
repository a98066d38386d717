/**
 * What a file is, by its contents alone, and the verification that belongs to it. A new kind of file is one more line of
 * `KINDS`. What is none of them was not checked, whatever its name promises.
 */
import { parseStrictJson } from "../core/strict-json.ts";
import { TLOG_PROOF_HEADER } from "../core/tlog-proof.ts";
import {
  deletionOf,
  isDeletionNote,
  isErasureCertificate,
  verifyDeletionFile,
  verifyErasureFile,
} from "./certificate-file.ts";
import { verifyCheckpointFile } from "./checkpoint-file.ts";
import { DISCLOSURE_FORMAT } from "./disclosure.ts";
import { verifyDisclosureFile } from "./disclosure-file.ts";
import { verifyEvidence } from "./evidence.ts";
import { verifyEvidenceSet } from "./evidence-set.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, type VerifierReport } from "./report.ts";

/** An untrusted file that is being recognised. */
export interface Opened {
  text: string;
  /** The value of a file that is strict JSON as a whole; undefined for any other. */
  json: unknown;
}

export interface Kind {
  kind: string;
  recognises(file: Opened): boolean;
  /** Untrusted; never throws. */
  verify(file: Opened, policy: TrustPolicy, platform: Platform): VerifierReport;
}

/** Deeper than any file of ours. */
const MAX_DEPTH = 32;

/** The first that recognises a file has it. */
export const KINDS: readonly Kind[] = [
  {
    kind: "evidence",
    // Whatever version: one that is not ours is refused by name, not passed on.
    recognises: ({ text }) => text.startsWith(TLOG_PROOF_HEADER.slice(0, TLOG_PROOF_HEADER.indexOf("@"))),
    verify: ({ text }, policy, platform) => verifyEvidence(text, policy, platform),
  },
  {
    kind: "evidence_set",
    recognises: ({ text }) => text.startsWith("moonseal/evidence-set/"),
    verify: ({ text }, policy, platform) => verifyEvidenceSet(text, policy, platform),
  },
  {
    kind: "disclosure",
    recognises: ({ json }) => (json as { format?: unknown } | null)?.format === DISCLOSURE_FORMAT,
    verify: ({ text }, _, platform) => verifyDisclosureFile(text, platform),
  },
  {
    kind: "deletion_certificate",
    recognises: ({ text, json }) => isDeletionNote(text) || deletionOf(json) !== null,
    verify: ({ text, json }, policy, platform) =>
      verifyDeletionFile(deletionOf(json) ?? { note: text }, policy, platform),
  },
  {
    kind: "erasure_certificate",
    recognises: ({ text }) => isErasureCertificate(text),
    verify: ({ text }, policy, platform) => verifyErasureFile(text, policy, platform),
  },
  {
    kind: "checkpoint",
    // Any signed note: last, because the others have their labels.
    recognises: ({ text }) => /\n\n\u2014 /.test(text),
    verify: ({ text }, policy, platform) => verifyCheckpointFile(text, policy, platform),
  },
];

/** Recognises and verifies one untrusted file; never throws. O(bytes): the caller bounds them (`LIMITS.verifyFileBytes`). */
export function verifyFile(bytes: Uint8Array, policy: TrustPolicy, platform: Platform): VerifierReport {
  const { text, exact } = decode(bytes);
  const file = { text, json: jsonOf(text) };
  const found = KINDS.find((kind) => kind.recognises(file));
  if (!found)
    return reportOfOneStep("unknown", "a file of no kind that is known", "could_not_check", unknownFile(file), ADVICE);
  if (!exact)
    return reportOfOneStep(
      found.kind,
      `a file that begins like ${found.kind.replaceAll("_", " ")}`,
      "refuted",
      NOT_UTF8,
    );
  return found.verify(file, policy, platform);
}

const NOT_UTF8 = "the bytes of the file are not UTF-8";
const ADVICE = [
  "verify takes evidence (.tlog-proof), checkpoints, disclosures, certificates and export bundles, as they were downloaded",
];

function unknownFile({ text, json }: Opened): string {
  if (text === "") return "the file is empty";
  if (/^\s*<(?:!doctype|html)/i.test(text)) return "this is a web page, not a file to verify";
  const problem = json as { code?: unknown; title?: unknown } | undefined;
  if (typeof problem?.code === "string" && typeof problem.title === "string") {
    return `this is an error message of the server: ${problem.title.slice(0, 200)}`;
  }
  return "what it is could not be told from its contents";
}

/** A byte order mark stays: no format has one. */
function decode(bytes: Uint8Array): { text: string; exact: boolean } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), exact: true };
  } catch {
    return { text: new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes), exact: false };
  }
}

function jsonOf(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const parsed = parseStrictJson(text, MAX_DEPTH);
  return parsed.ok ? parsed.value : undefined;
}
