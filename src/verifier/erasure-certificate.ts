/**
 * Checks the certificate of an erasure, offline. Proves: the holder of the cell's log key said this, and the entry that it
 * shows is the one that its hash names and tells of the same erasure. It does not prove that nothing was kept elsewhere.
 */
import type { Sha256 } from "../core/sha256.ts";
import { type NoteVerdict, verifyNote } from "../crypto/verify.ts";
import { checkErasureText, type ErasureTextFault, type ErasureTextVerdict } from "./erasure-text.ts";

export type ErasureCertificateFault = Exclude<NoteVerdict, { ok: true }>["fault"] | ErasureTextFault;

export type ErasureCertificateVerdict =
  | Extract<ErasureTextVerdict, { ok: true }>
  | { ok: false; fault: ErasureCertificateFault };

/** `note` is untrusted; `verifierKey` is the one that the reader has pinned. */
export function verifyErasureCertificate(note: string, verifierKey: string, sha256: Sha256): ErasureCertificateVerdict {
  const signed = verifyNote(note, verifierKey);
  return signed.ok ? checkErasureText(signed.note.text, sha256) : signed;
}
