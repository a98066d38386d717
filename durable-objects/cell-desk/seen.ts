/** What cron last saw of each domain and each shard, in the cell desk's SQLite. Numbers only. */
import type { ShardGauge } from "../../src/core/shards.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import type { DomainsSeen, GaugeSample } from "../../src/services/status.ts";

/** Samples are kept this long: the rate is that of the last week. */
const KEEP_MS = 7 * 24 * 3_600_000;
/** At most one sample in this time. */
const SAMPLE_EVERY_MS = 3_600_000;

export class Seen {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS domain_seen (domain_id TEXT PRIMARY KEY, size INTEGER NOT NULL, backlog_entries INTEGER NOT NULL,
         backlog_bytes INTEGER NOT NULL, oldest_uncopied_at TEXT, stopped INTEGER NOT NULL) STRICT`,
    );
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS gauge (shard TEXT NOT NULL, at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (shard, at_ms)) STRICT",
    );
  }

  domain(domainId: string, head: HeadResult): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO domain_seen VALUES (?, ?, ?, ?, ?, ?)",
      domainId,
      head.size,
      head.backlogEntries,
      head.backlogBytes,
      head.oldestUncopiedAt,
      head.stoppedReason === null ? 0 : 1,
    );
  }

  forget(domainIds: readonly string[]): void {
    for (const id of domainIds) this.#sql.exec("DELETE FROM domain_seen WHERE domain_id = ?", id);
  }

  gauges(gauges: readonly ShardGauge[], nowMs: number): void {
    const { at } = this.#sql.exec<{ at: number | null }>("SELECT max(at_ms) AS at FROM gauge").one();
    if (at !== null && nowMs - at < SAMPLE_EVERY_MS) return;
    for (const { shard, bytes } of gauges) this.#sql.exec("INSERT INTO gauge VALUES (?, ?, ?)", shard, nowMs, bytes);
    this.#sql.exec("DELETE FROM gauge WHERE at_ms < ?", nowMs - KEEP_MS);
  }

  samples(): GaugeSample[] {
    return this.#sql
      .exec<{ shard: string; at_ms: number; bytes: number }>("SELECT shard, at_ms, bytes FROM gauge")
      .toArray()
      .map(({ shard, at_ms: atMs, bytes }) => ({ shard, atMs, bytes }));
  }

  domains(): DomainsSeen {
    const row = this.#sql
      .exec<{
        domains: number;
        entries: number;
        backlog_entries: number;
        backlog_bytes: number;
        oldest: string | null;
      }>(
        `SELECT count(*) AS domains, ifnull(sum(size), 0) AS entries, ifnull(sum(backlog_entries), 0) AS backlog_entries,
           ifnull(sum(backlog_bytes), 0) AS backlog_bytes, min(oldest_uncopied_at) AS oldest FROM domain_seen`,
      )
      .one();
    const stopped = this.#sql
      .exec<{ id: string }>("SELECT domain_id AS id FROM domain_seen WHERE stopped = 1")
      .toArray();
    return {
      domains: row.domains,
      entries: row.entries,
      backlogEntries: row.backlog_entries,
      backlogBytes: row.backlog_bytes,
      oldestUncopiedAt: row.oldest,
      stopped: stopped.map(({ id }) => id),
    };
  }
}
