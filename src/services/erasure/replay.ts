/**
 * The suppression list, rebuilt from the chain (decision 7): whatever was restored, the entries that tell of erasures say who
 * must not come back. Untrusted only as far as the ledger is: the object verifies what it copies, and more suppression than
 * needed harms no proof.
 */

import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import type { EntryRow } from "../ports.ts";
import { DEFAULT_LAW, type Erasure, type ErasureReason, NO_COUNTS } from "./erasure.ts";
import { ERASED_ACTION } from "./events.ts";

const SYSTEM = { type: "system" as const, id: SYSTEM_ACTOR_ID } as const;

/** An erasure as its entry tells of it; null for an entry that is none. Everything is still to be executed again. */
export function erasureFromEntry(row: EntryRow): Erasure | null {
  const parsed = parsePayload(row.payload);
  if (!parsed.ok || parsed.payload.action !== ERASED_ACTION) return null;
  const { metadata = {}, recorded_at: recordedAt, actor } = parsed.payload;
  const text = (name: string) => (typeof metadata[name] === "string" ? (metadata[name] as string) : null);
  const pseudonym = text("subject_pseudonym");
  const id = text("erasure_id");
  if (!pseudonym || !/^[0-9a-f]{64}$/.test(pseudonym) || !id) return null;
  const by = "id" in actor && actor.type === "service" ? { type: "service" as const, id: actor.id ?? "" } : SYSTEM;
  return {
    id,
    pseudonym,
    known: metadata.known === true,
    request: {
      reason: (text("reason") ?? "data_subject_request") as ErasureReason,
      reference: text("reference"),
      law: text("law") ?? DEFAULT_LAW,
      by,
      requestedAt: recordedAt,
      verifiedAt: null,
      correlationId: text("correlation_id") ?? id,
    },
    size: row.seq,
    page: null,
    suppressedAt: recordedAt,
    keyDestroyedAt: null,
    rowsDeletedAt: null,
    pagesRewrittenAt: null,
    exportsDroppedAt: null,
    pagesNextSeq: 0,
    counts: NO_COUNTS,
    entry: { seq: row.seq, id: row.id, entryHash: row.entryHash, prevHash: row.prevHash, recordedAt },
    finalAt: null,
    certificate: null,
  };
}

/** To be executed again by the same steps; what it is known by, its entry and its certificate stay. */
export const reopened = (erasure: Erasure): Erasure => ({
  ...erasure,
  keyDestroyedAt: null,
  rowsDeletedAt: null,
  pagesRewrittenAt: null,
  exportsDroppedAt: null,
  pagesNextSeq: 0,
});
