/**
 * Checks the certificate of a tenant's deletion, offline. Proves: the holder of the cell's log key said this, about these
 * final heads. Does not prove that nothing was kept elsewhere. Whoever kept a receipt or an export compares it with the head
 * of its domain: the same hash at the same size means that the certificate is about the log that they knew.
 */
import type { FinalHead } from "../core/deletion-certificate.ts";
import type { Sha256 } from "../core/sha256.ts";
import { type NoteVerdict, verifyNote } from "../crypto/verify.ts";
import { checkDeletionText, type DeletionTextVerdict } from "./deletion-text.ts";

export type DeletionVerdict = DeletionTextVerdict | Extract<NoteVerdict, { ok: false }>;

/** `note` and `heads` are untrusted; `verifierKey` is the one that the reader has pinned. */
export function verifyDeletion(
  { note, heads }: { note: string; heads: readonly FinalHead[] },
  verifierKey: string,
  sha256: Sha256,
): DeletionVerdict {
  const signed = verifyNote(note, verifierKey);
  return signed.ok ? checkDeletionText(signed.note.text, heads, sha256) : signed;
}
