/**
 * The PDF of a group of entries: a copy for people to read, signed (PAdES B-B: ETSI EN 319 142-1, CMS over ECDSA P-256) with the
 * cell's document key. It proves nothing by itself that the archive does not prove better; every page says so.
 *
 * It shows what the lines of the group show, pseudonyms among it, and nothing more. Made again of the same group it says the same;
 * its bytes differ, for the library names every file with 16 random ones.
 */
import type { PDF, PDFPage, Signer } from "@libpdf/core";
import { BUNDLE } from "../../core/bundle.ts";
import type { FormRow } from "../../core/export/forms.ts";
import { groupNames } from "../../core/export/manifest.ts";
import type { DocumentSigner } from "../../crypto/document-signer.ts";
import type { ExportWish } from "./calls.ts";
import { type PdfLine, pdfFacts, pdfHeading, pdfRow, pdfText } from "./pdf-text.ts";
import type { ExportPlan } from "./ports.ts";

export interface PdfOf {
  rows: readonly FormRow[];
  plan: ExportPlan;
  wish: ExportWish;
  /** Name of the log. */
  origin: string;
  /** Keys of the log, as its operator names them. */
  verifierKey: string;
  madeBy: string;
}

/** A4 across, in points. Courier: every character is 0.6 of its size wide. */
const PAGE = { width: 842, height: 595, margin: 40 } as const;
const SIZE = 7;
const LEADING = 9;
const FOOT = 14;
const LINES = Math.floor((PAGE.height - 2 * PAGE.margin - 2 * FOOT) / LEADING);

/** The library is read when a PDF is made first: it is half of all code, and most cells start without needing it. Half a second of CPU for 1,000 entries, and as much again for the first. */
export async function exportPdf(of: PdfOf, documents: DocumentSigner): Promise<Uint8Array> {
  const { PDF } = await import("@libpdf/core");
  const madeAt = new Date(of.plan.madeAtMs);
  const pdf = PDF.create();
  pdf.setMetadata({
    ...{ title: `Audit log export of ${of.origin}`, author: of.origin, creator: of.madeBy, producer: of.madeBy },
    ...{ creationDate: madeAt, modificationDate: madeAt },
  });
  const lines: PdfLine[] = [...pdfFacts(of, documents.fingerprint), ...of.rows.flatMap(pdfRow)];
  drawn(pdf, lines, of);
  const { bytes } = await pdf.sign({
    signer: signerOf(documents),
    ...{ signingTime: madeAt, fieldName: "moonseal", reason: "Readable copy of an audit log export", level: "B-B" },
  });
  return bytes;
}

function drawn(pdf: PDF, lines: readonly PdfLine[], { origin, rows }: PdfOf): void {
  const pages = Math.ceil(lines.length / LINES);
  const file = groupNames(rows[0]?.seq ?? 0).lines;
  for (let i = 0; i < pages; i++) {
    const page = pdf.addPage({ width: PAGE.width, height: PAGE.height });
    const top = PAGE.height - PAGE.margin;
    const put = (line: PdfLine, y: number) => drawLine(page, line, y);
    put({ text: pdfHeading(), bold: true }, top);
    for (const [k, line] of lines.slice(i * LINES, (i + 1) * LINES).entries()) put(line, top - FOOT - k * LEADING);
    const notice = `A readable copy of ${file}. The proof is ${BUNDLE.note} beside it, which signs the manifest of every file.`;
    put({ text: pdfText(`${notice} ${origin}. Page ${i + 1} of ${pages}`) }, PAGE.margin - LEADING);
  }
}

function drawLine(page: PDFPage, { text, bold = false }: PdfLine, y: number): void {
  if (text === "") return;
  page.drawText(text, { x: PAGE.margin, y, size: SIZE, font: bold ? "Courier-Bold" : "Courier" });
}

const signerOf = (documents: DocumentSigner): Signer => ({
  ...{ certificate: documents.certificate, certificateChain: [], keyType: "EC", signatureAlgorithm: "ECDSA" },
  sign: async (bytes, algorithm) => {
    if (algorithm !== "SHA-256") throw new TypeError("documents are signed over SHA-256");
    return documents.sign(bytes);
  },
});
