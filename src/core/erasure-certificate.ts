/**
 * The certificate of an erasure (SPEC.md, "Certificates of erasure"): a signed note of two lines, a label and canonical JSON.
 * It says what is gone, what is not, and how long anybody could bring ciphertext back. It never holds the plaintext.
 *
 * This file writes and takes apart; `src/verifier/erasure-certificate.ts` judges.
 */

import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { isJurisdiction, type Jurisdiction } from "./ids.ts";
import { isCount, isHash, isIdOf, isInstant, isText, listOf, orNull, withFields } from "./shape.ts";

/** First line of the note: the same key signs other documents. */
export const ERASURE_CERTIFICATE_LABEL = "moonseal/erasure-certificate/v1";

export interface CertificateStore {
  store: string;
  method: string;
  count: number;
  /** Until when the account's owner could restore the ciphertext; null: the store keeps no earlier state. RFC 3339. */
  ciphertext_recoverable_until: string | null;
}

export interface CertificateEntry {
  seq: number;
  id: string;
  entry_hash: string;
  prev_hash: string;
  /** The exact text that the entry hash covers. */
  payload: string;
}

export interface ErasureCertificate {
  v: 1;
  erasure: string;
  correlation: string;
  jurisdiction: Jurisdiction;
  tenant: string;
  domain: string;
  /** Lower-case hex. */
  pseudonym: string;
  /** The domain had seen the person before. */
  known: boolean;
  law: string;
  request: {
    reference: string | null;
    reason: string;
    asked_by: string;
    requested_at: string;
    verified_at: string | null;
    suppressed_at: string;
    executed_at: string;
    final_at: string;
  };
  stores: CertificateStore[];
  kept: { what: string; count: number; law: string; until: string | null; remark: string }[];
  recoverable_until: { readable: false; ciphertext: string; remark: string };
  entry: CertificateEntry;
  /** The log when this was signed. */
  head: { size: number; entry_hash: string };
  /** The C2SP tlog-proof of the entry, without the entry; null where the log could sign no checkpoint (it was stopped). */
  inclusion_proof: string | null;
}

export const erasureCertificateText = (certificate: ErasureCertificate): string =>
  `${ERASURE_CERTIFICATE_LABEL}\n${canonicalJson(certificate)}\n`;

/** The certificate in an untrusted text; null for anything that `erasureCertificateText` would not have written. */
export function parseErasureCertificate(text: string): ErasureCertificate | null {
  const [label, body, end, ...rest] = text.split("\n");
  if (label !== ERASURE_CERTIFICATE_LABEL || body === undefined || end !== "" || rest.length > 0) return null;
  const value = parseCanonicalJson(body, MAX_DEPTH)?.value;
  return isCertificate(value) ? value : null;
}

const MAX_DEPTH = 6;

const isShaped = withFields({
  v: (value) => value === 1,
  erasure: isText,
  correlation: isText,
  jurisdiction: isJurisdiction,
  tenant: isIdOf("tenant"),
  domain: isIdOf("domain"),
  pseudonym: isHash,
  known: (value) => typeof value === "boolean",
  law: isText,
  request: withFields({
    reference: orNull(isText),
    reason: isText,
    asked_by: isText,
    requested_at: isInstant,
    verified_at: orNull(isInstant),
    suppressed_at: isInstant,
    executed_at: isInstant,
    final_at: isInstant,
  }),
  stores: listOf(
    withFields({ store: isText, method: isText, count: isCount, ciphertext_recoverable_until: orNull(isInstant) }),
  ),
  kept: listOf(withFields({ what: isText, count: isCount, law: isText, until: orNull(isInstant), remark: isText })),
  recoverable_until: withFields({ readable: (value) => value === false, ciphertext: isInstant, remark: isText }),
  entry: withFields({ seq: isCount, id: isText, entry_hash: isHash, prev_hash: isHash, payload: isText }),
  head: withFields({ size: isCount, entry_hash: isHash }),
  inclusion_proof: orNull(isText),
});

function isCertificate(value: unknown): value is ErasureCertificate {
  return isShaped(value);
}
