/**
 * Fills a domain's index out of the rows that are in the ledger, in order, one step a batch. Nothing but the ledger is read and
 * written, so the index goes back with the rows when a database is restored, and can be dropped and built again at any time.
 *
 * Commit order of a step, with the crash after each:
 *  1. how far the shard is indexed, and the rows behind that            nothing changed
 *  2. one batch: the size moves from what was read to the end of the rows; postings; sums of days
 *     all or nothing: a guard refuses a step that does not begin where the last one ended, so a batch that is sent twice, or by
 *     two objects, or beside one whose answer was lost, changes nothing: the size is read back and the next step begins there
 */

import type { Sha256 } from "../../core/sha256.ts";
import type { ShardRange } from "../../core/shards.ts";
import { rangesWithin } from "../../core/shards.ts";
import type { Indexed, IndexShard, IndexState } from "./ports.ts";
import { indexed } from "./postings.ts";

export interface IndexDeps {
  /** Where the domain's rows lie, ascending. */
  ranges: readonly ShardRange[];
  /** Entries before it were pruned. Absent: none was. */
  firstHot?: number;
  shard: (name: string) => IndexShard;
  sha256: Sha256;
}

export interface IndexStep {
  /** Entries [0, size) are indexed, without a gap. */
  size: number;
  /** Nothing that is copied is left to do. */
  done: boolean;
}

/** Indexes one batch. Throws the store's error when D1 is away. */
export async function indexStep(deps: IndexDeps): Promise<IndexStep> {
  let reached = 0;
  for (const { shard: name, fromSeq, toSeq } of rangesWithin(deps.ranges, 0, Number.MAX_SAFE_INTEGER)) {
    const shard = deps.shard(name);
    const state = await begun(shard);
    // All of its entries were pruned.
    if (state === null && toSeq < (deps.firstHot ?? 0)) continue;
    if (state === null) break;
    if (state.size < 0) {
      await shard.drop();
      return { size: reached, done: false };
    }
    reached = Math.max(fromSeq, Math.min(state.size, toSeq + 1));
    if (reached > toSeq) continue;
    const rows = await shard.rows(reached, toSeq);
    const last = rows.at(-1);
    if (!last) break;
    await commit(shard, state, last.seq + 1, indexed(rows, state.salt, deps.sha256));
    return { size: last.seq + 1, done: false };
  }
  return { size: reached, done: true };
}

async function begun(shard: IndexShard): Promise<IndexState | null> {
  const state = await shard.state();
  if (state !== null) return state;
  // Two that begin at once: one is refused.
  const refused = await shard.begin().then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const made = await shard.state();
  if (made === null && refused) throw refused.error;
  return made;
}

/** A step that failed may have been taken, by this batch or by somebody else's: then the next one begins behind it. */
async function commit(shard: IndexShard, from: IndexState, size: number, entries: Indexed): Promise<void> {
  try {
    await shard.commit(from, size, entries);
  } catch (error) {
    const now = await shard.state();
    if (now?.size === from.size) throw error;
  }
}
