/**
 * Export bundles (SPEC.md §14): one tar archive that carries entries, proof, signed checkpoint, the maker's trust policy and the
 * script that verifies it, bound together by a manifest that the log's key signs. This file names the parts and takes an
 * untrusted archive apart; `verifier/bundle.ts` judges it.
 */
import { toHex } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import { countOf, type SetProof } from "./evidence-set.ts";
import { parseId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { HASH_BYTES } from "./sha256.ts";
import { isCount, isHash, isInstant, listOf, withFields } from "./shape.ts";
import { isTarName, readTar } from "./tar.ts";

export const BUNDLE_VERSION = 1;
/** First line of the note that signs a manifest: it can never be taken for another document signed by the same key. */
export const BUNDLE_LABEL = "moonseal/bundle/v1";

/** The parts with one name each. Only the last two are not in the manifest. */
export const BUNDLE = {
  readme: "readme.txt",
  script: "verify.mjs",
  page: "verify.html",
  policy: "policy.json",
  checkpoint: "checkpoint.txt",
  proof: "proof.txt",
  disclosures: "disclosures.json",
  manifest: "manifest.json",
  note: "manifest.note",
} as const;

const REQUIRED = [BUNDLE.readme, BUNDLE.script, BUNDLE.policy, BUNDLE.checkpoint, BUNDLE.proof] as const;
const OPTIONAL: readonly string[] = [BUNDLE.page, BUNDLE.disclosures];
const SEQ_DIGITS = 20;
const ENTRIES = /^entries-(\d{20})\.jsonl$/;
const ATTACHMENT = /^attachment-[a-z0-9][a-z0-9.-]*$/;

/** Evidence for the entry that says that what stood before the bundle's range is gone by policy (SPEC.md §14). */
export const EXPIRED_ATTACHMENT = "attachment-expired.tlog-proof";
/** What else the maker put in; nothing is said about it but that it is what the manifest lists. */
export const isAttachment = (name: string): boolean => ATTACHMENT.test(name) && isTarName(name);
/** Payloads from this seq on, each with LF. */
export const entriesName = (firstSeq: number): string => `entries-${String(firstSeq).padStart(SEQ_DIGITS, "0")}.jsonl`;
export const isEntries = (name: string): boolean => ENTRIES.test(name);

export interface BundleFile {
  name: string;
  /** Byte length. */
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
}

export type BundleContent = { kind: "range"; from: number; to: number } | { kind: "selection"; entries: number };

export interface Manifest {
  v: typeof BUNDLE_VERSION;
  origin: string;
  content: BundleContent;
  /** RFC 3339, UTC, milliseconds; by the maker's clock. */
  made_at: string;
  /** Name and version of the software, in printable ASCII. */
  made_by: string;
  /** Everything but manifest and note, in the archive's order. */
  files: BundleFile[];
}

export const contentOf = (proof: SetProof): BundleContent =>
  proof.kind === "range"
    ? { kind: "range", from: proof.from, to: proof.to }
    : { kind: "selection", entries: countOf(proof) };

export const formatManifest = (manifest: Manifest): string => `${canonicalJson(manifest)}\n`;

/** `<log host>/<domain id>`. */
const isOrigin = (value: unknown): value is string =>
  typeof value === "string" &&
  /^[^\s\p{Cc}+]+\/[^/]+$/u.test(value) &&
  parseId(value.slice(value.lastIndexOf("/") + 1))?.kind === "domain";
const isRange = withFields({ kind: (value) => value === "range", from: isCount, to: isCount });
const isSelection = withFields({ kind: (value) => value === "selection", entries: isCount });
const isFile = withFields({
  name: (value) => typeof value === "string" && isTarName(value),
  bytes: (value) => isCount(value) && (value as number) <= LIMITS.bundleFileBytes,
  sha256: isHash,
});
const isManifest = withFields({
  v: (value) => value === BUNDLE_VERSION,
  origin: isOrigin,
  content: (value) => isRange(value) || isSelection(value),
  made_at: isInstant,
  made_by: (value) => typeof value === "string" && /^[\x20-\x7e]{1,100}$/.test(value),
  files: listOf(isFile),
});

/** An untrusted manifest; null for every other spelling, and for files that version 1 does not have. */
export function parseManifest(text: string): Manifest | null {
  const value = text.endsWith("\n") ? parseCanonicalJson(text.slice(0, -1), LIMITS.jsonDepth)?.value : null;
  if (!isManifest(value)) return null;
  const manifest = value as unknown as Manifest;
  return hasParts(manifest.files) ? manifest : null;
}

/** Each part once, at least one file of entries, nothing unknown. */
function hasParts(files: readonly BundleFile[]): boolean {
  const names = new Set(files.map(({ name }) => name));
  const known = (name: string) =>
    (REQUIRED as readonly string[]).includes(name) || OPTIONAL.includes(name) || isEntries(name) || isAttachment(name);
  return (
    files.length <= LIMITS.bundleFiles &&
    names.size === files.length &&
    REQUIRED.every((name) => names.has(name)) &&
    [...names].some(isEntries) &&
    [...names].every(known)
  );
}

/** The text that the log's key signs. Throws unless it can be read as nothing else. */
export function formatBundleNote(origin: string, manifestHash: Uint8Array): string {
  if (!isOrigin(origin) || manifestHash.length !== HASH_BYTES) throw new RangeError("a log's origin and a SHA-256");
  const text = `${BUNDLE_LABEL}\n${origin}\n${toHex(manifestHash)}\n`;
  if (parseCheckpoint(text) !== null) throw new RangeError("a manifest must not look like a checkpoint");
  return text;
}

/** Untrusted; null for every other spelling. */
export function parseBundleNote(text: string): { origin: string; manifestHash: string } | null {
  const [label, origin = "", hash = ""] = text.split("\n");
  if (label !== BUNDLE_LABEL || !isOrigin(origin) || !/^[0-9a-f]{64}$/.test(hash)) return null;
  return text === `${BUNDLE_LABEL}\n${origin}\n${hash}\n` ? { origin, manifestHash: hash } : null;
}

/** By name. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

export type ReadBundle =
  | { ok: true; files: BundleFiles; manifest: Manifest; manifestText: string; note: string }
  | { ok: false; fault: string };

/** An untrusted archive: exactly the files of its manifest, in its order, then manifest and note. No hash is checked. */
export function readBundle(archive: Uint8Array): ReadBundle {
  if (archive.length > LIMITS.bundleBytes) return { ok: false, fault: `it has more than ${LIMITS.bundleBytes} bytes` };
  const tar = readTar(archive, LIMITS.bundleFiles + 2);
  if (!tar.ok) return tar;
  const opened = openBundle(new Map(tar.files.map(({ name, bytes }) => [name, bytes])));
  if (!opened.ok) return opened;
  const listed = [...opened.manifest.files.map(({ name }) => name), BUNDLE.manifest, BUNDLE.note];
  const given = tar.files.map(({ name }) => name);
  const same = listed.length === given.length && listed.every((name, i) => name === given[i]);
  return same ? opened : { ok: false, fault: "its files are not those of the manifest, in that order" };
}

/** The same from files that were unpacked. Whatever else lies beside them is ignored. */
export function openBundle(files: BundleFiles): ReadBundle {
  const [manifestText, note] = [BUNDLE.manifest, BUNDLE.note].map((name) => decode(files.get(name)));
  if (manifestText == null || note == null) {
    return { ok: false, fault: "it has no manifest or no note that signs it: a bundle that broke off has none" };
  }
  const manifest = parseManifest(manifestText);
  if (!manifest) return { ok: false, fault: "its manifest is none of version 1 in its one spelling" };
  const missing = manifest.files.find(({ name }) => !files.has(name));
  if (missing) return { ok: false, fault: `${missing.name} is missing` };
  return { ok: true, files, manifest, manifestText, note };
}

/** The text of bytes in UTF-8, with a byte order mark if there is one; null for any other bytes. */
export function decode(bytes: Uint8Array | undefined): string | null {
  try {
    return bytes ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) : null;
  } catch {
    return null;
  }
}
