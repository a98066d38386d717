/** The steps about a bundle's parts, beside those about its entries: manifest and signature, files, values in clear. */
import {
  BUNDLE,
  contentOf,
  decode,
  EXPIRED_ATTACHMENT,
  type Manifest,
  parseBundleNote,
  type ReadBundle,
} from "../core/bundle.ts";
import { toBase64, toHex } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import { type Checkpoint, parseCheckpointNote } from "../core/checkpoint.ts";
import type { SetProof } from "../core/evidence-set.ts";
import { expiryClaim } from "../core/expired.ts";
import { parseNote } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";
import { decodeProvedEntry, parseTlogProof } from "../core/tlog-proof.ts";
import { noteSignedBy } from "./checkpoint.ts";
import { checkDisclosure, parseDisclosure } from "./disclosure.ts";
import { verifyEvidence } from "./evidence.ts";
import { domainOf } from "./evidence-set.ts";
import type { TrustPolicy } from "./policy.ts";
import type { Platform, StepList } from "./report.ts";

export type OpenedBundle = Extract<ReadBundle, { ok: true }>;
type BundleSteps = Pick<StepList<"manifest" | "files" | "disclosures">, "check" | "skip">;

/** That the manifest is about this proof and this log, and that a key of the log signed it. */
export function stepOfManifest(
  list: BundleSteps,
  { manifest, manifestText, note: noteText }: OpenedBundle,
  claimed: Checkpoint | null,
  proof: SetProof | null,
  policy: TrustPolicy,
  { sha256, verify }: Platform,
): void {
  const note = parseNote(noteText);
  const said = note && parseBundleNote(note.text);
  const { origin } = manifest;
  const fault = (): string | null => {
    if (!note || !said) return "manifest.note is no signed note about a bundle";
    if (said.manifestHash !== toHex(sha256(manifestText))) return "manifest.note signs another manifest";
    if (said.origin !== origin) return "manifest.note signs for another log";
    if (claimed && claimed.origin !== origin) return "the checkpoint is of another log than the manifest";
    if (proof && canonicalJson(contentOf(proof)) !== canonicalJson(manifest.content)) {
      return "the manifest lists other entries than the proof is about";
    }
    const keys = policy.keysOf(origin);
    const signed = keys.length === 0 ? "signed" : noteSignedBy(note, keys, verify);
    if (signed === "signed") return null;
    return signed === "unsigned" ? "no key that is trusted for this log signed it" : "the log's signature is wrong";
  };
  const found = fault();
  if (found === null && policy.keysOf(origin).length === 0) {
    list.skip("manifest", `it fits what it lists, but no key of this log is trusted: ${origin}`);
  } else list.check("manifest", found, `a key that you trust for ${origin} signed the list of the files`);
}

export function stepOfFiles(list: BundleSteps, { files, manifest }: OpenedBundle, sha256: Sha256): void {
  const wrong = manifest.files.find(({ name, bytes, sha256: hash }) => {
    const file = files.get(name);
    return file?.length !== bytes || toHex(sha256(file)) !== hash;
  });
  const count = manifest.files.length;
  list.check(
    "files",
    wrong ? `${wrong.name} is not the file that the manifest lists` : null,
    `each of the ${count} files has the size and SHA-256 that the manifest lists`,
  );
}

/**
 * That the entries before `first`, the first that may be here, are gone by policy: the log itself says so, in an entry whose evidence
 * lies beside. Whoever makes the bundle, or the export, cannot claim it otherwise: the evidence is of this very log, by its whole
 * origin, and stands under a checkpoint that is judged like the bundle's own. What no witness saw as the policy asks proves no expiry.
 * `claimed`: the bundle's checkpoint.
 */
export function stepOfExpired(
  list: Pick<StepList<"expired">, "check" | "skip">,
  bytes: Uint8Array,
  { origin, claimed }: { origin: string; claimed: Checkpoint | null },
  first: number | null,
  policy: TrustPolicy,
  platform: Platform,
): void {
  const text = decode(bytes);
  const evidence = text === null ? null : parseTlogProof(text);
  const payload = evidence?.extra ? decodeProvedEntry(evidence.extra)?.payload : undefined;
  const claim = payload === undefined ? null : expiryClaim(payload, domainOf(origin));
  const shown = evidence ? parseCheckpointNote(evidence.checkpoint)?.checkpoint : undefined;
  const report = text === null ? null : verifyEvidence(text, policy, platform);
  const fault = (): string | null => {
    if (!report || !claim) return `${EXPIRED_ATTACHMENT} is no evidence for an entry ledger.expired of this log`;
    if (shown?.origin !== origin) return `${EXPIRED_ATTACHMENT} is of another log`;
    if (shown.size === claimed?.size && toBase64(shown.root) !== toBase64(claimed.root)) {
      return `${EXPIRED_ATTACHMENT} shows another root for the same ${shown.size} entries: this log has two histories`;
    }
    const failed = report.steps.find(({ step, status }) => status === "failed" && step !== "witnesses");
    if (report.verdict === "refuted" || failed) return `${EXPIRED_ATTACHMENT}: ${failed?.detail ?? "it is refuted"}`;
    if (claim.firstKept === first) return null;
    return `${EXPIRED_ATTACHMENT} says that entries before ${claim.firstKept} are gone, and this begins otherwise`;
  };
  const found = fault();
  if (found === null && report?.verdict === "not_witnessed") {
    list.skip("expired", `${EXPIRED_ATTACHMENT}: the witnesses that the policy requires did not see the entry in it`);
    return;
  }
  list.check(
    "expired",
    found,
    `what entries 0 to ${(first ?? 1) - 1} said is gone by policy: entry ${claim?.seq} of the log says so; their hashes are under the root`,
  );
}

/** Values in clear: that they are what entries of this bundle committed to. */
export function stepOfDisclosures(
  list: BundleSteps,
  bytes: Uint8Array,
  { origin }: Manifest,
  hashes: ReadonlyMap<number, string>,
  sha256: Sha256,
): void {
  const text = decode(bytes);
  const file = text === null ? null : parseDisclosure(text);
  const checked = file && checkDisclosure(file, sha256);
  const fault = (): string | null => {
    if (!checked) return "disclosures.json is no disclosure of version 1";
    if (checked.domain !== domainOf(origin)) return "the disclosures are of another log";
    const foreign = checked.entries.find(({ seq, entryHash }) => hashes.get(seq) !== entryHash);
    if (foreign) return `entry ${foreign.seq} of the disclosures is not in this bundle`;
    return checked.verdict === "refuted" ? "a value is not what its entry committed to" : null;
  };
  list.check(
    "disclosures",
    fault(),
    `every value in clear, ${checked?.matching} in all, is what its entry committed to; ${checked?.withheld} more are withheld`,
  );
}
