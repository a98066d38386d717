/**
 * Exports (SPEC.md §16): bundles of any number of entries, in a zip archive. The parts are those of §14 and mean the same; this file
 * names those that are new, and takes an untrusted manifest apart. `verifier/export.ts` judges an export.
 */
import { BUNDLE, type BundleFile, EXPIRED_ATTACHMENT, entriesName, isEntries } from "../bundle.ts";
import { toHex } from "../bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../canonical.ts";
import { parseCheckpoint } from "../checkpoint.ts";
import { parseId } from "../ids.ts";
import { LIMITS } from "../limits.ts";
import { HASH_BYTES } from "../sha256.ts";
import { type Check, isCount, isHash, isInstant, isText, listOf, orNull, withFields } from "../shape.ts";
import { isTarName } from "../tar.ts";
import { CSV_RULES } from "./forms.ts";

export const EXPORT_VERSION = 2;
/** First line of the note that signs the manifest of an export. */
export const EXPORT_LABEL = "moonseal/export/v2";

/** What an export is about. A range is complete, and proved to be; of a selection the filter is the maker's word. */
export type ExportContent =
  | { kind: "range"; from: number; to: number }
  | { kind: "selection"; entries: number; filter: string; from: number; to: number };

export interface ExportManifest {
  v: typeof EXPORT_VERSION;
  origin: string;
  content: ExportContent;
  /** Number of entries. */
  entries: number;
  /** The tree of the checkpoint: its root in base64. */
  head: { size: number; root: string };
  /** What was done to the cells of the tables; null: there are none. */
  csv: typeof CSV_RULES | null;
  /** Only where there are PDFs: of the certificate that they are signed with, lower-case hex. */
  pdf?: { certificate_sha256: string };
  made_at: string;
  made_by: string;
  /** Everything but manifest and note, in the archive's order. */
  files: BundleFile[];
}

/** The files of the entries from `firstSeq` on: lines of payloads, and what is made of them; of a selection their proof. */
export const groupNames = (firstSeq: number) => {
  const lines = entriesName(firstSeq);
  const base = lines.slice(0, -".jsonl".length);
  return {
    proof: `proof-${base.slice("entries-".length)}.txt`,
    lines,
    json: `${base}.json`,
    csv: `${base}.csv`,
    csvNote: `${base}.csv.note`,
    pdf: `${base}.pdf`,
    disclosures: `disclosures-${base.slice("entries-".length)}.json`,
  };
};

/** Of a file of lines (`isEntries`): all the files beside it. */
export const groupOf = (lines: string) => groupNames(Number(lines.slice("entries-".length, -".jsonl".length)));

/** Those of every export, in this order; the page may be missing. */
export const EXPORT_PARTS = [BUNDLE.readme, BUNDLE.script, BUNDLE.page, BUNDLE.policy, BUNDLE.checkpoint] as const;

export const formatExportManifest = (manifest: ExportManifest): string => `${canonicalJson(manifest)}\n`;

const isOrigin: Check = (value) =>
  typeof value === "string" &&
  /^[^\s\p{Cc}+]+\/[^/]+$/u.test(value) &&
  parseId(value.slice(value.lastIndexOf("/") + 1))?.kind === "domain";
const isRange = withFields({ kind: (value) => value === "range", from: isCount, to: isCount });
const isSelection = withFields({
  ...{ kind: (value: unknown) => value === "selection", entries: isCount, from: isCount, to: isCount },
  filter: isText,
});
const manifestFields = {
  v: (value) => value === EXPORT_VERSION,
  origin: isOrigin,
  content: (value) => isRange(value) || isSelection(value),
  entries: isCount,
  head: withFields({ size: isCount, root: isText }),
  csv: orNull((value) => canonicalJson(value as object) === canonicalJson(CSV_RULES)),
  made_at: isInstant,
  made_by: (value) => typeof value === "string" && /^[\x20-\x7e]{1,100}$/.test(value),
  files: listOf(
    withFields({
      name: (value) => typeof value === "string" && isTarName(value),
      bytes: (value) => isCount(value) && (value as number) <= LIMITS.bundleFileBytes,
      sha256: isHash,
    }),
  ),
} satisfies Record<string, Check>;
const isPlain = withFields(manifestFields);
const isReadable = withFields({ ...manifestFields, pdf: withFields({ certificate_sha256: isHash }) });
const isManifest: Check = (value) => isPlain(value) || isReadable(value);

