/** How full a cell is: the size of each ledger shard, what fits in at the present rate, and what waits to be copied. */
import { SHARD_WARNING, type ShardGauge } from "../core/shards.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface GaugeSample extends ShardGauge {
  atMs: number;
}

/** What was last seen of the domains: cron looks at all of them in turn. */
export interface DomainsSeen {
  domains: number;
  entries: number;
  backlogEntries: number;
  backlogBytes: number;
  oldestUncopiedAt: string | null;
  stopped: string[];
}

export interface ShardStatus {
  shard: string;
  bytes: number;
  limitBytes: number;
  /** Share of the limit, 0 to 1 and beyond. */
  used: number;
  warning: boolean;
  /** Entries that still fit, by the size of those that are there; null: too few to tell. */
  entriesLeft: number | null;
  /** Days until it is full at the rate since `rateSince`; null: it does not grow, or that is not known yet. */
  daysLeft: number | null;
  rateSince: string | null;
}

export interface CellStatus {
  shards: ShardStatus[];
  seen: DomainsSeen;
}

/** Below this many entries the size of an empty database hides that of an entry. */
const ENTRIES_TO_MEASURE = 1000;

/** `samples`: earlier gauges of the same shards, in any order. */
export function cellStatus(
  gauges: readonly ShardGauge[],
  samples: readonly GaugeSample[],
  seen: DomainsSeen,
  limitBytes: number,
  nowMs: number,
): CellStatus {
  const totalBytes = gauges.reduce((sum, { bytes }) => sum + bytes, 0);
  const entryBytes = seen.entries >= ENTRIES_TO_MEASURE ? totalBytes / seen.entries : null;
  const shards = gauges.map(({ shard, bytes }): ShardStatus => {
    const leftBytes = Math.max(0, limitBytes - bytes);
    const first = samples.filter((sample) => sample.shard === shard).sort((a, b) => a.atMs - b.atMs)[0];
    const known = first && nowMs - first.atMs >= HOUR_MS ? first : null;
    const bytesPerMs = known ? (bytes - known.bytes) / (nowMs - known.atMs) : 0;
    return {
      shard,
      bytes,
      limitBytes,
      used: bytes / limitBytes,
      warning: bytes >= SHARD_WARNING * limitBytes,
      entriesLeft: entryBytes === null ? null : Math.floor(leftBytes / entryBytes),
      daysLeft: bytesPerMs > 0 ? leftBytes / bytesPerMs / DAY_MS : null,
      rateSince: known ? new Date(known.atMs).toISOString() : null,
    };
  });
  return { shards, seen };
}
