/**
 * Verifies an export (SPEC.md §16), offline and file by file, so that a million entries need no more memory than one file: the signed
 * manifest over every file, every payload over entry hash, chain, leaf and root to the signed checkpoint and its witnesses, and
 * every list and table against the entries that it was made of. The files are read once, in the order of the manifest.
 */
import { BUNDLE, type BundleFile, decode, EXPIRED_ATTACHMENT } from "../core/bundle.ts";
import { toBase64, toHex } from "../core/bytes.ts";
import type { Checkpoint } from "../core/checkpoint.ts";
import { crc32 } from "../core/crc32.ts";
import {
  EXPORT_PARTS,
  type ExportContent,
  type ExportManifest,
  isExportManifest,
  parseExportManifest,
  parseExportNote,
} from "../core/export/manifest.ts";
import { LIMITS } from "../core/limits.ts";
import { type Note, parseNote } from "../core/note.ts";
import { type ByteSource, readZip } from "../core/zip.ts";
import { stepOfExpired } from "./bundle-steps.ts";
import { noteSignedBy } from "./checkpoint.ts";
import { type CheckpointStep, entries, judgeCheckpoint } from "./checkpoint-steps.ts";
import { domainOf, notCheckedOf } from "./evidence-set.ts";
import { ExportWalk } from "./export-walk.ts";
import type { TrustPolicy } from "./policy.ts";
import { type Platform, reportOfOneStep, StepList, type VerifierReport } from "./report.ts";

export interface ExportReport extends VerifierReport {
  kind: "export";
  /** Only when it is proved, witnessed or not. */
  export: { origin: string; manifest: ExportManifest } | null;
}

/** The untrusted files of an export, wherever they lie. */
export interface ExportFiles {
  /** In the archive's order; null for a folder, which has none. */
  names: readonly string[] | null;
  /** Null: there is none, or it has more than `LIMITS.bundleFileBytes`. */
  read(name: string): Uint8Array | null;
  /** Of the files that were read: what the container itself gets wrong about them. */
  fault?(): string | null;
}

type StepName =
  | "container"
  | "manifest"
  | "files"
  | "forms"
  | "disclosures"
  | "entries"
  | "inclusion"
  | "expired"
  | CheckpointStep;

/** An untrusted zip archive; never throws but for what `source` throws. O(bytes), of which one file is in memory at a time. */
export function verifyExportZip(source: ByteSource, policy: TrustPolicy, platform: Platform): ExportReport {
  const zip = readZip(source, LIMITS.exportFiles + 2);
  if (!zip.ok) return unreadable(zip.fault);
  const places = new Map(zip.files.map((file) => [file.name, file]));
  let fault: string | null = null;
  const read = (name: string): Uint8Array | null => {
    const file = places.get(name);
    if (!file || file.bytes > LIMITS.bundleFileBytes) return null;
    const bytes = source.read(file.start, file.bytes);
    if (crc32(bytes) !== file.crc32) fault ??= `the CRC-32 of ${name} is not that of its bytes`;
    return bytes;
  };
  return verifyExport({ names: zip.files.map(({ name }) => name), read, fault: () => fault }, policy, platform);
}

