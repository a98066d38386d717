/**
 * The entries that tell of erasures (S4-21). All of them stand in clear: codes, counts, pseudonyms. Each is a function of what
 * was written down before, so that a retry makes the same bytes.
 */
import type { ProductAction, ProductEvent } from "../../core/actions/product.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import { type Erasure, type ErasureRequest, storesAreDone } from "./erasure.ts";

export const ERASED_ACTION = "audit.identity_erased" satisfies ProductAction;
/** What every entry about an erasure says in `metadata.relation` (S4-21). */
export const ERASE_RELATION = "audit.erase-identity";
export const ERASURE_METHOD = "subject_key_destroyed,rows_deleted,pages_rewritten";

/** Written once; the idempotent repeat of a request appends nothing. */
export function identityErased(erasure: Erasure): ProductEvent {
  if (!storesAreDone(erasure)) throw new Error("the entry comes after all stores");
  const { counts } = erasure;
  return {
    id: erasure.id,
    ...clear(ERASED_ACTION, erasure.request.by, {
      ...common(erasure.request),
      erasure_id: erasure.id,
      subject_pseudonym: erasure.pseudonym,
      known: erasure.known,
      method: ERASURE_METHOD,
      object_rows: counts.objectRows + counts.objectMappings,
      keys: counts.keys,
      ledger_rows: counts.ledgerRows,
      ledger_mappings: counts.ledgerMappings,
      archive_pages: counts.archivePages,
      entries_kept: counts.entries,
    }),
  };
}

/** A legal hold forbids it (GDPR Art. 17(3)(e)). */
export function erasureRefused(
  request: ErasureRequest,
  pseudonym: string | null,
  holds: readonly { domainId: string; holdId: string }[],
): ProductEvent {
  return {
    ...clear("audit.erasure_refused", request.by, {
      ...common(request),
      ...(pseudonym === null ? {} : { subject_pseudonym: pseudonym }),
      holds: holds.map(({ domainId, holdId }) => ({ domain: domainId, hold: holdId })),
    }),
    outcome: "denied",
  };
}

/** After a restore: what was erased before was erased again. */
export function erasuresReplayed(
  by: AskedBy,
  range: { fromSeq: number; toSeq: number; erasures: number },
): ProductEvent {
  return clear("audit.erasures_replayed", by, {
    relation: "audit.replay-erasures",
    from_seq: range.fromSeq,
    to_seq: range.toSeq,
    erasures: range.erasures,
  });
}

function common({ reason, reference, law, correlationId }: ErasureRequest) {
  return { relation: ERASE_RELATION, reason, reference, law, correlation_id: correlationId };
}

function clear(action: ProductAction, actor: AskedBy, metadata: NonNullable<AuditEvent["metadata"]>): ProductEvent {
  return { action, actor, metadata, clear_metadata: Object.keys(metadata) };
}
