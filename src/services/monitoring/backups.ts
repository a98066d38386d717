/**
 * What could be restored, from where, and how far back (S2-34): one row a store, the same for every cell, and what the daily job found.
 * A row says where the three places are and where there is none; nothing is called a backup that nobody has looked at.
 *
 * The cell holds no credential of the account: a token that reads its databases would read the other jurisdiction's too. So the
 * bookmark that Time Travel would restore to is taken down by the operator's own tool (`npm run ops -- bookmark`), or is unknown.
 */

import type { BookmarksSeen } from "../ports.ts";

const DAY_MS = 86_400_000;

export interface BackupRow {
  what: string;
  /** Where it would come from; null: from nowhere. */
  from: string | null;
  /** How far back, in words. */
  reach: string;
  how: string;
}

export const BACKUPS = {
  database: {
    what: "D1: tenants, domains, keys, the queryable copy of every log",
    from: "D1 Time Travel, in the same jurisdiction",
    reach: "any minute of the last 30 days (7 on the free plan)",
    how: "wrangler d1 time-travel restore; the logs' objects then refill the copy, and erasures are replayed",
  },
  log: {
    what: "The entries of every log, its tiles and its checkpoints",
    from: "the archive in R2 LOG, in the same jurisdiction",
    reach: "entry 0, except for entries that the archive does not hold yet",
    how: "the archive alone is a verifiable log; what it lacks stands in D1 and in the log's object",
  },
  tenant_copy: {
    what: "A tenant's own signed export, or a mirror of the tiles",
    from: "wherever the tenant keeps it",
    reach: "the day on which the tenant made it",
    how: "outside the account, and the only copy that the operator cannot take back; the cell does not see it",
  },
  objects: {
    what: "What stands in objects alone: sessions, second factors, legal holds, open changes, alerts",
    from: null,
    reach: "the platform can set an object back by 30 days; the product never does, because a log would fork",
    how: "people sign in again; legal holds stand in the log and in D1 too",
  },
  keys: {
    what: "R2 KEYS: roots of tenants, tenant keys, keys of people",
    from: null,
    reach: "none, on purpose: what was erased must not come back",
    how: "losing this bucket loses everything that is sealed, for good; the entries stay and verify",
  },
  secrets: {
    what: "The cell's secrets",
    from: "the escrow file that provisioning wrote, with the operator",
    reach: "the last provisioning or rotation",
    how: "npm run ops -- escrow opens and verifies it; the cell does not see it",
  },
} as const satisfies Record<string, BackupRow>;

export type BackupName = keyof typeof BACKUPS;
export const BACKUP_NAMES = Object.keys(BACKUPS) as BackupName[];

/** `verified`: looked at, and whole. `incomplete`: looked at, something is missing. `unknown`: nobody has looked lately, or nobody here can. */
export type BackupVerdict = "verified" | "incomplete" | "unknown" | "none";

export interface BackupState {
  name: BackupName;
  verdict: BackupVerdict;
  /** When it was looked at; null: never. */
  checkedMs: number | null;
  /** Codes of what was found, each with a number where it has one: `entries_not_archived`. */
  found: Record<string, number>;
}

/** How far the archive is, as cron last saw the domains. Their objects read every segment back before it counts. */
export interface ArchiveSeen {
  domains: number;
  /** Not seen for a day: their figures say nothing. */
  silent: number;
  entries: number;
  notArchived: number;
  /** Since when the domain that waits longest has entries that are not archived, without progress. Null: all are. */
  behindSinceMs: number | null;
}

/** What tenants took away themselves, as cron last saw their domains: where they keep it is not seen. */
export interface ExportsSeen {
  /** Domains of which an export was made ready within `EXPORT_FRESH_MS`. */
  fresh: number;
  newestMs: number | null;
}

/** What the daily job saw. */
export interface BackupsSeen {
  atMs: number;
  /** Databases that answered, of how many. */
  databases: { answered: number; of: number };
  /** Absent in what an older version took down. */
  bookmarks?: BookmarksSeen;
  exports?: ExportsSeen;
  /** Entries of all domains, and those that the archive lacks. Domains that did not answer are counted, not guessed. */
  log: ArchiveSeen;
}

/** The archive may stand still for this long with entries before it: a segment that is not full waits `LIMITS.segmentFlushMs`. */
export const BEHIND_MS = DAY_MS;
/** Time Travel reaches back a week on the smaller plan: an older bookmark restores nothing there. */
export const BOOKMARK_FRESH_MS = 7 * DAY_MS;
export const EXPORT_FRESH_MS = 30 * DAY_MS;
/** A look that is older than this says nothing any more: the job runs daily. Milliseconds. */
const STALE_MS = 2 * DAY_MS;

/** One state a row; `seen` null: the job has never run. */
export function backupStates(seen: BackupsSeen | null, nowMs: number): BackupState[] {
  const fresh = seen !== null && nowMs - seen.atMs <= STALE_MS ? seen : null;
  return BACKUP_NAMES.map((name) => {
    const known = fresh ? verdictOf(name, fresh) : unlooked(name);
    return { name, checkedMs: seen && isLookedAt(name) ? seen.atMs : null, ...known };
  });
}

/** Codes of what is wrong with it; empty: nothing is. */
export function backupFaults(seen: BackupsSeen): string[] {
  return backupStates(seen, seen.atMs)
    .filter(({ verdict }) => verdict === "incomplete")
    .map(({ name }) => `${name}_incomplete`);
}

const isLookedAt = (name: BackupName) => name === "database" || name === "log" || name === "tenant_copy";

function unlooked(name: BackupName): Pick<BackupState, "verdict" | "found"> {
  return { verdict: BACKUPS[name].from === null ? "none" : "unknown", found: {} };
}

function verdictOf(name: BackupName, seen: BackupsSeen): Pick<BackupState, "verdict" | "found"> {
  if (name === "database") return databaseVerdict(seen);
  if (name === "tenant_copy") return { verdict: "unknown", found: exportsFound(seen) };
  const { log, atMs } = seen;
  if (name !== "log") return unlooked(name);
  const { domains, silent, entries, notArchived, behindSinceMs } = log;
  const behind = behindSinceMs !== null && atMs - behindSinceMs > BEHIND_MS;
  const found = { domains, domains_silent: silent, entries, entries_not_archived: notArchived };
  return { verdict: silent > 0 || behind ? "incomplete" : "verified", found };
}

/** That a database answers shows that there is something to restore; to when it could be set back, the bookmark shows. */
function databaseVerdict({ databases, bookmarks, atMs }: BackupsSeen): Pick<BackupState, "verdict" | "found"> {
  const { known = 0, oldestMs = null } = bookmarks ?? {};
  const found = {
    ...{ databases_answered: databases.answered, databases: databases.of, bookmarks: known },
    ...(oldestMs === null ? {} : { oldest_bookmark_age_s: ageS(atMs, oldestMs) }),
  };
  if (databases.answered < databases.of) return { verdict: "incomplete", found };
  const isFresh = known >= databases.of && oldestMs !== null && atMs - oldestMs <= BOOKMARK_FRESH_MS;
  return { verdict: isFresh ? "verified" : "unknown", found };
}

function exportsFound({ log, exports, atMs }: BackupsSeen): Record<string, number> {
  const { fresh = 0, newestMs = null } = exports ?? {};
  const age = newestMs === null ? {} : { newest_export_age_s: ageS(atMs, newestMs) };
  return { domains: log.domains, domains_exported_lately: fresh, ...age };
}

const ageS = (atMs: number, sinceMs: number): number => Math.max(0, Math.round((atMs - sinceMs) / 1000));
