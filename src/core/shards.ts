/**
 * Ledger shards (DESIGN §2): a D1 database holds 10 GB, so the entries of a domain lie in ranges, each in one shard. A
 * range begins where the one before ends; only the last one grows.
 */

/** Where the entries of every domain begin. */
export const FIRST_SHARD = "LEDGER_00";

/** Entries from `fromSeq` on, until the next range begins. `shard` is the name of a binding. */
export interface ShardRange {
  fromSeq: number;
  shard: string;
}

export interface ShardGauge {
  shard: string;
  bytes: number;
}

/** At this share of its limit a shard is worth a warning. */
export const SHARD_WARNING = 0.7;

/**
 * The shard for the next range when the present one is full: the emptiest with room among those that the domain was never in,
 * because a shard that has entries of a domain takes only the very next one (`audit_log_chain`); null: none is left.
 */
export function shardWithRoom(
  used: readonly string[],
  gauges: readonly ShardGauge[],
  limitBytes: number,
): string | null {
  const open = gauges.filter(({ shard, bytes }) => !used.includes(shard) && bytes < limitBytes);
  return open.sort((a, b) => a.bytes - b.bytes)[0]?.shard ?? null;
}

/** The ranges after the domain goes on in another shard from `size` on. A range without entries is replaced. */
export function rollOver(ranges: readonly ShardRange[], size: number, shard: string): ShardRange[] {
  return [...ranges.filter(({ fromSeq }) => fromSeq < size), { fromSeq: size, shard }];
}

/** The ranges that hold entries of [fromSeq, toSeq], each cut to it, in ascending order. */
export function rangesWithin(
  ranges: readonly ShardRange[],
  fromSeq: number,
  toSeq: number,
): { shard: string; fromSeq: number; toSeq: number }[] {
  return ranges.flatMap(({ shard, fromSeq: begins }, i) => {
    const ends = (ranges[i + 1]?.fromSeq ?? Number.MAX_SAFE_INTEGER + 1) - 1;
    const part = { shard, fromSeq: Math.max(begins, fromSeq), toSeq: Math.min(ends, toSeq) };
    return part.fromSeq <= part.toSeq ? [part] : [];
  });
}

/** How far the entries reach without a gap when each shard says up to which size it has its own. One that was set back ends them. */
export function reachOver(ranges: readonly ShardRange[], sizes: ReadonlyMap<string, number>): number {
  let reached = 0;
  for (const { shard, fromSeq, toSeq } of rangesWithin(ranges, 0, Number.MAX_SAFE_INTEGER)) {
    const size = sizes.get(shard) ?? 0;
    if (size <= fromSeq) break;
    reached = Math.min(size, toSeq + 1);
    if (reached <= toSeq) break;
  }
  return reached;
}
