/**
 * Writes an export bundle (SPEC.md §14) piece by piece: never more of it in memory than one file of entries.
 *
 * Order, and what a reader has when it breaks off there:
 *  1. readme, script, policy, checkpoint, proof   no manifest: refused as no whole bundle
 *  2. entries, each folded as a verifier does it  the same
 *  3. they lead to the root of the checkpoint, or the writer throws and there is never a manifest
 *  4. manifest, and the note that signs it        without the note: refused
 *  5. the end of the archive                      without it: refused
 */

import {
  BUNDLE,
  BUNDLE_VERSION,
  type BundleFile,
  contentOf,
  entriesName,
  formatBundleNote,
  formatManifest,
  isAttachment,
} from "../../core/bundle.ts";
import { equalBytes, toHex, utf8 } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { AppError } from "../../core/errors.ts";
import { formatSetProof, type SetProof } from "../../core/evidence-set.ts";
import { LIMITS } from "../../core/limits.ts";
import { encodeSegment } from "../../core/segment.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { tarEnd, tarHeader, tarPadding } from "../../core/tar.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import { domainOf } from "../../verifier/evidence-set.ts";
import { SetFold } from "../../verifier/set-fold.ts";
import { bundleReadme } from "./readme.ts";

export interface BundleSource {
  proof: SetProof;
  /** The signed note with the cosignatures that it has; covers the entries. */
  checkpoint: string;
  /** The exact texts in the order of the proof; each piece becomes one file, so it has at most `LIMITS.bundleFileBytes`. */
  payloads: AsyncIterable<readonly string[]> | Iterable<readonly string[]>;
  /** Whom the maker suggests to trust (docs/verifying.md). */
  policy: object;
  /** `verify.mjs`; and `verify.html`, when there is one. */
  script: string;
  page?: string | undefined;
  /** A disclosure (SPEC.md §8) of entries of this bundle. */
  disclosures?: string | undefined;
  /** It was asked for from an earlier entry on, whose payload is gone by policy. */
  expired?: boolean | undefined;
  /** Files that are only listed. Their names: `attachment-…`. */
  attachments?: readonly { name: string; bytes: Uint8Array }[] | undefined;
  madeAtMs: number;
  /** Name and version of the software. */
  madeBy: string;
}

export interface BundleWriterDeps {
  sha256: Sha256;
  /** Named like the log's origin. */
  signer: NoteSigner;
}

/**
 * The archive's bytes in order. Throws `storage.unavailable` when the entries do not lead to the root of the checkpoint,
 * `limit.reached` past `LIMITS.bundleBytes`; what was given out by then no reader takes for a bundle.
 */
export async function* writeBundle(source: BundleSource, deps: BundleWriterDeps): AsyncGenerator<Uint8Array, void> {
  const { sha256, signer } = deps;
  const { proof } = source;
  const checkpoint = parseCheckpointNote(source.checkpoint)?.checkpoint;
  if (!checkpoint || checkpoint.origin !== signer.name) throw new TypeError("the checkpoint is not of this log");
  const archive = new ArchiveWriter(sha256);
  const before: [string, string | undefined][] = [
    [BUNDLE.readme, readmeOf(source, signer)],
    [BUNDLE.script, source.script],
    [BUNDLE.page, source.page],
    [BUNDLE.policy, `${JSON.stringify(source.policy, null, 2)}\n`],
    [BUNDLE.checkpoint, source.checkpoint],
    [BUNDLE.proof, formatSetProof(proof)],
  ];
  for (const [name, text] of before) if (text !== undefined) yield* archive.add(name, utf8(text));
  const fold = new SetFold(sha256, proof, { domainId: domainOf(checkpoint.origin), size: checkpoint.size });
  for await (const piece of source.payloads) {
    const fed = piece.map((payload) => fold.feed(payload));
    if (fed[0]) yield* archive.add(entriesName(fed[0].seq), utf8(encodeSegment(piece)));
  }
  const root = fold.fault === null ? fold.root() : null;
  if (!root || !equalBytes(root, checkpoint.root)) {
    throw new AppError("storage.unavailable", { internal: "the entries do not lead to the root of the checkpoint" });
  }
  if (source.disclosures !== undefined) yield* archive.add(BUNDLE.disclosures, utf8(source.disclosures));
  for (const { name, bytes } of source.attachments ?? []) {
    if (!isAttachment(name)) throw new RangeError("an attachment is named attachment-…");
    yield* archive.add(name, bytes);
  }
  const manifest = formatManifest({
    v: BUNDLE_VERSION,
    origin: checkpoint.origin,
    content: contentOf(proof),
    made_at: new Date(source.madeAtMs).toISOString(),
    made_by: source.madeBy,
    files: archive.files,
  });
  const note = signer.sign(formatBundleNote(checkpoint.origin, sha256(manifest)));
  yield* archive.add(BUNDLE.manifest, utf8(manifest));
  yield* archive.add(BUNDLE.note, utf8(note));
  yield tarEnd();
}

function readmeOf({ proof, page, expired = false }: BundleSource, { name, verifierKey }: NoteSigner): string {
  return bundleReadme({ origin: name, proof, verifierKey, withPage: page !== undefined, expired });
}

/** Counts and lists what goes into the archive. */
class ArchiveWriter {
  readonly #sha256: Sha256;
  readonly #files: BundleFile[] = [];
  #bytes = tarEnd().length;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** Those that were added so far. */
  get files(): BundleFile[] {
    return [...this.#files];
  }

  *add(name: string, bytes: Uint8Array): Generator<Uint8Array, void> {
    const padding = tarPadding(bytes.length);
    const header = tarHeader(name, bytes.length);
    this.#bytes += header.length + bytes.length + padding.length;
    if (bytes.length > LIMITS.bundleFileBytes || this.#bytes > LIMITS.bundleBytes) tooLarge();
    if (this.#files.length >= LIMITS.bundleFiles + 2) tooLarge();
    this.#files.push({ name, bytes: bytes.length, sha256: toHex(this.#sha256(bytes)) });
    yield header;
    if (bytes.length > 0) yield bytes;
    if (padding.length > 0) yield padding;
  }
}

function tooLarge(): never {
  throw new AppError("limit.reached", {
    detail: `a bundle has at most ${LIMITS.bundleBytes} bytes in ${LIMITS.bundleFiles} files; export fewer entries at a time`,
  });
}
