/** How far each domain's archive is, and when its tenant last took a copy, as cron saw it, in the cell desk's SQLite. Numbers only. */
import {
  type ArchiveSeen,
  BEHIND_MS,
  EXPORT_FRESH_MS,
  type ExportsSeen,
} from "../../src/services/monitoring/backups.ts";

type Row = { domains: number; silent: number; entries: number; not_archived: number; behind: number | null };

export class ArchiveBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    // `since_ms`: when the archive was complete or moved last.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS archive_seen (
      domain_id TEXT PRIMARY KEY, size INTEGER NOT NULL, archived INTEGER NOT NULL, since_ms INTEGER NOT NULL,
      seen_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS export_seen (
      domain_id TEXT PRIMARY KEY, ready_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  saw(domainId: string, { size, archivedSize }: { size: number; archivedSize: number }, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO archive_seen VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (domain_id) DO UPDATE SET
         since_ms = iif(?3 > archived OR size <= archived, ?4, since_ms), size = ?2, archived = ?3, seen_ms = ?4`,
      ...[domainId, size, archivedSize, nowMs],
    );
  }

  seen(nowMs: number): ArchiveSeen {
    const row = this.#sql
      .exec<Row>(
        `SELECT count(*) AS domains, ifnull(sum(seen_ms < ?), 0) AS silent, ifnull(sum(size), 0) AS entries,
           ifnull(sum(size - archived), 0) AS not_archived, min(iif(size > archived, since_ms, NULL)) AS behind
         FROM archive_seen`,
        nowMs - BEHIND_MS,
      )
      .one();
    const { domains, silent, entries, not_archived: notArchived, behind } = row;
    return { domains, silent, entries, notArchived, behindSinceMs: behind };
  }

  /** An export that is forgotten where it was made stays seen. */
  sawExport(domainId: string, readyMs: number): void {
    this.#sql.exec(
      "INSERT INTO export_seen VALUES (?1, ?2) ON CONFLICT (domain_id) DO UPDATE SET ready_ms = max(ready_ms, ?2)",
      domainId,
      readyMs,
    );
  }

  exports(nowMs: number): ExportsSeen {
    const sql = "SELECT ifnull(sum(ready_ms >= ?), 0) AS fresh, max(ready_ms) AS newestMs FROM export_seen";
    return this.#sql.exec<{ fresh: number; newestMs: number | null }>(sql, nowMs - EXPORT_FRESH_MS).one();
  }

  forget(domainIds: readonly string[]): void {
    for (const id of domainIds) {
      this.#sql.exec("DELETE FROM archive_seen WHERE domain_id = ?", id);
      this.#sql.exec("DELETE FROM export_seen WHERE domain_id = ?", id);
    }
  }
}
