/** The steps about a bundle's parts, beside those about its entries: manifest and signature, files, values in clear. */
import { BUNDLE, contentOf, decode, type Manifest, parseBundleNote, type ReadBundle } from "../core/bundle.ts";
import { toHex } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import type { SetProof } from "../core/evidence-set.ts";
import { parseNote } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";
import { noteSignedBy } from "./checkpoint.ts";
import { checkDisclosure, parseDisclosure } from "./disclosure.ts";
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
