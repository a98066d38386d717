/** Evidence for the entry that says that what stood before is gone by policy, for exports that begin behind it. */
import { fromHex } from "../../core/bytes.ts";
import { isAppError } from "../../core/errors.ts";
import { EXPIRED_ACTION, expiryClaim } from "../../core/expired.ts";
import { EVERYTHING } from "../../core/query/filter.ts";
import { encodeProvedEntry, formatTlogProof } from "../../core/tlog-proof.ts";
import type { EntryIndex } from "../query/ports.ts";
import type { LogTreeCalls } from "./tree-calls.ts";

export interface ExpiredProofDeps {
  domainId: string;
  index: Pick<EntryIndex, "page">;
  log: Pick<LogTreeCalls, "entryProof">;
}

/** The newest such entry is never pruned before the next one. Newest looked at. */
const LOOKED_AT = 10;

/**
 * A tlog-proof with the entry in it; null when the index does not know the entry (yet), or a checkpoint does not cover it: then the
 * export is one that begins later, and says nothing about why. Throws `storage.unavailable`.
 */
export async function expiredProof(
  firstKept: number,
  { domainId, index, log }: ExpiredProofDeps,
): Promise<string | null> {
  const clauses = [{ field: "action" as const, anyOf: [EXPIRED_ACTION], not: false }];
  const page = await index.page({ ...EVERYTHING, clauses }, { order: "desc", after: null }, LOOKED_AT);
  const row = page.rows.find(({ payload }) => expiryClaim(payload, domainId)?.firstKept === firstKept);
  const prevHash = row && fromHex(row.prevHash);
  const proof = row && (await log.entryProof({ seq: row.seq, waitMs: 0 }).catch(neverCovered));
  if (!row || !prevHash || !proof) return null;
  const extra = encodeProvedEntry({ prevHash, payload: row.payload });
  return formatTlogProof({ extra, index: row.seq, hashes: proof.hashes, checkpoint: proof.checkpoint.note });
}

/** A log that has stopped before anything covered the entry. */
function neverCovered(error: unknown): null {
  if (!isAppError(error) || error.code !== "log.unsigned") throw error;
  return null;
}
