/** The one printer of all offline verifications: for people in words, for programs as JSON on one line. */
import type { EvidenceReport } from "../../verifier/evidence.ts";
import {
  STATUS_WORDS,
  type StepStatus,
  VERDICT_WORDS,
  type Verdict,
  type VerifierReport,
} from "../../verifier/report.ts";
import type { Io } from "../io.ts";
import { type Colour, line, painter, safeJson, safeText } from "../text.ts";

const STATUS_COLOUR: Record<StepStatus, Colour> = { ok: "green", failed: "red", not_checked: "yellow" };
export const STATUS_WIDTH = 11;
/** More than a payload has characters (LIMITS.payloadBytes). */
const PAYLOAD_CHARS = 70_000;

export interface FileReport {
  /** As it was named. */
  file: string;
  report: VerifierReport;
}

export function printReport(io: Io, { file, report }: FileReport, source: string | null): void {
  const paint = painter(io, io.stdout);
  line(
    io.stdout,
    `${paint(colourOf(report.verdict), VERDICT_WORDS[report.verdict].toUpperCase())}: ${safeText(report.subject)}`,
  );
  line(io.stdout, `  ${safeText(file)}, ${source === null ? "nobody is trusted" : `trusting ${safeText(source)}`}`);
  const width = Math.max(0, ...report.steps.map(({ step }) => step.length));
  for (const { step, status, detail } of report.steps) {
    const word = STATUS_WORDS[status].padEnd(STATUS_WIDTH);
    line(io.stdout, `  ${paint(STATUS_COLOUR[status], word)}  ${safeText(step).padEnd(width)}  ${safeText(detail)}`);
  }
  bullets(io, "Not checked:", report.notChecked);
  bullets(io, "What to do:", report.advice);
  const entry = entryOf(report);
  if (entry) line(io.stdout, `The entry:\n  ${safeText(entry.payload, PAYLOAD_CHARS)}`);
}

/** Names as everywhere in JSON of ours: lower snake. */
export function reportJson({ file, report }: FileReport, source: string | null): string {
  const { kind, subject, verdict, steps, notChecked, advice, heads } = report;
  const entry = entryOf(report);
  return safeJson({
    file,
    kind,
    subject,
    verdict,
    policy: source,
    steps,
    not_checked: notChecked,
    advice,
    heads,
    ...(entry && {
      entry: { origin: entry.origin, seq: entry.seq, entry_hash: entry.entryHash, payload: entry.payload },
    }),
  });
}

function bullets(io: Io, title: string, items: readonly string[]): void {
  if (items.length === 0) return;
  line(io.stdout, title);
  for (const item of items) line(io.stdout, `  - ${safeText(item)}`);
}

function entryOf(report: VerifierReport): EvidenceReport["entry"] {
  return report.kind === "evidence" ? (report as EvidenceReport).entry : null;
}

function colourOf(verdict: Verdict): Colour {
  if (verdict === "verified") return "green";
  return verdict === "not_witnessed" || verdict === "could_not_check" ? "yellow" : "red";
}
