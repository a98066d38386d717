/**
 * Wishes to sign in by mail, whoever they are about. The caller's part is the same for an address that nobody has: one
 * transaction, one row, the same answer; who is concerned is looked up by the alarm.
 *
 * Nobody is flooded, and nobody is locked out by it: mails to an address are counted in windows, separately for strangers and for
 * each browser that the address has signed in with before, so what strangers use up is not its owner's.
 */
import { LIMITS } from "../../src/core/limits.ts";
import type { LoginWish } from "../../src/services/access/people/calls.ts";

export interface WaitingLogin extends LoginWish {
  id: number;
}

const DAY_MS = 86_400_000;

export class Logins {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS login_wish (
      id INTEGER PRIMARY KEY AUTOINCREMENT, lookup TEXT NOT NULL, browser_hash TEXT NOT NULL, device TEXT NOT NULL,
      wish TEXT NOT NULL, created_ms INTEGER NOT NULL, mailed INTEGER NOT NULL) STRICT`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS mail_count (
      bucket TEXT PRIMARY KEY, count INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS known_browser (
      lookup TEXT NOT NULL, browser_hash TEXT NOT NULL, used_ms INTEGER NOT NULL, PRIMARY KEY (lookup, browser_hash)
      ) STRICT, WITHOUT ROWID`);
  }

  /** False: too many wait, whoever they are about. How often one place may ask is the door's matter. */
  add({ lookup, browserHash, device, wish }: LoginWish, nowMs: number): boolean {
    return this.#storage.transactionSync(() => {
      if (this.#waiting() >= LIMITS.loginsWaiting) return false;
      const browser = `browser:${lookup}:${browserHash}`;
      const isKnown =
        this.#sql
          .exec("SELECT 1 FROM known_browser WHERE lookup = ? AND browser_hash = ?", lookup, browserHash)
          .toArray().length > 0;
      const [bucket, most] = isKnown
        ? [browser, LIMITS.loginMailsPerKnownBrowser]
        : [`address:${lookup}`, LIMITS.loginMailsPerAddress];
      const mailed = this.count(bucket, most, LIMITS.mailWindowMs, nowMs) ? 1 : 0;
      this.#sql.exec(
        "INSERT INTO login_wish (lookup, browser_hash, device, wish, created_ms, mailed) VALUES (?, ?, ?, ?, ?, ?)",
        ...[lookup, browserHash, device, wish, nowMs, mailed],
      );
      return true;
    });
  }

  /**
   * An invitation of this tenant (or of `staff`) may go to this address; counted. By tenant first: one that invites somebody again and
   * again keeps no other from it, and all of them together flood nobody.
   */
  countInvitation(lookup: string, by: string, nowMs: number): boolean {
    return (
      this.count(`invitation:${by}:${lookup}`, LIMITS.invitationMailsPerDay, DAY_MS, nowMs) &&
      this.count(`invitation:${lookup}`, LIMITS.invitationMailsPerDayOfAll, DAY_MS, nowMs)
    );
  }

  /** Counts one, unless the window has `most` already. */
  count(bucket: string, most: number, windowMs: number, nowMs: number): boolean {
    this.#sql.exec("DELETE FROM mail_count WHERE until_ms <= ?", nowMs);
    const known = this.#sql
      .exec<{ count: number }>("SELECT count FROM mail_count WHERE bucket = ?", bucket)
      .toArray()[0];
    if (known && known.count >= most) return false;
    this.#sql.exec(
      "INSERT INTO mail_count VALUES (?, 1, ?) ON CONFLICT (bucket) DO UPDATE SET count = count + 1",
      bucket,
      nowMs + windowMs,
    );
    return true;
  }

  /**
   * The next hundred after this one, oldest first. Drops those that get no mail, or are older than their links would be.
   */
  waiting(nowMs: number, afterId = 0): WaitingLogin[] {
    this.#sql.exec("DELETE FROM login_wish WHERE mailed = 0 OR created_ms <= ?", nowMs - LIMITS.loginLinkMs);
    return this.#sql
      .exec<WaitingLogin & Record<string, SqlStorageValue>>(
        `SELECT id, lookup, browser_hash AS browserHash, device, wish FROM login_wish
         WHERE id > ? ORDER BY id LIMIT 100`,
        afterId,
      )
      .toArray();
  }

  finish(id: number): void {
    this.#sql.exec("DELETE FROM login_wish WHERE id = ?", id);
  }

  /** The address has signed in with this browser. */
  know(lookup: string, browserHash: string, nowMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO known_browser VALUES (?, ?, ?)", lookup, browserHash, nowMs);
    this.#sql.exec(
      `DELETE FROM known_browser WHERE lookup = ? AND browser_hash NOT IN
       (SELECT browser_hash FROM known_browser WHERE lookup = ? ORDER BY used_ms DESC LIMIT ?)`,
      ...[lookup, lookup, LIMITS.knownBrowsersPerAddress],
    );
  }

  /** Of an address that is nobody's any more. */
  forget(lookup: string): void {
    this.#sql.exec("DELETE FROM known_browser WHERE lookup = ?", lookup);
    this.#sql.exec("DELETE FROM login_wish WHERE lookup = ?", lookup);
  }

  /** Of a tenant that is deleted: whom it has invited lately. */
  forgetTenant(tenantId: string): void {
    const mark = `invitation:${tenantId}:`;
    this.#sql.exec("DELETE FROM mail_count WHERE substr(bucket, 1, ?) = ?", mark.length, mark);
  }

  #waiting(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM login_wish").one().count;
  }
}
