/**
 * Verifies an export bundle (SPEC.md §14), offline: the signed manifest over every file, every payload over entry hash, chain,
 * leaf and root to the signed checkpoint and its witnesses. The bundle's own policy and script are files like any other:
 * whoever made the bundle made them, so they vouch for nothing.
 */

import {
  BUNDLE,
  type BundleFiles,
  decode,
  EXPIRED_ATTACHMENT,
  entriesName,
  isAttachment,
  isEntries,
  type Manifest,
  openBundle,
  readBundle,
} from "../core/bundle.ts";
import { toHex } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { countOf, parseSetProof, type SetProof } from "../core/evidence-set.ts";
import { LIMITS } from "../core/limits.ts";
import type { Sha256 } from "../core/sha256.ts";
import { type OpenedBundle, stepOfDisclosures, stepOfExpired, stepOfFiles, stepOfManifest } from "./bundle-steps.ts";
import { type CheckpointStep, judgeCheckpoint } from "./checkpoint-steps.ts";
import { describeSet, domainOf, notCheckedOf, type SetStep, skipSet, stepsOfSet } from "./evidence-set.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport } from "./report.ts";
import { SetFold } from "./set-fold.ts";

type StepName = "container" | "manifest" | "files" | "disclosures" | "expired" | SetStep | CheckpointStep;

export interface BundleReport extends VerifierReport {
  kind: "bundle";
  /** Only when it is proved, witnessed or not. */
  bundle: { origin: string; proof: SetProof; manifest: Manifest } | null;
}

/** An untrusted archive, or the files of one that was unpacked; never throws. O(bytes), which are all in memory. */
export function verifyBundle(bundle: Uint8Array | BundleFiles, policy: TrustPolicy, platform: Platform): BundleReport {
  const opened = bundle instanceof Uint8Array ? readBundle(bundle) : openBundle(bundle);
  if (!opened.ok) return unreadable(opened.fault);
  const { sha256 } = platform;
  const { files, manifest } = opened;
  const list = new StepList<StepName>();
  const isArchive = bundle instanceof Uint8Array;
  const whole = isArchive
    ? "the archive holds the files that its manifest lists, and nothing else"
    : "the files that the manifest lists are all there; others were not looked at";
  list.check("container", null, whole);
  const { checkpoint, proof } = partsOf(files);
  const signed = new StepList<CheckpointStep>();
  const judged = judgeCheckpoint(signed, checkpoint ?? "", policy, platform, { current: false });
  const { claimed } = judged;
  stepOfManifest(list, opened, claimed, proof, policy, platform);
  stepOfFiles(list, opened, sha256);
  const disclosed = files.get(BUNDLE.disclosures);
  const hashes = new Map<number, string>();
  if (claimed && proof) {
    const fold = foldOf(opened, proof, claimed, sha256, disclosed ? hashes : null);
    if (fold instanceof SetFold) stepsOfSet(list, fold, proof, claimed);
    else list.check("entries", fold, "");
  } else if (proof) skipSet(list);
  else list.check("entries", "proof.txt is no proof of version 1 in its one spelling", "");
  if (disclosed) stepOfDisclosures(list, disclosed, manifest, hashes, sha256);
  const expired = files.get(EXPIRED_ATTACHMENT);
  if (expired) {
    const { origin } = manifest;
    stepOfExpired(list, expired, { origin, claimed }, proof?.kind === "range" ? proof.from : null, policy, platform);
  }
  list.steps.push(...signed.steps);
  const verdict = judged.conclude(list.failed("witnesses", "remembered"));
  const proven = verdict === "verified" || verdict === "not_witnessed";
  return {
    kind: "bundle",
    subject: proof ? `export bundle of ${describeSet(proof)} of ${manifest.origin}` : "export bundle",
    verdict,
    steps: list.steps,
    notChecked: [...judged.notChecked, ...(proof ? notCheckedOf(proof, claimed) : []), ...beside(manifest)],
    advice: judged.advice,
    heads: judged.heads,
    bundle: proven && proof ? { origin: manifest.origin, proof, manifest } : null,
  };
}

function partsOf(files: BundleFiles): { checkpoint: string | null; proof: SetProof | null } {
  const proof = decode(files.get(BUNDLE.proof));
  return { checkpoint: decode(files.get(BUNDLE.checkpoint)), proof: proof === null ? null : parseSetProof(proof) };
}

/** Feeds the entries file by file; or what is wrong with a file. `hashes`: gets entry hashes by seq. */
function foldOf(
  { files, manifest }: OpenedBundle,
  proof: SetProof,
  claimed: Checkpoint,
  sha256: Sha256,
  hashes: Map<number, string> | null,
): SetFold | string {
  const fold = new SetFold(sha256, proof, { domainId: domainOf(claimed.origin), size: claimed.size });
  if (countOf(proof) > LIMITS.bundleEntries) return `a bundle has at most ${LIMITS.bundleEntries} entries`;
  for (const { name } of manifest.files.filter((file) => isEntries(file.name))) {
    const text = decode(files.get(name));
    if (text === null || !text.endsWith("\n")) return `${name} is not lines of UTF-8`;
    let first: number | null = null;
    for (let at = 0; at < text.length && fold.fed < countOf(proof); ) {
      const end = text.indexOf("\n", at);
      const entry = fold.feed(text.slice(at, end));
      if (entry) hashes?.set(entry.seq, toHex(entry.entryHash));
      first ??= entry?.seq ?? null;
      at = end + 1;
      if (fold.fed === countOf(proof) && at < text.length) return `${name} has more lines than the proof is about`;
    }
    if (first === null || entriesName(first) !== name) return `${name} is not named after its first entry`;
  }
  return fold;
}

function beside({ files }: Manifest): string[] {
  const attached = files
    .filter(({ name }) => isAttachment(name) && name !== EXPIRED_ATTACHMENT)
    .map(({ name }) => name);
  return [
    "when the bundle was made, and by which software: the maker says so",
    `whether ${BUNDLE.script} and ${BUNDLE.policy} in it are honest: their maker is the log's operator; use a verifier and keys that you got elsewhere`,
    ...(attached.length > 0 ? [`what stands in ${attached.join(", ")}`] : []),
  ];
}

function unreadable(fault: string): BundleReport {
  return {
    ...reportOfOneStep("bundle", "export bundle", "refuted", `this is no whole export bundle: ${fault}`),
    kind: "bundle",
    bundle: null,
  };
}
