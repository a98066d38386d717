/** What the certificate of an erasure says, out of what the object wrote down while it executed it. */
import type { ErasureCertificate } from "../../core/erasure-certificate.ts";
import type { DomainIdentity, LogPosition } from "../ports.ts";
import { type Erasure, storesAreDone } from "./erasure.ts";

/** How far back D1 and the SQLite of an object can be restored (PLATFORM: Time Travel, point-in-time recovery). Days. */
export const TIME_TRAVEL_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

const READABLE =
  "Not readable: the only key was taken out of R2 KEYS, which keeps no earlier state and is not backed up. Until the moment given for ciphertext, the owner of the account could restore ciphertext without a key out of the point-in-time recovery of D1 and of the object; erasures are replayed after a restore.";
const PSEUDONYM =
  "The entries remain under this pseudonym, so that the chain still verifies. Whoever holds the pepper of the domain and already knows the identity id could compute the pseudonym again; destroying the tenant's root ends this. Commitments to private values remain; their salts are gone. Values that are sealed under somebody else were not searched for mentions of this person.";

/** `payload`: the exact text of the erasure's entry. */
export function certificateOf(
  erasure: Erasure,
  identity: Pick<DomainIdentity, "domainId" | "tenantId" | "jurisdiction">,
  at: { payload: string; head: LogPosition; finalAt: string; inclusionProof: string | null },
): ErasureCertificate {
  const { request, counts, entry } = erasure;
  if (!storesAreDone(erasure) || !entry) throw new Error("an erasure is certified when it is through");
  // A restore to just before the last of the deletions is the latest that could show anything.
  const restorable = laterBy(entry.recordedAt, TIME_TRAVEL_DAYS);
  const row = (store: string, method: string, count: number, until: string | null) => ({
    store,
    method,
    count,
    ciphertext_recoverable_until: until,
  });
  return {
    v: 1,
    erasure: erasure.id,
    correlation: request.correlationId,
    jurisdiction: identity.jurisdiction,
    tenant: identity.tenantId,
    domain: identity.domainId,
    pseudonym: erasure.pseudonym,
    known: erasure.known,
    law: request.law,
    request: {
      reference: request.reference,
      reason: request.reason,
      asked_by: request.by.id,
      requested_at: request.requestedAt,
      verified_at: request.verifiedAt,
      suppressed_at: erasure.suppressedAt,
      executed_at: entry.recordedAt,
      final_at: at.finalAt,
    },
    stores: [
      row("object: private values that waited", "rows deleted", counts.objectRows, restorable),
      row("object: mappings that waited", "rows deleted", counts.objectMappings, restorable),
      row("R2 KEYS: subject key", "key destroyed", counts.keys, null),
      row("D1: audit_private_value", "rows deleted", counts.ledgerRows, restorable),
      row("D1: audit_subject_pii", "rows deleted", counts.ledgerMappings, restorable),
      row("R2 LOG: sealed pages", "rewritten without the person", counts.archivePages, null),
      // Of an erasure that was through before there were such exports, nothing is said about them.
      ...(counts.exports === undefined
        ? []
        : [row("R2 LOG: exports with private values", "files deleted", counts.exports, null)]),
    ],
    kept: [
      {
        what: "entries under the pseudonym",
        count: counts.entries,
        law: "GDPR Art. 17(3)(b), (e)",
        until: null,
        remark: `${PSEUDONYM} They stay until the domain's retention drops them.`,
      },
      {
        what: "suppression of the pseudonym, and this certificate",
        count: 1,
        law: "GDPR Art. 5(2)",
        until: null,
        remark: "So that the person does not come back with the next event. Kept until the domain is deleted.",
      },
    ],
    recoverable_until: { readable: false, ciphertext: restorable, remark: READABLE },
    entry: {
      seq: entry.seq,
      id: entry.id,
      entry_hash: entry.entryHash,
      prev_hash: entry.prevHash,
      payload: at.payload,
    },
    head: { size: at.head.size, entry_hash: at.head.entryHash },
    inclusion_proof: at.inclusionProof,
  };
}

const laterBy = (iso: string, days: number) => new Date(Date.parse(iso) + days * DAY_MS).toISOString();
