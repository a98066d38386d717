/** Exports as a stranger judges them: the whole is verified, and whatever was changed is found and named. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8 } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { crc32 } from "../../src/core/crc32.ts";
import { formatExportNote, formatTableNote } from "../../src/core/export/manifest.ts";
import { type PlacedZipFile, readZip, sourceOf, zipEnd, zipHeader } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyExport, verifyExportZip } from "../../src/verifier/export.ts";
import { verifyFile } from "../../src/verifier/kinds.ts";
import { NO_TRUST } from "../../src/verifier/policy.ts";
import { madeExport } from "../support/made-exports.ts";
import { PLATFORM, ProvedLog, policyJson, rowsFromGenesis, trust } from "./proved-log.ts";

const log = new ProvedLog(rowsFromGenesis(40));
const FILTER = {
  clauses: [{ field: "action" as const, anyOf: ["document.read"], not: false }],
  afterMs: null,
  beforeMs: null,
};
const bounds = { entries: 7, scanEntries: 10, partBytes: 100_000 };
let range: Uint8Array;
let selection: Uint8Array;

beforeAll(async () => {
  range = await madeExport({ log, wish: { from: 3, to: 33 }, bounds });
  selection = await madeExport({
    log,
    wish: { filter: FILTER, filterText: "action:document.read", formats: ["ndjson", "csv"] },
    bounds,
  });
});

type Files = Map<string, Uint8Array>;
function filesOf(zip: Uint8Array): Files {
  const read = readZip(sourceOf(zip), 1000);
  if (!read.ok) throw new Error(read.fault);
  return new Map(read.files.map(({ name, start, bytes }) => [name, zip.slice(start, start + bytes)]));
}
function zipOf(files: Iterable<readonly [string, Uint8Array]>): Uint8Array {
  const placed: PlacedZipFile[] = [];
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const file = { name, bytes: bytes.length, crc32: crc32(bytes) };
    placed.push({ ...file, offset });
    const header = zipHeader(file);
    chunks.push(header, bytes);
    offset += header.length + bytes.length;
  }
  return concatBytes(...chunks, zipEnd(placed, offset));
}
const judge = (zip: Uint8Array, policy = trust()) => verifyExportZip(sourceOf(zip), policy, PLATFORM);
const failed = (zip: Uint8Array) => judge(zip).steps.filter(({ status }) => status === "failed");
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** What an operator with the log's key can make: the files as changed, listed and signed anew. */
function signedAnew(zip: Uint8Array, change: (files: Files, manifest: Record<string, unknown>) => void): Uint8Array {
  const files = filesOf(zip);
  const manifest = JSON.parse(text(files.get("manifest.json"))) as Record<string, unknown>;
  files.delete("manifest.json");
  files.delete("manifest.note");
  change(files, manifest);
  manifest.files = [...files].map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: toHex(sha256(bytes)) }));
  const json = `${canonicalJson(manifest)}\n`;
  files.set("manifest.json", utf8(json));
  files.set("manifest.note", utf8(log.signer.sign(formatExportNote(log.origin, sha256(json)))));
  return zipOf(files);
}

