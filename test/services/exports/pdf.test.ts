/** The PDF of an export as others judge it: openssl checks its signature, the archive's verifier its place in the archive. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { readZip, sourceOf } from "../../../src/core/zip.ts";
import { documentSigner } from "../../../src/crypto/document-signer.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { pdfRow, pdfText } from "../../../src/services/exports/pdf-text.ts";
import { verifyExportZip } from "../../../src/verifier/export.ts";
import { madeExport } from "../../support/made-exports.ts";
import { PLATFORM, ProvedLog, rowsFromGenesis, trust } from "../../verifier/proved-log.ts";

const documents = documentSigner("log.test", new Uint8Array(32).fill(9));
const log = new ProvedLog(rowsFromGenesis(40));
const formats = ["ndjson", "csv", "pdf"] as const;
let zip: Uint8Array;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "moonseal-pdf-"));
  zip = await madeExport({ log, wish: { formats }, documents });
});
afterAll(() => rmSync(folder, { recursive: true }));

function filesOf(archive: Uint8Array): Map<string, Uint8Array> {
  const read = readZip(sourceOf(archive), 1000);
  if (!read.ok) throw new Error(read.fault);
  return new Map(read.files.map(({ name, start, bytes }) => [name, archive.slice(start, start + bytes)]));
}
const pdfOf = (archive: Uint8Array) => filesOf(archive).get(`entries-${"0".repeat(20)}.pdf`) as Uint8Array;
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** ISO 32000-1 §12.8.1: the signature is of both stretches, which are all but the signature. */
function rangesOf(pdf: Uint8Array): [number, number, number, number] {
  const found = /\/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]/.exec(latin1(pdf));
  return (found?.slice(1).map(Number) ?? []) as [number, number, number, number];
}

/** Whether openssl holds the detached CMS for one of this content, made with this certificate. */
function opensslHolds(pdf: Uint8Array, certificate = documents.certificate): boolean {
  const [a, aBytes, b, bBytes] = rangesOf(pdf);
  const padded = Buffer.from(latin1(pdf.subarray(aBytes + 1, b - 1)), "hex");
  const at = (name: string) => path.join(folder, name);
  writeFileSync(at("signed"), Buffer.concat([pdf.subarray(a, a + aBytes), pdf.subarray(b, b + bBytes)]));
  writeFileSync(at("cms"), padded.subarray(0, 4 + padded.readUInt16BE(2)));
  writeFileSync(at("pem"), new X509Certificate(certificate).toString());
  const cms = ["cms", "-verify", "-binary", "-inform", "DER", "-in", at("cms"), "-content", at("signed")];
  const { status, error } = spawnSync("openssl", [...cms, "-CAfile", at("pem"), "-purpose", "any", "-out", at("out")]);
  if (error) throw error;
  return status === 0;
}

