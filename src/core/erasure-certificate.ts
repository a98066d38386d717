/**
 * The certificate of an erasure (SPEC.md, "Certificates of erasure"): a signed note of two lines, a label and canonical JSON.
 * It says what is gone, what is not, and how long anybody could bring ciphertext back. It never holds the plaintext.
 *
 * This file writes and takes apart; `src/verifier/erasure-certificate.ts` judges.
 */

import { fromHex } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { isJurisdiction, type Jurisdiction, parseId } from "./ids.ts";

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
  /** Place of a C2SP tlog-proof of the entry; null while the log gives none. */
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

type Json = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const hash: Check = (value) => typeof value === "string" && value.length === 64 && fromHex(value) !== null;
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const instant: Check = (value) =>
  typeof value === "string" &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** An object with exactly these fields. */
const fields =
  (checks: Record<string, Check>): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === Object.keys(checks).length &&
    Object.entries(checks).every(([name, check]) => Object.hasOwn(value, name) && check((value as Json)[name]));
const id =
  (kind: "tenant" | "domain"): Check =>
  (value) =>
    typeof value === "string" && parseId(value)?.kind === kind;

const isShaped = fields({
  v: (value) => value === 1,
  erasure: text,
  correlation: text,
  jurisdiction: isJurisdiction,
  tenant: id("tenant"),
  domain: id("domain"),
  pseudonym: hash,
  known: (value) => typeof value === "boolean",
  law: text,
  request: fields({
    reference: orNull(text),
    reason: text,
    asked_by: text,
    requested_at: instant,
    verified_at: orNull(instant),
    suppressed_at: instant,
    executed_at: instant,
    final_at: instant,
  }),
  stores: listOf(fields({ store: text, method: text, count, ciphertext_recoverable_until: orNull(instant) })),
  kept: listOf(fields({ what: text, count, law: text, until: orNull(instant), remark: text })),
  recoverable_until: fields({ readable: (value) => value === false, ciphertext: instant, remark: text }),
  entry: fields({ seq: count, id: text, entry_hash: hash, prev_hash: hash, payload: text }),
  head: fields({ size: count, entry_hash: hash }),
  inclusion_proof: orNull(text),
});

function isCertificate(value: unknown): value is ErasureCertificate {
  return isShaped(value);
}