/** An untrusted manifest; null for every other spelling, and for files that an export does not have or has in another order. */
export function parseExportManifest(text: string): ExportManifest | null {
  const value = text.endsWith("\n") ? parseCanonicalJson(text.slice(0, -1), LIMITS.jsonDepth)?.value : null;
  if (!isManifest(value)) return null;
  const manifest = value as unknown as ExportManifest;
  const { content, entries, files, csv, pdf: signedBy } = manifest;
  const counted = content.kind === "range" ? content.to - content.from + 1 : content.entries;
  if (counted !== entries || content.from > content.to || files.length > LIMITS.exportFiles) return null;
  const names = files.map(({ name }) => name);
  const groups = names.filter(isEntries).map(groupOf);
  const has = new Set(names);
  const expected: string[] = [
    ...EXPORT_PARTS.filter((name) => name !== BUNDLE.page || has.has(name)),
    ...(has.has(EXPIRED_ATTACHMENT) ? [EXPIRED_ATTACHMENT] : []),
    ...(content.kind === "range" ? [BUNDLE.proof] : []),
    ...groups.flatMap(({ proof, lines, json, csv: table, csvNote, pdf, disclosures }) => [
      ...(content.kind === "range" ? [] : [proof]),
      ...[
        lines,
        ...(has.has(json) ? [json] : []),
        ...(csv ? [table] : []),
        ...(csv && has.has(csvNote) ? [csvNote] : []),
        ...(signedBy ? [pdf] : []),
        ...(has.has(disclosures) ? [disclosures] : []),
      ],
    ]),
  ];
  const same = expected.length === names.length && expected.every((name, i) => name === names[i]);
  const whole = new Set(groups.map(({ json }) => has.has(json))).size <= 1;
  return same && whole && has.size === names.length ? manifest : null;
}

/** The text that the log's key signs. Throws unless it can be read as nothing else. */
export function formatExportNote(origin: string, manifestHash: Uint8Array): string {
  if (!isOrigin(origin) || manifestHash.length !== HASH_BYTES) throw new RangeError("a log's origin and a SHA-256");
  const text = `${EXPORT_LABEL}\n${origin}\n${toHex(manifestHash)}\n`;
  if (parseCheckpoint(text) !== null) throw new RangeError("a manifest must not look like a checkpoint");
  return text;
}

/** Untrusted; null for every other spelling. */
export function parseExportNote(text: string): { origin: string; manifestHash: string } | null {
  const [label, origin = "", hash = ""] = text.split("\n");
  if (label !== EXPORT_LABEL || !isOrigin(origin) || !isHash(hash)) return null;
  return text === `${EXPORT_LABEL}\n${origin}\n${hash}\n` ? { origin, manifestHash: hash } : null;
}

/** First line of the note that signs one table of an export, so that the table can be handed on alone. */
const TABLE_LABEL = "moonseal/export-table/v1";

/** `hash`: SHA-256 of the table, lower-case hex. */
export const formatTableNote = (origin: string, name: string, hash: string): string =>
  `${TABLE_LABEL}\n${origin}\n${name}\n${hash}\n`;

/** Untrusted; null for every other spelling. */
export function parseTableNote(text: string): { origin: string; name: string; hash: string } | null {
  const [label, origin = "", name = "", hash = ""] = text.split("\n");
  if (label !== TABLE_LABEL || !isOrigin(origin) || !isTarName(name) || !isHash(hash)) return null;
  return text === formatTableNote(origin, name, hash) ? { origin, name, hash } : null;
}

/** Whether an untrusted manifest says that it is one of these, whatever else is in it. */
export const isExportManifest = (text: string): boolean => /"v":2\}\n$/.test(text);
