/** How many entries a tenant's logs have, by the queryable copy: one statement a shard, an index look-up a domain. */
import { AppError } from "../core/errors.ts";
import { storeUnavailable } from "./d1-errors.ts";

/** A bound array of domains instead of a statement for each. A domain's seqs begin with 0, so the last one tells its size. */
const SQL = `SELECT d.value AS domainId, (SELECT max(a.seq) FROM audit_log a WHERE a.domain_id = d.value) AS last
  FROM json_each(?1) d`;

/** Over all shards: pruned entries count, they were recorded. Throws `storage.unavailable`. */
export async function entriesOf(shards: readonly D1Database[], domainIds: readonly string[]): Promise<number> {
  const answers = await Promise.all(shards.map((shard) => lastSeqs(shard, domainIds)));
  const sizes = new Map<string, number>();
  for (const { domainId, last } of answers.flat()) {
    sizes.set(domainId, Math.max(sizes.get(domainId) ?? 0, last === null ? 0 : last + 1));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function lastSeqs(shard: D1Database, domainIds: readonly string[]) {
  try {
    const asked = shard.prepare(SQL).bind(JSON.stringify(domainIds));
    return (await asked.all<{ domainId: string; last: number | null }>()).results;
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable("ledger", error);
  }
}
