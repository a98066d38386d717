/** What stands in the PDF of a group of entries, line by line, in characters that the PDF's own font has. */
import { BUNDLE } from "../../core/bundle.ts";
import { canonicalJson } from "../../core/canonical.ts";
import type { FormRow } from "../../core/export/forms.ts";
import { groupNames } from "../../core/export/manifest.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { PdfOf } from "./pdf.ts";

export interface PdfLine {
  text: string;
  bold?: boolean;
}

/** In characters; with one between them they fill the page. */
const COLUMNS = { seq: 10, time: 24, actor: 40, action: 34, targets: 58, outcome: 9 } as const;
const WIDTH = 180;
/** Of one cell; what is cut says so. Bounds the PDF, whatever stands in the entries. */
const CELL_CHARACTERS = 464;
const CUT = " [cut]";

/** What has no place in Latin-1 as `\u{…}`, and a backslash twice: nothing is lost, and nothing hides or turns its direction. */
export const pdfText = (text: string): string =>
  text.replaceAll(/[^\x20-\x5b\x5d-\x7e\xa1-\xac\xae-\xff]/gu, (each) =>
    each === "\\" ? "\\\\" : `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`,
  );

/** Names of the columns. */
export const pdfHeading = (): string =>
  Object.entries(COLUMNS)
    .map(([name, width]) => name.padEnd(width))
    .join(" ");

/** The first page: what it is, of what, proved by what, and how to check it. `fingerprint`: of the certificate. */
export function pdfFacts({ rows, plan, wish, origin, verifierKey, madeBy }: PdfOf, fingerprint: string): PdfLine[] {
  const [first, last] = [rows[0]?.seq ?? 0, rows.at(-1)?.seq ?? 0];
  const facts: [string, string][] = [
    ["Log", origin],
    ["Entries", `${rows.length}, seq ${first} to ${last}, of an export from ${plan.from} to ${plan.to}`],
    ["Filter", wish.filter ? (wish.filterText ?? "") : "none: every entry of the range"],
    ["Signed head", `${plan.size} entries, root ${plan.root}`],
    ["Log key", verifierKey],
    ["Made at", new Date(plan.madeAtMs).toISOString()],
    ["Made by", madeBy],
    ["Certificate", `SHA-256 ${fingerprint}`],
    ["Checkpoint", plan.checkpoint.trimEnd().split("\n").join(" / ")],
  ];
  const how = [
    "This is a copy to read, signed so that a changed byte shows. The proof is the archive that it came in:",
    `${BUNDLE.note} signs ${BUNDLE.manifest}, which lists every file with its SHA-256, this one among them, and the entries lead to the signed head.`,
    `To verify all of it: node ${BUNDLE.script} EXPORT.zip --key '…', or moonseal verify EXPORT.zip, with a key that you learnt elsewhere.`,
    "To check this file alone: any PDF reader that shows signatures. Nobody vouches for the certificate but the operator:",
    "compare its SHA-256 with document_certificate_sha256 of the operator's page /.well-known/moonseal.",
    "People are pseudonyms. Characters outside Latin-1 stand as \\u{…}; a cell that is too long ends with [cut].",
    `Whole, and with every field, the entries are in ${groupNames(first).lines}.`,
  ];
  const plain = (text: string): PdfLine[] => wrapped(text, WIDTH).map((line) => ({ text: line }));
  return [
    { text: "AUDIT LOG EXPORT", bold: true },
    { text: "" },
    ...facts.flatMap(([name, value]) => plain(`${name.padEnd(12)} ${pdfText(value)}`)),
    { text: "" },
    ...how.flatMap(plain),
    { text: "" },
  ];
}

/** One entry, in as many lines as its longest cell takes. */
export function pdfRow({ seq, payload }: FormRow): PdfLine[] {
  const entry = JSON.parse(payload) as { readonly [field: string]: JsonValue | undefined };
  const cells: Record<keyof typeof COLUMNS, string> = {
    seq: String(seq),
    time: textOf(entry.occurred_at ?? entry.recorded_at),
    actor: party(entry.actor),
    action: textOf(entry.action),
    targets: Array.isArray(entry.targets) ? entry.targets.map(party).join(", ") : textOf(entry.targets),
    outcome: textOf(entry.outcome),
  };
  const columns = Object.entries(COLUMNS).map(([name, width]) => {
    const text = pdfText(cells[name as keyof typeof COLUMNS]);
    return {
      width,
      lines: wrapped(text.length > CELL_CHARACTERS ? text.slice(0, CELL_CHARACTERS) + CUT : text, width),
    };
  });
  const height = Math.max(...columns.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, i) => ({
    text: columns
      .map(({ width, lines }) => (lines[i] ?? "").padEnd(width))
      .join(" ")
      .trimEnd(),
  }));
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += width) lines.push(text.slice(at, at + width));
  return lines;
}

const textOf = (value: JsonValue | undefined): string =>
  value === undefined ? "" : typeof value === "string" ? value : canonicalJson(value as object);

/** `type:ref`, else `type:id`; what is neither stands as it is. */
function party(value: JsonValue | undefined): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return textOf(value);
  const { type, ref, id } = value as { readonly [field: string]: JsonValue | undefined };
  const name = ref ?? id;
  return typeof type === "string" && typeof name === "string" ? `${type}:${name}` : textOf(value);
}
