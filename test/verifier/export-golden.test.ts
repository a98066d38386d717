/** S0-34: exports that were made by an older version, with the script that was in them then. Do not "repair" one: a new format gets new ones. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyExportZip } from "../../src/verifier/export.ts";
import golden from "../vectors/exports/v2.json" with { type: "json" };
import { PLATFORM, policyJson, trust } from "./proved-log.ts";

const read = (name: string) => new Uint8Array(readFileSync(path.join(import.meta.dirname, "../vectors/exports", name)));

describe.each(Object.entries(golden.sha256))("S0-34: %s", (name, hash) => {
  test("is the file that was made then", () => {
    expect(toHex(sha256(read(name)))).toBe(hash);
  });

  test("is verified by the verifier of today", () => {
    expect(verifyExportZip(sourceOf(read(name)), trust(), PLATFORM).verdict).toBe("verified");
  });

  test("is verified by its own script, unpacked, and the script exits 0", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "export-"));
    try {
      const zip = read(name);
      const files = readZip(sourceOf(zip), 100);
      if (!files.ok) throw new Error(files.fault);
      for (const file of files.files) {
        writeFileSync(path.join(folder, file.name), zip.subarray(file.start, file.start + file.bytes));
      }
      writeFileSync(path.join(folder, "mine.json"), JSON.stringify(policyJson()));
      const { status, stderr } = spawnSync(process.execPath, ["verify.mjs", "--policy", "mine.json"], {
        cwd: folder,
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([0, ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
