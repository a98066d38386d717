/** What stays of a deletion: entries of the platform's log, and the certificate. Ids, hashes, times and counts; no names. */
import type { ProductAction, ProductEvent } from "../../core/actions/product.ts";
import { toHex, utf8 } from "../../core/bytes.ts";
import {
  type DeletedFrom,
  type DeletionCertificate,
  deletionText,
  type FinalHead,
  finalHeadsDigest,
  type KeptPart,
} from "../../core/deletion-certificate.ts";
import { isAppError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { type Jurisdiction, platformDomainId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import type { Clock } from "../ports.ts";
import type { LogGate } from "../tenancy/jobs.ts";
import type { DeletionState } from "./state.ts";

export interface CertifyDeps {
  jurisdiction: Jurisdiction;
  signer: NoteSigner;
  logs: Pick<LogGate, "record">;
  sha256: Sha256;
  clock: Clock;
}

type Metadata = NonNullable<AuditEvent["metadata"]>;

export function recordRequested(state: DeletionState, domains: number, deps: CertifyDeps): Promise<void> {
  const { requestReference, requestedAt } = state;
  const metadata = { domains, request_reference: requestReference, requested_at: requestedAt };
  return record("tenant.deletion_requested", state, metadata, requestedAt, deps);
}

export function recordRefused(state: DeletionState, deps: CertifyDeps): Promise<void> {
  const { requestReference, requestedAt, holds } = state;
  const metadata = { holds, request_reference: requestReference, requested_at: requestedAt };
  return record("tenant.deletion_refused", state, metadata, requestedAt, deps, "denied");
}

/** As many entries as the heads need, each with the digest of the certificate. */
export async function recordDeleted(
  state: DeletionState,
  note: string,
  heads: readonly FinalHead[],
  counts: Readonly<Record<string, number>>,
  deps: CertifyDeps,
): Promise<void> {
  const perEntry = LIMITS.deletionHeadsPerEntry;
  const parts = Math.max(1, Math.ceil(heads.length / perEntry));
  for (let part = 0; part < parts; part++) {
    const own = heads.slice(part * perEntry, (part + 1) * perEntry);
    const metadata = {
      certificate_sha256: toHex(deps.sha256(utf8(note))),
      part: part + 1,
      parts,
      deleted: { ...counts },
      domains: own.map(({ domain_id, size, entry_hash }) => ({ domain_id, size, entry_hash })),
    };
    await record("tenant.deleted", state, metadata, `${state.requestedAt}:${part}`, deps);
  }
}

/** Signed by the cell. The same state gives the same text, except for the time at which it is made. */
export function certifyDeletion(
  state: DeletionState,
  heads: readonly FinalHead[],
  counts: Readonly<Record<string, number>>,
  deps: CertifyDeps,
): string {
  const now = new Date(deps.clock()).toISOString();
  const began = (phase: keyof DeletionState["began"]) => state.began[phase] ?? now;
  const after = (from: string) => new Date(Date.parse(from) + LIMITS.platformRestoreMs).toISOString();
  const certificate: DeletionCertificate = {
    v: 1,
    tenant_id: state.tenantId,
    jurisdiction: deps.jurisdiction,
    request_reference: state.requestReference,
    requested_at: state.requestedAt,
    stopped_at: began("destroying_keys"),
    keys_destroyed_at: began("deleting_rows"),
    verified_empty_at: began("certifying"),
    domains: heads.length,
    domains_sha256: finalHeadsDigest(heads, deps.sha256),
    deleted: DELETED.map((part) => ({ ...part, count: counts[part.what] ?? 0 })),
    kept: KEPT,
    recoverable_until: {
      "R2 KEYS": began("deleting_rows"),
      "R2 LOG": began("deleting_records"),
      "D1 ledger": after(began("deleting_archive")),
      "D1 control": after(began("emptying_objects")),
      "Durable Objects": after(now),
    },
  };
  return deps.signer.sign(deletionText(certificate));
}

const BYTES_GONE = "deleted; the store keeps no earlier version";
const ROWS_GONE = "deleted; what was sealed in them opens nowhere, the keys are gone";

const DELETED: readonly Omit<DeletedFrom, "count">[] = [
  { store: "R2 KEYS", what: "subject_key_pages", method: BYTES_GONE },
  { store: "R2 KEYS", what: "tenant_key_versions", method: BYTES_GONE },
  { store: "R2 KEYS", what: "tenant_roots", method: `${BYTES_GONE}; no pseudonym can be recomputed` },
  { store: "D1 ledger", what: "audit_private_value", method: ROWS_GONE },
  { store: "D1 ledger", what: "audit_subject_pii", method: ROWS_GONE },
  { store: "D1 ledger", what: "audit_log", method: "deleted through ledger_release, reason tenant_deletion" },
  { store: "R2 LOG", what: "segments", method: BYTES_GONE },
  { store: "R2 LOG", what: "sealed_pages", method: BYTES_GONE },
  { store: "R2 LOG", what: "tree_tiles", method: BYTES_GONE },
  { store: "R2 LOG", what: "exports", method: BYTES_GONE },
  { store: "R2 LOG", what: "imports", method: BYTES_GONE },
  { store: "D1 control", what: "legal_hold_words", method: ROWS_GONE },
  { store: "D1 control", what: "tenant_key_service", method: ROWS_GONE },
  { store: "D1 control", what: "api_key", method: "revoked, then deleted" },
  { store: "D1 control", what: "ledger_shard", method: "deleted" },
  { store: "D1 control", what: "domain", method: "deleted" },
  { store: "D1 control", what: "tenant", method: "deleted" },
  { store: "Durable Objects", what: "domain_objects", method: "all storage of the object deleted (deleteAll)" },
];

const KEPT: KeptPart[] = [
  {
    what: "final heads: ids of domains, sizes, hashes",
    where: "this certificate, the platform's log",
    why: "so that whoever holds a receipt can tell which log this was (GDPR Art. 5(2))",
  },
  {
    what: "ids of domains with the hash before the first entry",
    where: "D1 ledger: ledger_base, ledger_release",
    why: "append-only guards; nothing about a person is in them",
  },
  {
    what: "entries of the platform's log about this tenant: ids, tier, times",
    where: "the platform's log",
    why: "the operator's own accountability (GDPR Art. 5(2))",
  },
];

async function record(
  action: ProductAction,
  { tenantId, by }: DeletionState,
  metadata: Metadata,
  once: string,
  deps: CertifyDeps,
  outcome: AuditEvent["outcome"] = "success",
): Promise<void> {
  const event: ProductEvent = {
    action,
    actor: by,
    outcome,
    targets: [{ type: "tenant", id: tenantId }],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
  try {
    await deps.logs.record(platformDomainId(deps.jurisdiction), event, `${action}:${tenantId}:${once}`);
  } catch (error) {
    // It is there already: counts may have grown between two tries.
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}