describe("an export", () => {
  test("of a range in many files is verified, and said to be complete", () => {
    const report = judge(range);
    expect(report.steps.map(({ step, status }) => [step, status])).toEqual(
      ["container", "manifest", "files", "entries", "inclusion", "forms", "checkpoint", "witnesses"].map((step) => [
        step,
        "ok",
      ]),
    );
    expect(report).toMatchObject({
      verdict: "verified",
      export: { manifest: { entries: 31, content: { from: 3, to: 33 } } },
    });
    expect([...filesOf(range).keys()].filter((name) => name.endsWith(".jsonl"))).toHaveLength(5);
  });

  test("of a selection is verified, and not said to be complete", () => {
    const report = judge(selection);
    expect(report).toMatchObject({ verdict: "verified", export: { manifest: { entries: 39 } } });
    expect(report.notChecked[0]).toContain("that the selection is complete is the word of whoever made it");
    expect(report.subject).toContain("action:document.read");
  });

  test("is recognised among other files, and not judged without a key", () => {
    expect(verifyFile(range, trust(), PLATFORM)).toMatchObject({ kind: "export", verdict: "verified" });
    expect(judge(range, NO_TRUST).verdict).toBe("could_not_check");
  });

  test("S0-33: verifies itself when it is unpacked, with Node alone and the network off, and so does the archive", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "export-"));
    try {
      for (const [name, bytes] of filesOf(range)) writeFileSync(path.join(folder, name), bytes);
      writeFileSync(path.join(folder, "kept.zip"), range);
      writeFileSync(path.join(folder, "kept.json"), JSON.stringify(policyJson()));
      const run = (...args: string[]) => {
        // Whatever would open a connection throws.
        const off =
          "const n=require('node:net');n.Socket.prototype.connect=()=>{throw new Error('network')};globalThis.fetch=n.Socket.prototype.connect";
        writeFileSync(path.join(folder, "off.cjs"), off);
        return spawnSync(process.execPath, ["-r", "./off.cjs", "verify.mjs", ...args], {
          cwd: folder,
          encoding: "utf8",
        });
      };
      const unpacked = run("--policy", "kept.json");
      expect([unpacked.status, unpacked.stderr]).toEqual([0, ""]);
      expect(unpacked.stdout).toContain("these are exactly the entries 3 to 33");
      expect(run("kept.zip", "--policy", "kept.json").status).toBe(0);
      expect(run().status).toBe(3);
      writeFileSync(path.join(folder, "entries-00000000000000000003.csv"), "another");
      const changed = run("--policy", "kept.json");
      expect([changed.status, changed.stdout]).toEqual([
        1,
        expect.stringContaining("entries-00000000000000000003.csv"),
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("one byte that was changed is found:", () => {
  test("in every file, which is named", () => {
    for (const [name, bytes] of filesOf(range)) {
      const files = filesOf(range);
      const changed = bytes.slice();
      const at = bytes.length >> 1;
      changed[at] = (changed[at] as number) ^ 1;
      files.set(name, changed);
      const report = judge(zipOf(files));
      expect(report.verdict, name).toBe("refuted");
      if (name.startsWith("manifest")) continue;
      expect(report.steps.find(({ step }) => step === "files")?.detail).toBe(
        `${name} is not the file that the manifest lists`,
      );
    }
  });

  test("at any place of the archive", () => {
    for (let at = 0; at < range.length; at += 4099) {
      const flipped = range.slice();
      flipped[at] = (flipped[at] as number) ^ 4;
      expect(judge(flipped).verdict, `byte ${at}`).toBe("refuted");
    }
  });
});

describe("S3-31: the note beside a table is a detached signature, and", () => {
  const CSV = "entries-00000000000000000010.csv";
  const NOTE = `${CSV}.note`;
  const noteAlone = (note: string, policy = trust()) => verifyFile(utf8(note), policy, PLATFORM);
  const noteOf = () => text(filesOf(range).get(NOTE));

  test("is verified alone, by the log's key, and names the table and its SHA-256", () => {
    const hash = toHex(sha256(filesOf(range).get(CSV) as Uint8Array));
    const report = noteAlone(noteOf());
    expect(report).toMatchObject({ kind: "table_note", verdict: "verified" });
    expect(report.notChecked).toEqual([expect.stringContaining(hash)]);
    expect(report.subject).toContain(CSV);
    expect(noteAlone(noteOf(), NO_TRUST).verdict).toBe("could_not_check");
  });

  test("is never verified with any one character changed", () => {
    const note = noteOf();
    for (let at = 0; at < note.length; at++) {
      const other = note[at] === "A" ? "B" : "A";
      const { verdict } = noteAlone(note.slice(0, at) + other + note.slice(at + 1));
      expect(["refuted", "could_not_check"], `character ${at}`).toContain(verdict);
    }
  });

  test("refutes the archive when another hash, name, origin or signer is put into it, even by the operator", () => {
    const hash = toHex(sha256(filesOf(range).get(CSV) as Uint8Array));
    const said = (origin: string, name: string, of: string) => log.signer.sign(formatTableNote(origin, name, of));
    const notes = {
      hash: said(log.origin, CSV, "0".repeat(64)),
      name: said(log.origin, CSV.replace("10", "17"), hash),
      origin: said(`${log.origin.slice(0, -1)}0`, CSV, hash),
      unsigned: formatTableNote(log.origin, CSV, hash),
      nothing: "",
    };
    for (const [what, note] of Object.entries(notes)) {
      const zip = signedAnew(range, (files) => files.set(NOTE, utf8(note)));
      expect(failed(zip), what).toMatchObject([{ step: "forms", detail: expect.stringContaining(NOTE) }]);
    }
    const other = new ProvedLog(rowsFromGenesis(3), log.origin, log.signer.named(`${log.origin}x`));
    const foreign = other.signer.sign(formatTableNote(log.origin, CSV, hash));
    const right = said(log.origin, CSV, hash);
    const broken = right.replace(/(.{10})(.)(.*\n)$/, (_, head, one, tail) => head + (one === "A" ? "B" : "A") + tail);
    for (const note of [foreign, broken]) {
      const zip = signedAnew(range, (files) => files.set(NOTE, utf8(note)));
      expect(failed(zip)[0]).toMatchObject({ step: "forms", detail: expect.stringContaining(NOTE) });
    }
    // The same way with the right note is no fault: the test is not about the signing anew.
    expect(judge(signedAnew(range, (files) => files.set(NOTE, utf8(right)))).verdict).toBe("verified");
  });
});

describe("refuted, and the reason named:", () => {
  const without = (zip: Uint8Array, name: string) => zipOf([...filesOf(zip)].filter(([each]) => each !== name));
  test("a file that was taken out", () => {
    const name = "entries-00000000000000000010.jsonl";
    expect(failed(without(range, name))[0]).toMatchObject({ step: "container", detail: `${name} is missing` });
    expect(judge(without(range, "manifest.note")).verdict).toBe("refuted");
  });

  test("a file that was put in", () => {
    const files = [...filesOf(range), ["more.txt", utf8("x")] as const];
    expect(failed(zipOf(files))[0]?.detail).toBe("more.txt is in the archive and not in its manifest");
  });

  test("files in another order", () => {
    const files = [...filesOf(range)];
    expect(failed(zipOf([...files.slice(1), files[0] as (typeof files)[0]]))[0]?.step).toBe("container");
  });

  test("an archive that broke off", () => {
    for (const share of [0, 0.3, 0.9, 0.999])
      expect(judge(range.subarray(0, range.length * share)).verdict).toBe("refuted");
  });

  test("signed by another key of the log", () => {
    const files = filesOf(range);
    const other = new ProvedLog(rowsFromGenesis(3), log.origin, log.signer.named(`${log.origin}x`));
    const note = text(files.get("manifest.note")).split("\n\n")[0];
    files.set("manifest.note", utf8(other.signer.sign(`${note}\n`)));
    expect(failed(zipOf(files))[0]?.detail).toBe("no key that is trusted for this log signed it");
  });
});

describe("the operator itself, with the log's key, cannot", () => {
  const LINES = "entries-00000000000000000010.jsonl";
  const edit = (files: Files, name: string, change: (text: string) => string) =>
    files.set(name, utf8(change(text(files.get(name)))));

  test("change an entry", () => {
    const zip = signedAnew(range, (files) => edit(files, LINES, (lines) => lines.replace('"real"', '"fake"')));
    expect(failed(zip).map(({ step }) => step)).toEqual(["inclusion", "forms"]);
  });

  test("leave an entry of a range out", () => {
    const zip = signedAnew(range, (files) => edit(files, LINES, (lines) => lines.slice(lines.indexOf("\n") + 1)));
    expect(failed(zip).map(({ step }) => step)).toContain("entries");
  });

  test("say in the list or the table what the entries do not say", () => {
    for (const name of [LINES.replace("jsonl", "json"), LINES.replace("jsonl", "csv")]) {
      const zip = signedAnew(range, (files) =>
        edit(files, name, (form) => form.replace("document.read", "document.burn")),
      );
      expect(failed(zip)).toMatchObject([{ step: "forms", detail: `${name} does not say what the entries say` }]);
    }
  });

  test("put an entry twice into a selection, or count others", () => {
    const counted = signedAnew(selection, (_, manifest) => {
      manifest.entries = 38;
      (manifest.content as { entries: number }).entries = 38;
    });
    expect(failed(counted)[0]?.detail).toContain("counts 38 entries, and here are 39");
  });

  test("move a selection to another place of the log", () => {
    const moved = signedAnew(selection, (_, manifest) => {
      (manifest.content as { to: number }).to = 20;
    });
    expect(failed(moved)[0]?.detail).toBe("entry 21 is not between 0 and 20");
  });

  test("name a head in the manifest that the checkpoint does not have", () => {
    const zip = signedAnew(range, (_, manifest) => {
      manifest.head = { size: 41, root: (manifest.head as { root: string }).root };
    });
    expect(failed(zip)[0]?.detail).toBe("the manifest names another head than the checkpoint");
  });

  test("add a file that an export does not have", () => {
    expect(judge(signedAnew(range, (files) => files.set("attachment-x", utf8("x")))).verdict).toBe("refuted");
  });
});

test("of unpacked files a missing one is named", () => {
  const files = filesOf(range);
  files.delete("entries-00000000000000000010.jsonl");
  const report = verifyExport({ names: null, read: (name) => files.get(name) ?? null }, trust(), PLATFORM);
  expect(report.steps.find(({ step }) => step === "files")?.detail).toContain(
    "entries-00000000000000000010.jsonl is missing",
  );
});
