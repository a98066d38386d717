/** The entries of a domain that tell of erasures, over its ledger shards (D1). */
import { LIMITS } from "../core/limits.ts";
import type { EntryRow } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

/** A payload is canonical JSON, so its first key is `action`: nothing is parsed to find the few that matter. */
const SQL = `SELECT seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload FROM audit_log
  WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 AND substr(payload, 1, length(?4)) = ?4 ORDER BY seq LIMIT ?5`;

/** Those of [fromSeq, toSeq] with this action, ascending, at most `LIMITS.pageEntries` of each shard. O(entries in the range). */
export async function entriesWithAction(
  shards: readonly D1Database[],
  domainId: string,
  action: string,
  { fromSeq, toSeq }: { fromSeq: number; toSeq: number },
): Promise<EntryRow[]> {
  const begins = `{"action":${JSON.stringify(action)},`;
  const found = await Promise.all(
    shards.map(async (db) => {
      try {
        const rows = await db.prepare(SQL).bind(domainId, fromSeq, toSeq, begins, LIMITS.pageEntries).all<EntryRow>();
        return rows.results;
      } catch (error) {
        throw storeUnavailable("ledger", error);
      }
    }),
  );
  return found.flat().sort((a, b) => a.seq - b.seq);
}