describe("S3-31 the PDF of an export", () => {
  test("S3-31 has a signature over all but itself that openssl verifies, and refuses with another certificate", () => {
    const pdf = pdfOf(zip);
    const [a, aBytes, b, bBytes] = rangesOf(pdf);
    expect(a).toBe(0);
    expect(b + bBytes).toBe(pdf.length);
    expect(latin1(pdf.subarray(aBytes, b))).toMatch(/^<[0-9A-Fa-f]+>$/);
    expect(opensslHolds(pdf)).toBe(true);
    const other = documentSigner("log.test", new Uint8Array(32).fill(10));
    expect(opensslHolds(pdf, other.certificate)).toBe(false);
  });

  test("S3-31 one changed byte in front of the signature or behind it breaks it", () => {
    const pdf = pdfOf(zip);
    const [, aBytes, b, bBytes] = rangesOf(pdf);
    for (const at of [10, Math.floor(aBytes / 2), aBytes - 1, b + 1, b + bBytes - 2]) {
      const changed = pdf.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(opensslHolds(changed) && rangesOf(changed).join() === rangesOf(pdf).join(), String(at)).toBe(false);
    }
  });

  test.runIf(spawnSync("pdfsig", ["-v"]).error === undefined)("S3-31 pdfsig says that it is valid", () => {
    const file = path.join(folder, "a.pdf");
    writeFileSync(file, pdfOf(zip));
    expect(String(spawnSync("pdfsig", ["-nocert", file]).stdout)).toContain("Signature is Valid");
  });

  test("S3-31 stands in the manifest with its SHA-256 and the certificate, and the archive with it verifies", () => {
    const report = verifyExportZip(sourceOf(zip), trust(), PLATFORM);
    expect(report.verdict).toBe("verified");
    expect(report.notChecked.join()).toContain(documents.fingerprint);
    const manifest = JSON.parse(new TextDecoder().decode(filesOf(zip).get("manifest.json")));
    expect(manifest.pdf).toEqual({ certificate_sha256: toHex(sha256(documents.certificate)) });
    const listed = manifest.files.find(({ name }: { name: string }) => name.endsWith(".pdf"));
    expect(listed.sha256).toBe(toHex(sha256(pdfOf(zip))));
  });

  test("S3-31 with one changed byte is refuted by the archive's verifier, which names it", () => {
    const pdf = pdfOf(zip);
    const changed = zip.slice();
    const at = Buffer.from(zip).indexOf(pdf);
    changed[at + 100] = (changed[at + 100] ?? 0) ^ 1;
    const report = verifyExportZip(sourceOf(changed), trust(), PLATFORM);
    expect(report.verdict).toBe("refuted");
    expect(JSON.stringify(report.steps)).toContain(".pdf");
  });

  test("is one for each group; a manifest without it has no such field", async () => {
    const small = { entries: 7, scanEntries: 10, partBytes: 100_000 };
    const made = await madeExport({ log, wish: { formats }, bounds: small, documents });
    expect([...filesOf(made).keys()].filter((name) => name.endsWith(".pdf"))).toHaveLength(Math.ceil(40 / 7));
    expect(verifyExportZip(sourceOf(made), trust(), PLATFORM).verdict).toBe("verified");
    const plain = filesOf(await madeExport({ log, documents }));
    expect(new TextDecoder().decode(plain.get("manifest.json"))).not.toContain('"pdf"');
  });

  test("of a selection of more entries than the limit is never made: the export fails and names the limit", async () => {
    const many = new ProvedLog(rowsFromGenesis(LIMITS.pdfEntries + 1));
    const made = madeExport({ log: many, wish: { formats }, bounds: { entries: 600 }, documents });
    await expect(made).rejects.toMatchObject({
      code: "limit.reached",
      detail: expect.stringContaining("1000 entries"),
    });
  });
});

describe("the certificate", () => {
  test("is made of the secret and the host alone, signs itself, and is no authority", () => {
    const again = documentSigner("log.test", new Uint8Array(32).fill(9));
    expect(again.certificate).toEqual(documents.certificate);
    const read = new X509Certificate(documents.certificate);
    expect(read.verify(read.publicKey)).toBe(true);
    expect([read.subject, read.ca, read.subjectAltName]).toEqual([
      "O=Moonseal documents\nCN=log.test",
      false,
      "DNS:log.test",
    ]);
    expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(documentSigner("log.example", new Uint8Array(32).fill(9)).fingerprint).not.toBe(again.fingerprint);
    expect(() => documentSigner("log.test", new Uint8Array(31))).toThrow(RangeError);
  });
});

describe("what stands in it", () => {
  const row = (payload: object) => ({ seq: 5, entryHash: "", prevHash: "", payload: JSON.stringify(payload) });

  test("never hides or turns a character: what Latin-1 lacks is named, a backslash is doubled", () => {
    expect(pdfText("a\u202eb\\ü\n😀")).toBe("a\\u{202e}b\\\\ü\\u{a}\\u{1f600}");
  });

  test("are pseudonyms where the entry has them, and no field that the table does not name", () => {
    const [line] = pdfRow(
      row({
        ...{ occurred_at: "2026-11-21T12:00:00.000Z", action: "secret.read", outcome: "success" },
        actor: { type: "user", ref: "psn_1", via: { id: "unnamed" } },
        ...{ targets: [{ type: "secret", id: "s-1" }], metadata: { colour: "unnamed" } },
      }),
    );
    expect(line?.text.split(/ {2,}|(?<=Z) /)).toEqual([
      ...["5", "2026-11-21T12:00:00.000Z", "user:psn_1", "secret.read", "secret:s-1", "success"],
    ]);
  });

  test("a cell that is too long goes on in the next line, and at last says that it is cut", () => {
    const lines = pdfRow(row({ action: "a".repeat(2000) })).map(({ text }) => text.trim());
    expect(lines.length).toBeLessThan(16);
    expect(lines.join("")).toMatch(/^5 +a{464} \[cut\]$/);
  });
});
