/** Bundles of a small log, written as the product writes them. */
import { concatBytes } from "../../../src/core/bytes.ts";
import type { EvidenceSet } from "../../../src/core/evidence-set.ts";
import { tarEnd, tarHeader, tarPadding } from "../../../src/core/tar.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { VERIFY_SCRIPT } from "../../../src/services/bundle/verify-script.ts";
import { type BundleSource, writeBundle } from "../../../src/services/bundle/write.ts";
import { ProvedLog, policyJson } from "../../verifier/proved-log.ts";

export const log = new ProvedLog();

export const sourceOf = (set: EvidenceSet, change: Partial<BundleSource> = {}): BundleSource => ({
  proof: set.proof,
  checkpoint: set.checkpoint,
  payloads: pieces(set.payloads, 4),
  policy: policyJson(),
  script: VERIFY_SCRIPT,
  madeAtMs: Date.UTC(2026, 10, 21, 12),
  madeBy: "moonseal 0.1.0",
  ...change,
});

export const pieces = (payloads: readonly string[], count: number): string[][] =>
  Array.from({ length: Math.ceil(payloads.length / count) }, (_, i) => payloads.slice(i * count, (i + 1) * count));

export async function bundleOf(
  set: EvidenceSet,
  change: Partial<BundleSource> = {},
  signer = log.signer,
): Promise<Uint8Array> {
  return collect(writeBundle(sourceOf(set, change), { sha256, signer }));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(...parts);
}

/** An archive of any files, for what the writer would never write. */
export const archiveOf = (files: Iterable<readonly [string, Uint8Array]>): Uint8Array =>
  concatBytes(
    ...[...files].flatMap(([name, bytes]) => [tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)]),
    tarEnd(),
  );
