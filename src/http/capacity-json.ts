/** How full a cell is, as the operator is told. */
import type { Jurisdiction } from "../core/ids.ts";
import type { CellStatus } from "../services/status.ts";

export function capacityJson({ shards, seen }: CellStatus, jurisdiction: Jurisdiction) {
  return {
    jurisdiction,
    shards: shards.map((shard) => ({
      shard: shard.shard,
      bytes: shard.bytes,
      limit_bytes: shard.limitBytes,
      used: shard.used,
      warning: shard.warning,
      entries_left: shard.entriesLeft,
      days_left: shard.daysLeft,
      rate_since: shard.rateSince,
    })),
    domains: seen.domains,
    entries: seen.entries,
    backlog_entries: seen.backlogEntries,
    backlog_bytes: seen.backlogBytes,
    oldest_uncopied_at: seen.oldestUncopiedAt,
    stopped_domains: seen.stopped,
  };
}
