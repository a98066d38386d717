/** What the text of a certificate of a tenant's deletion must say, whoever signed it. */
import {
  type DeletionCertificate,
  type FinalHead,
  finalHeadsDigest,
  parseDeletionText,
} from "../core/deletion-certificate.ts";
import type { Sha256 } from "../core/sha256.ts";

export type DeletionTextVerdict =
  | { ok: true; certificate: DeletionCertificate }
  | { ok: false; fault: "certificate_malformed" | "heads_mismatch" };

/** The untrusted text of a note without its signatures, and the untrusted heads beside it: null when there are none to compare. */
export function checkDeletionText(
  text: string,
  heads: readonly FinalHead[] | null,
  sha256: Sha256,
): DeletionTextVerdict {
  const certificate = parseDeletionText(text);
  if (!certificate) return { ok: false, fault: "certificate_malformed" };
  if (heads === null) return { ok: true, certificate };
  const same = heads.length === certificate.domains && finalHeadsDigest(heads, sha256) === certificate.domains_sha256;
  return same ? { ok: true, certificate } : { ok: false, fault: "heads_mismatch" };
}
