/**
 * An export on disk, as an archive or unpacked, read piece by piece: a million entries need no more memory than one file of it. Only
 * what Node 20 has (`verify.mjs` uses it).
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { BUNDLE } from "../../core/bundle.ts";
import { isExportManifest } from "../../core/export/manifest.ts";
import { LIMITS } from "../../core/limits.ts";
import { isTarName } from "../../core/tar.ts";
import { type ExportFiles, type ExportReport, verifyExport, verifyExportZip } from "../../verifier/export.ts";
import type { TrustPolicy } from "../../verifier/policy.ts";
import type { Platform } from "../../verifier/report.ts";

/** The report of a path that is an export; null: it is something else. Throws what the file system throws. */
export function verifyExportAt(path: string, policy: TrustPolicy, platform: Platform): ExportReport | null {
  if (statSync(path).isDirectory()) {
    const files = unpackedAt(path);
    return files && verifyExport(files, policy, platform);
  }
  const file = openSync(path, "r");
  try {
    const read = (offset: number, byteLength: number) => readAt(file, offset, byteLength);
    if (!beginsLikeZip(read(0, 4))) return null;
    return verifyExportZip({ size: fstatSync(file).size, read }, policy, platform);
  } finally {
    closeSync(file);
  }
}

/** The header of a file, or the end of an archive without any. */
export function beginsLikeZip(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6));
}

function readAt(file: number, offset: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  while (at < byteLength) {
    const count = readSync(file, bytes, at, byteLength - at, offset + at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

/** Null: its manifest is none of an export. */
function unpackedAt(folder: string): ExportFiles | null {
  const read = (name: string): Uint8Array | null => {
    const path = join(folder, name);
    const found = isTarName(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return found?.isFile() && found.size <= LIMITS.bundleFileBytes ? readFileSync(path) : null;
  };
  const manifest = read(BUNDLE.manifest);
  return manifest && isExportManifest(new TextDecoder().decode(manifest)) ? { names: null, read } : null;
}