/** The same of files that were unpacked. Whatever else lies beside them is ignored. */
export function verifyExport(files: ExportFiles, policy: TrustPolicy, platform: Platform): ExportReport {
  const texts = [BUNDLE.manifest, BUNDLE.note].map((name) => decode(files.read(name) ?? undefined));
  const [manifestText, note] = texts;
  if (manifestText == null || note == null) {
    return unreadable("it has no manifest or no note that signs it: an export that broke off has none");
  }
  const manifest = isExportManifest(manifestText) ? parseExportManifest(manifestText) : null;
  if (!manifest) return unreadable("its manifest is none of version 2 in its one spelling");
  const list = new StepList<StepName>();
  const signed = new StepList<CheckpointStep>();
  const { sha256 } = platform;

  const checkpointText = decode(files.read(BUNDLE.checkpoint) ?? undefined) ?? "";
  const judged = judgeCheckpoint(signed, checkpointText, policy, platform, { current: false });
  const { claimed } = judged;
  const keys = policy.keysOf(manifest.origin);
  const isWrong = (note: Note) => keys.length > 0 && noteSignedBy(note, keys, platform.verify) !== "signed";
  const walk = new ExportWalk(sha256, manifest, claimed && { domainId: domainOf(claimed.origin), ...claimed }, isWrong);
  let expired: Uint8Array | null = null;
  for (const file of manifest.files) {
    const bytes = files.read(file.name);
    const same = bytes?.length === file.bytes && toHex(sha256(bytes)) === file.sha256;
    if (!same || !bytes) walk.wrong(file.name, bytes !== null);
    if (file.name === EXPIRED_ATTACHMENT) expired = bytes ?? new Uint8Array();
    else if (bytes && !isPart(file)) walk.take(file.name, bytes);
  }
  const container = containerFault(files, manifest);
  const whole = "the archive holds the files that its manifest lists, and nothing else";
  const folder = "the files that the manifest lists are all there; others were not looked at";
  list.check("container", container, files.names ? whole : folder);
  stepOfManifest(list, { manifest, manifestText, note }, claimed, policy, platform);
  const count = manifest.files.length;
  list.check("files", walk.fileFault, `each of the ${count} files has the size and SHA-256 that the manifest lists`);
  stepsOfEntries(list, walk, manifest, claimed);
  if (expired) {
    const { origin, content } = manifest;
    stepOfExpired(list, expired, { origin, claimed }, content.from, policy, platform);
  }
  list.steps.push(...signed.steps);
  const verdict = judged.conclude(list.failed("witnesses", "remembered"));
  const proven = verdict === "verified" || verdict === "not_witnessed";
  return {
    kind: "export",
    subject: `export of ${describe(manifest.content)} of ${manifest.origin}`,
    verdict,
    steps: list.steps,
    notChecked: [
      ...judged.notChecked,
      ...notCheckedOfContent(manifest.content, claimed),
      ...pdfsOf(manifest),
      ...BESIDE,
    ],
    advice: judged.advice,
    heads: judged.heads,
    export: proven ? { origin: manifest.origin, manifest } : null,
  };
}

const isPart = ({ name }: BundleFile): boolean => (EXPORT_PARTS as readonly string[]).includes(name);

function containerFault({ names, fault }: ExportFiles, manifest: ExportManifest): string | null {
  const listed = [...manifest.files.map(({ name }) => name), BUNDLE.manifest, BUNDLE.note];
  if (names) {
    const has = new Set(names);
    const missing = listed.find((name) => !has.has(name));
    if (missing) return `${missing} is missing`;
    const all = new Set(listed);
    const extra = names.find((name) => !all.has(name));
    if (extra) return `${extra} is in the archive and not in its manifest`;
    if (listed.some((name, i) => name !== names[i])) return "its files are not in the order of the manifest";
  }
  return fault?.() ?? null;
}

function stepOfManifest(
  list: StepList<StepName>,
  { manifest, manifestText, note: noteText }: { manifest: ExportManifest; manifestText: string; note: string },
  claimed: Checkpoint | null,
  policy: TrustPolicy,
  { sha256, verify }: Platform,
): void {
  const note = parseNote(noteText);
  const said = note && parseExportNote(note.text);
  const { origin, head } = manifest;
  const keys = policy.keysOf(origin);
  const fault = (): string | null => {
    if (!note || !said) return "manifest.note is no signed note about an export";
    if (said.manifestHash !== toHex(sha256(manifestText))) return "manifest.note signs another manifest";
    if (said.origin !== origin) return "manifest.note signs for another log";
    if (claimed && claimed.origin !== origin) return "the checkpoint is of another log than the manifest";
    if (claimed && (claimed.size !== head.size || toBase64(claimed.root) !== head.root)) {
      return "the manifest names another head than the checkpoint";
    }
    const signed = keys.length === 0 ? "signed" : noteSignedBy(note, keys, verify);
    if (signed === "signed") return null;
    return signed === "unsigned" ? "no key that is trusted for this log signed it" : "the log's signature is wrong";
  };
  const found = fault();
  if (found === null && keys.length === 0) {
    list.skip("manifest", `it fits what it lists, but no key of this log is trusted: ${origin}`);
  } else list.check("manifest", found, `a key that you trust for ${origin} signed the list of the files`);
}

