import type { ShardRange } from "../core/shards.ts";
import type { EntryRow } from "../services/ports.ts";
import type { CellServices } from "./environment.ts";

/**
 * An entry that is committed but not copied yet is found too: the copy is brought up to date once. One that was pruned comes out of the
 * archive, by its seq or by an id that the log made; ids that clients sent are known as long as the row is hot. Throws `entry.expired`.
 */
export async function findEntry(services: CellServices, domainId: string, seqOrId: string): Promise<EntryRow | null> {
  const seq = /^(?:0|[1-9]\d{0,15})$/.test(seqOrId) ? Number(seqOrId) : null;
  const find = async (ranges: ShardRange[]) => {
    const ledger = services.ledger(domainId, ranges);
    const bySeq = seq === null ? [] : await ledger.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    return bySeq[0] ?? ledger.byId(seqOrId);
  };
  const found = await find(await services.shards(domainId));
  if (found) return found;
  const log = services.log(domainId);
  const { size, copiedSize, shards, firstHot } = await log.head();
  if (seq !== null && seq >= size) return null;
  if (seq !== null && seq < firstHot) return services.keeper(domainId).coldEntry({ seq });
  // An alarm may have copied it since the first look.
  const late = await find(copiedSize < size ? await log.flush() : shards);
  return late ?? (firstHot > 0 && seq === null ? services.keeper(domainId).coldEntry({ id: seqOrId }) : null);
}
