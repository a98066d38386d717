/** The files of an export: those of a group of entries, and manifest and note at its end. */
import { BUNDLE } from "../../core/bundle.ts";
import { fromBase64, fromHex, toHex, utf8 } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import { formatSetProof } from "../../core/evidence-set.ts";
import { CSV_RULES, csvForm, type FormRow, jsonForm } from "../../core/export/forms.ts";
import {
  EXPORT_VERSION,
  type ExportContent,
  formatExportManifest,
  formatExportNote,
  formatTableNote,
  groupNames,
} from "../../core/export/manifest.ts";
import { LIMITS } from "../../core/limits.ts";
import { checkInclusion } from "../../core/merkle/inclusion.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { encodeSegment } from "../../core/segment.ts";
import { SetFold } from "../../verifier/set-fold.ts";
import { demandRoot, proofOf } from "../log/evidence-set.ts";
import type { ArchiveTail } from "./archive.ts";
import type { ExportDeps } from "./deps.ts";
import { disclosureOf } from "./disclosures.ts";
import { exportPdf } from "./pdf.ts";
import type { ExportPlan, ExportRecord, ListedFile } from "./ports.ts";

/** How many private values are in it. Throws `limit.reached` past `LIMITS.pdfEntries` with PDFs, `storage.unavailable` when selected entries do not lead to the root of the signed head. */
export async function addGroup(
  archive: ArchiveTail,
  rows: readonly FormRow[],
  record: ExportRecord,
  plan: ExportPlan,
  deps: ExportDeps,
): Promise<number> {
  const { wish } = record;
  const { log, domainId, sha256, reveal, shards, signer } = deps;
  const [first] = rows;
  if (!first) return 0;
  const names = groupNames(first.seq);
  const payloads = rows.map(({ payload }) => payload);
  if (wish.filter) {
    const wanted = { kind: "selection" as const, seqs: rows.map(({ seq }) => seq) };
    const proved = await log.setProof(wanted, plan.size);
    if (!proved) throw new AppError("storage.unavailable", { internal: "export: the log does not prove its entries" });
    const proof = proofOf(wanted, rows, proved.hashes);
    const fold = new SetFold(sha256, proof, { domainId, size: plan.size });
    for (const payload of payloads) fold.feed(payload);
    demandRoot(fold, { root: toHex(bytesOf(plan.root)) });
    archive.addFile(names.proof, utf8(formatSetProof(proof)));
  }
  archive.addFile(names.lines, utf8(encodeSegment(payloads)));
  if (wish.formats.includes("json")) archive.addFile(names.json, utf8(jsonForm(rows)));
  if (wish.formats.includes("csv")) {
    const table = utf8(csvForm(rows));
    archive.addFile(names.csv, table);
    const text = formatTableNote(signer.name, names.csv, toHex(sha256(table)));
    archive.addFile(names.csvNote, utf8(signer.sign(text)));
  }
  if (wish.formats.includes("pdf")) archive.addFile(names.pdf, await pdfOf(rows, record, plan, deps));
  const disclosed = wish.isPrivate ? await disclosureOf(domainId, rows, reveal(await shards())) : null;
  if (disclosed) archive.addFile(names.disclosures, utf8(disclosed.text));
  return disclosed?.values ?? 0;
}

async function pdfOf(
  rows: readonly FormRow[],
  { wish, entries }: ExportRecord,
  plan: ExportPlan,
  { documents, signer, madeBy }: ExportDeps,
): Promise<Uint8Array> {
  if (!documents) throw new AppError("internal", { internal: "export: the key for its PDF is not there any more" });
  if (entries + rows.length > LIMITS.pdfEntries) {
    throw new AppError("limit.reached", { detail: `an export with a PDF has at most ${LIMITS.pdfEntries} entries` });
  }
  const { name: origin, verifierKey } = signer;
  return exportPdf({ rows, plan, wish, origin, verifierKey, madeBy }, documents);
}

/**
 * That the last entry that was read is in the tree of a signed head: every entry before it was found to be followed by the next, so all
 * of them are. Throws `storage.unavailable`.
 */
export async function demandInTree(
  { lastHash }: ExportRecord,
  { to }: ExportPlan,
  { log, sha256 }: ExportDeps,
): Promise<void> {
  const proof = await log.entryProof({ seq: to, waitMs: 0 });
  const leaf = leafHash(sha256, fromHex(lastHash) ?? new Uint8Array());
  const root = fromHex(proof?.checkpoint.root ?? "");
  if (!proof || !root || !checkInclusion(sha256, to, proof.checkpoint.size, leaf, proof.hashes, root)) {
    throw new AppError("storage.unavailable", { internal: "export: its entries do not lead into the signed tree" });
  }
}

export function manifestFiles(
  { wish, entries }: ExportRecord,
  plan: ExportPlan,
  files: readonly ListedFile[],
  { signer, sha256, madeBy, documents }: ExportDeps,
): { name: string; bytes: Uint8Array }[] {
  const { from, to } = plan;
  const content: ExportContent = wish.filter
    ? { kind: "selection", entries, filter: wish.filterText ?? "", from, to }
    : { kind: "range", from, to };
  const manifest = utf8(
    formatExportManifest({
      ...{ v: EXPORT_VERSION, origin: signer.name, content, entries },
      head: { size: plan.size, root: plan.root },
      csv: wish.formats.includes("csv") ? CSV_RULES : null,
      ...(wish.formats.includes("pdf") && documents ? { pdf: { certificate_sha256: documents.fingerprint } } : {}),
      made_at: new Date(plan.madeAtMs).toISOString(),
      made_by: madeBy,
      files: files.map(({ name, bytes, sha256: hash }) => ({ name, bytes, sha256: hash })),
    }),
  );
  return [
    { name: BUNDLE.manifest, bytes: manifest },
    { name: BUNDLE.note, bytes: utf8(signer.sign(formatExportNote(signer.name, sha256(manifest)))) },
  ];
}

const bytesOf = (base64: string): Uint8Array => fromBase64(base64) ?? new Uint8Array();