function stepsOfEntries(
  list: StepList<StepName>,
  walk: ExportWalk,
  { content, entries: count, files }: ExportManifest,
  claimed: Checkpoint | null,
): void {
  if (!claimed) {
    list.skip("entries", "the checkpoint does not say of which log they are");
    list.skip("inclusion", "there is no root to compare with");
    return;
  }
  const { entries: fault, inclusion } = walk.finish();
  const which = count === 1 ? "the entry is" : `each of the ${entries(count)} is`;
  const proves = `${which} the one canonical spelling of itself, and says that it is that entry of this log; the hashes were computed here`;
  const tree = `the tree of ${entries(claimed.size)} under the root of the checkpoint`;
  if (count === 0) list.skip("entries", "the export says that no entry matched, which nothing here can prove");
  else list.check("entries", fault, proves);
  if (count > 0) {
    list.check(
      "inclusion",
      inclusion,
      content.kind === "range"
        ? `these are exactly the entries ${content.from} to ${content.to} of ${tree}: none is left out, none is put in`
        : `each of these entries is in ${tree}, and stands here once`,
    );
  } else if (fault !== null) list.check("inclusion", fault, "");
  const forms = files.filter(({ name }) => /^entries-\d+\.(?:json|csv)$/.test(name)).length;
  if (forms > 0) {
    list.check(
      "forms",
      walk.formFault,
      `each of the ${forms} lists and tables was made again here, and is equal byte for byte`,
    );
  }
  if (walk.disclosed) {
    const { values, withheld, fault: wrong } = walk.disclosed;
    const more = withheld > 0 ? `; ${withheld} more of the same entries are withheld` : "";
    list.check(
      "disclosures",
      wrong,
      `every private value in clear, ${values} in all, is what its entry committed to${more}`,
    );
  }
}

function describe(content: ExportContent): string {
  if (content.kind === "range") return `all entries from ${content.from} to ${content.to}`;
  return `${entries(content.entries)} that the maker selected with: ${content.filter}`;
}

function notCheckedOfContent(content: ExportContent, claimed: Checkpoint | null): string[] {
  if (content.kind === "range") return notCheckedOf({ ...content, prevHash: new Uint8Array(), hashes: [] }, claimed);
  return [
    `whether every entry from ${content.from} to ${content.to} that matches the filter is here: that the selection is complete is the word of whoever made it. Whoever needs it proved exports the range without a filter`,
    "whether what the entries say is true",
  ];
}

const pdfsOf = ({ pdf }: ExportManifest): string[] =>
  pdf
    ? [
        `whether a PDF says what the entries say: it is the file that the manifest lists, a copy to read. Its own signature is of the certificate ${pdf.certificate_sha256}`,
      ]
    : [];

const BESIDE = [
  "when the export was made, and by which software: the maker says so",
  `whether ${BUNDLE.script} and ${BUNDLE.policy} in it are honest: their maker is the log's operator; use a verifier and keys that you got elsewhere`,
];

function unreadable(fault: string): ExportReport {
  return {
    ...reportOfOneStep("export", "export", "refuted", `this is no whole export: ${fault}`),
    kind: "export",
    export: null,
  };
}
