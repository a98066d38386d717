/**
 * Checks the certificate of a tenant's deletion, offline. Proves: the holder of the cell's log key said this, about these
 * final heads. Does not prove that nothing was kept elsewhere. Whoever kept a receipt or an export compares it with the head
 * of its domain: the same hash at the same size means that the certificate is about the log that they knew.
 */
import {
  type DeletionCertificate,
  type FinalHead,
  finalHeadsDigest,
  parseDeletionText,
} from "../core/deletion-certificate.ts";
import type { Sha256 } from "../core/sha256.ts";
import { type NoteVerdict, verifyNote } from "../crypto/verify.ts";

export type DeletionVerdict =
  | { ok: true; certificate: DeletionCertificate }
  | {
      ok: false;
      fault: Exclude<NoteVerdict, { ok: true }>["fault"] | "certificate_malformed" | "heads_mismatch";
    };

/** `note` and `heads` are untrusted; `verifierKey` is the one that the reader has pinned. */
export function verifyDeletion(
  { note, heads }: { note: string; heads: readonly FinalHead[] },
  verifierKey: string,
  sha256: Sha256,
): DeletionVerdict {
  const signed = verifyNote(note, verifierKey);
  if (!signed.ok) return signed;
  const certificate = parseDeletionText(signed.note.text);
  if (!certificate) return { ok: false, fault: "certificate_malformed" };
  const same = heads.length === certificate.domains && finalHeadsDigest(heads, sha256) === certificate.domains_sha256;
  return same ? { ok: true, certificate } : { ok: false, fault: "heads_mismatch" };
}
