/**
 * What a file is, by its contents alone, and the verification that belongs to it. A new kind of file is one more line of
 * `KINDS`. What is none of them was not checked, whatever its name promises.
 */
import { utf8 } from "../core/bytes.ts";
import { LIMITS } from "../core/limits.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { TLOG_PROOF_HEADER } from "../core/tlog-proof.ts";
import { sourceOf } from "../core/zip.ts";
import { verifyBundle } from "./bundle.ts";
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
import { verifyExportZip } from "./export.ts";
import { verifyFork } from "./fork.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, type VerifierReport } from "./report.ts";
import { isTableNote, verifyTableNote } from "./table-note.ts";

/** An untrusted file that is being recognised; read as text or JSON only when somebody asks. */
export class Opened {
  readonly bytes: Uint8Array;
  #text: { text: string; exact: boolean } | undefined;
  #json: { value: unknown } | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Bytes that are no UTF-8 stand as U+FFFD. */
  get text(): string {
    return this.#decoded.text;
  }

  get isUtf8(): boolean {
    return this.#decoded.exact;
  }

  /** The value of a file that is strict JSON as a whole; undefined for any other. */
  get json(): unknown {
    this.#json ??= { value: jsonOf(this.text) };
    return this.#json.value;
  }

  get #decoded() {
    this.#text ??= decode(this.bytes);
    return this.#text;
  }
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
    kind: "bundle",
    recognises: ({ bytes }) => bytes.length <= LIMITS.bundleBytes && isTar(bytes),
    verify: ({ bytes }, policy, platform) => verifyBundle(bytes, policy, platform),
  },
  {
    kind: "export",
    recognises: ({ bytes }) => bytes.length <= LIMITS.bundleBytes && isZip(bytes),
    verify: ({ bytes }, policy, platform) => verifyExportZip(sourceOf(bytes), policy, platform),
  },
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
    kind: "fork",
    recognises: ({ text }) => text.startsWith("moonseal/fork/"),
    verify: ({ text }, policy, platform) => verifyFork(text, policy, platform),
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
    kind: "table_note",
    recognises: ({ text }) => isTableNote(text),
    verify: ({ text }, policy, platform) => verifyTableNote(text, policy, platform),
  },
  {
    kind: "checkpoint",
    // Any signed note: last, because the others have their labels.
    recognises: ({ text }) => /\n\n\u2014 /.test(text),
    verify: ({ text }, policy, platform) => verifyCheckpointFile(text, policy, platform),
  },
];

/** Recognises and verifies one untrusted file; never throws. O(bytes), all of them in memory. */
export function verifyFile(bytes: Uint8Array, policy: TrustPolicy, platform: Platform): VerifierReport {
  const file = new Opened(bytes);
  if (bytes.length > LIMITS.verifyFileBytes && !isTar(bytes) && !isZip(bytes)) return unknown(TOO_LARGE);
  const found = KINDS.find((kind) => kind.recognises(file));
  if (!found) return unknown(unknownFile(file));
  if (found.kind !== "bundle" && found.kind !== "export" && !file.isUtf8) {
    const subject = `a file that begins like ${found.kind.replaceAll("_", " ")}`;
    return reportOfOneStep(found.kind, subject, "refuted", "the bytes of the file are not UTF-8");
  }
  return found.verify(file, policy, platform);
}

const unknown = (why: string): VerifierReport =>
  reportOfOneStep("unknown", "a file of no kind that is known", "could_not_check", why, ADVICE);

/** POSIX ustar says so in its first header. */
function isTar(bytes: Uint8Array): boolean {
  return TAR_MAGIC.every((byte, i) => bytes[TAR_MAGIC_AT + i] === byte);
}

const isZip = (bytes: Uint8Array): boolean => ZIP_MAGIC.every((byte, i) => bytes[i] === byte);

const ZIP_MAGIC = [0x50, 0x4b, 0x03, 0x04];
const TAR_MAGIC_AT = 257;
const TAR_MAGIC = utf8("ustar");
const TOO_LARGE = `it has more than ${LIMITS.verifyFileBytes} bytes`;
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
