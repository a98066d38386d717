/**
 * The write-ahead log of a domain in its object's own SQLite (`Journal` of src/services/ports.ts).
 *
 * head        one row: size, entry hash, time of the newest entry, and how far the copies have come
 * pending     entries that D1 or R2 do not hold yet
 * request_*   idempotency keys (digests only), a table a month
 * known_id_*  ids that clients gave, a table a month
 *
 * Nothing here may be restored to an earlier point: the product never calls the object's point-in-time restore, and a head
 * behind a copy stops the domain.
 */
import { LIMITS } from "../../src/core/limits.ts";
import { FIRST_SHARD, type ShardRange } from "../../src/core/shards.ts";
import type {
  DomainIdentity,
  EntryRow,
  Head,
  IdempotencyRecord,
  Journal,
  KeptFrom,
  KnownId,
  LogPosition,
} from "../../src/services/ports.ts";
import { RecentRows } from "./recent-rows.ts";

const SCHEMA_VERSION = 2;
const DAY_MS = 24 * 60 * 60 * 1000;

type HeadRow = {
  identity: string;
  size: number;
  entry_hash: string;
  recorded_at_ms: number;
  copied_size: number;
  copied_hash: string;
  archived_size: number;
  archived_hash: string;
  stopped_reason: string | null;
  ids_forgotten_below: number;
  shards: string;
  shards_mirrored: number;
  first_hot: number;
  /** Null: nothing was pruned, it is the genesis value. */
  hot_prev_hash: string | null;
  first_kept: number;
};
type PendingRow = { seq: number; id: string; prev_hash: string; entry_hash: string; payload: string };
type RequestRow = { first_seq: number; count: number; body_mac: ArrayBuffer; recorded_at_ms: number };

/** From each version to the next. */
const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE head (
      id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL,
      size INTEGER NOT NULL, entry_hash TEXT NOT NULL, recorded_at_ms INTEGER NOT NULL,
      copied_size INTEGER NOT NULL, copied_hash TEXT NOT NULL,
      archived_size INTEGER NOT NULL, archived_hash TEXT NOT NULL,
      stopped_reason TEXT, ids_forgotten_below INTEGER NOT NULL,
      shards TEXT NOT NULL, shards_mirrored INTEGER NOT NULL) STRICT`,
    `CREATE TABLE pending (
      seq INTEGER PRIMARY KEY, id TEXT NOT NULL, prev_hash TEXT NOT NULL, entry_hash TEXT NOT NULL,
      payload TEXT NOT NULL, recorded_at_ms INTEGER NOT NULL) STRICT`,
  ],
  [
    "ALTER TABLE head ADD COLUMN first_hot INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE head ADD COLUMN hot_prev_hash TEXT",
    "ALTER TABLE head ADD COLUMN first_kept INTEGER NOT NULL DEFAULT 0",
  ],
];

/** What grows with the log, in the same transactions. */
export interface BesideJournal {
  appended(rows: readonly EntryRow[]): void;
  /** A transaction was undone: what is remembered may not be there. */
  undone(): void;
}

export class SqliteJournal implements Journal {
  readonly #storage: DurableObjectStorage;
  readonly #beside: BesideJournal;
  readonly #sql: SqlStorage;
  /** Only this object writes its storage, so what was read or written last is what is there. */
  #backlog: { entries: number; bytes: number } | null = null;
  #row: HeadRow | null = null;
  #identity: DomainIdentity | null = null;
  #months: string[] | null = null;
  readonly #recent = new RecentRows();

  constructor(storage: DurableObjectStorage, beside: BesideJournal) {
    this.#storage = storage;
    this.#beside = beside;
    this.#sql = storage.sql;
    this.#migrate();
  }

  transaction<T>(run: () => T): T {
    try {
      return this.#storage.transactionSync(run);
    } catch (error) {
      this.#backlog = null;
      this.#row = null;
      this.#identity = null;
      this.#months = null;
      this.#recent.clear();
      this.#beside.undone();
      throw error;
    }
  }

  identity(): DomainIdentity | null {
    const row = this.#head();
    if (row) this.#identity ??= JSON.parse(row.identity);
    return this.#identity;
  }

  create(identity: DomainIdentity, head: Head): void {
    this.#sql.exec(
      `INSERT INTO head (id, identity, size, entry_hash, recorded_at_ms, copied_size, copied_hash, archived_size, archived_hash, ids_forgotten_below, shards, shards_mirrored)
       VALUES (1, ?, ?, ?, ?, 0, ?, 0, ?, 0, '[]', 1)`,
      JSON.stringify(identity),
      head.size,
      head.entryHash,
      head.recordedAtMs,
      identity.genesis,
      identity.genesis,
    );
  }

  head(): Head {
    const row = this.#need();
    return { size: row.size, entryHash: row.entry_hash, recordedAtMs: row.recorded_at_ms };
  }

  append(rows: readonly EntryRow[], head: Head): void {
    const backlog = this.pendingStats();
    let bytes = backlog.bytes;
    for (const row of rows) {
      bytes += this.#recent.add(row);
      this.#sql.exec(
        "INSERT INTO pending (seq, id, prev_hash, entry_hash, payload, recorded_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
        row.seq,
        row.id,
        row.prevHash,
        row.entryHash,
        row.payload,
        head.recordedAtMs,
      );
    }
    this.#set({ size: head.size, entry_hash: head.entryHash, recorded_at_ms: head.recordedAtMs });
    this.#backlog = {
      entries: backlog.entries + rows.length,
      bytes,
    };
    this.#beside.appended(rows);
  }

  pending(fromSeq: number, maxRows: number, maxBytes: number): EntryRow[] {
    const recent = this.#recent.from(fromSeq, maxRows, maxBytes);
    if (recent) return recent;
    const rows: EntryRow[] = [];
    let byteLength = 0;
    const cursor = this.#sql.exec<PendingRow>(
      "SELECT seq, id, prev_hash, entry_hash, payload FROM pending WHERE seq >= ? ORDER BY seq LIMIT ?",
      fromSeq,
      maxRows,
    );
    for (const row of cursor) {
      byteLength += Buffer.byteLength(row.payload);
      if (rows.length > 0 && byteLength > maxBytes) break;
      rows.push({ seq: row.seq, id: row.id, prevHash: row.prev_hash, entryHash: row.entry_hash, payload: row.payload });
    }
    return rows;
  }

  /** Kept in memory once read: it is asked for on every append. */
  pendingStats(): { entries: number; bytes: number } {
    this.#backlog ??= this.#sql
      .exec<{ entries: number; bytes: number }>(
        "SELECT count(*) AS entries, ifnull(sum(octet_length(payload)), 0) AS bytes FROM pending",
      )
      .one();
    return this.#backlog;
  }

  pendingSince(seq: number): number | null {
    const rows = this.#sql
      .exec<{ at: number }>("SELECT recorded_at_ms AS at FROM pending WHERE seq = ?", seq)
      .toArray();
    return rows[0]?.at ?? null;
  }

  copied(): LogPosition {
    const row = this.#need();
    return { size: row.copied_size, entryHash: row.copied_hash };
  }

  setCopied(position: LogPosition): void {
    this.#set({ copied_size: position.size, copied_hash: position.entryHash });
  }

  archived(): LogPosition {
    const row = this.#need();
    return { size: row.archived_size, entryHash: row.archived_hash };
  }

  setArchived(position: LogPosition): void {
    this.#set({ archived_size: position.size, archived_hash: position.entryHash });
  }

  /** The head of a log that is made anew: all of it is in both copies. Inside a transaction of the caller. */
  adoptHead({ size, entryHash, recordedAtMs }: Head): void {
    this.#set({
      ...{ size, entry_hash: entryHash, recorded_at_ms: recordedAtMs },
      ...{ copied_size: size, copied_hash: entryHash, archived_size: size, archived_hash: entryHash },
    });
  }

  keptFrom(): KeptFrom {
    const row = this.#need();
    const hotPrevHash = row.hot_prev_hash ?? this.identity()?.genesis ?? "";
    return { firstHot: row.first_hot, hotPrevHash, firstKept: row.first_kept };
  }

  setKeptFrom(kept: Partial<KeptFrom>): void {
    const before = this.keptFrom();
    const { firstHot, hotPrevHash, firstKept } = { ...before, ...kept };
    if (firstHot < before.firstHot || firstKept < before.firstKept || firstKept > firstHot) {
      throw new Error("what is kept of a log begins later or where it did");
    }
    this.#set({ first_hot: firstHot, hot_prev_hash: firstHot === 0 ? null : hotPrevHash, first_kept: firstKept });
  }

  release(size: number): void {
    this.#recent.release(size);
    const released = this.#sql.exec("DELETE FROM pending WHERE seq < ?", size);
    if (released.rowsWritten > 0) this.#backlog = null;
  }

  idempotency(key: Uint8Array): IdempotencyRecord | null {
    for (const table of this.#tables("request")) {
      const [row] = this.#sql
        .exec<RequestRow>(`SELECT first_seq, count, body_mac, recorded_at_ms FROM ${table} WHERE key = ?`, key)
        .toArray();
      if (row) {
        const { first_seq: firstSeq, count, recorded_at_ms: recordedAtMs } = row;
        return { firstSeq, count, bodyMac: new Uint8Array(row.body_mac), recordedAtMs };
      }
    }
    return null;
  }

  rememberRequest(key: Uint8Array, record: IdempotencyRecord): void {
    const table = this.#tableFor("request", record.recordedAtMs);
    this.#sql.exec(
      `INSERT INTO ${table} (key, first_seq, count, body_mac, recorded_at_ms) VALUES (?, ?, ?, ?, ?)`,
      key,
      record.firstSeq,
      record.count,
      record.bodyMac,
      record.recordedAtMs,
    );
  }

  knownIds(ids: readonly string[]): KnownId[] {
    if (ids.length === 0) return [];
    const json = JSON.stringify(ids);
    return this.#tables("known_id").flatMap((table) =>
      this.#sql
        .exec<{ id: string; seq: number; event_mac: ArrayBuffer }>(
          `SELECT id, seq, event_mac FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`,
          json,
        )
        .toArray()
        .map((row) => ({ id: row.id, seq: row.seq, eventMac: new Uint8Array(row.event_mac) })),
    );
  }

  rememberIds(ids: readonly KnownId[], recordedAtMs: number): void {
    if (ids.length === 0) return;
    const table = this.#tableFor("known_id", recordedAtMs);
    for (const { id, seq, eventMac } of ids) {
      this.#sql.exec(`INSERT INTO ${table} (id, seq, event_mac) VALUES (?, ?, ?)`, id, seq, eventMac);
    }
  }

  idsForgottenBelow(): number {
    return this.#need().ids_forgotten_below;
  }

  forget(nowMs: number): void {
    const keepFrom = monthOf(nowMs - LIMITS.idempotencyDays * DAY_MS);
    this.transaction(() => {
      for (const table of this.#tables("request").filter((name) => name.slice(-6) < keepFrom)) {
        this.#sql.exec(`DROP TABLE ${table}`);
      }
      for (const table of this.#tables("known_id").filter((name) => name.slice(-6) < keepFrom)) {
        const { size } = this.#sql.exec<{ size: number }>(`SELECT ifnull(max(seq) + 1, 0) AS size FROM ${table}`).one();
        this.#set({ ids_forgotten_below: Math.max(this.idsForgottenBelow(), size) });
        this.#sql.exec(`DROP TABLE ${table}`);
      }
      this.#months = null;
    });
  }

  stoppedReason(): string | null {
    return this.#head()?.stopped_reason ?? null;
  }

  stop(reason: string): void {
    if (this.stoppedReason() === null) this.#set({ stopped_reason: reason });
  }

  /** The ranges of the ledger; at first everything lies in `FIRST_SHARD`. */
  shards(): ShardRange[] {
    const ranges: ShardRange[] = JSON.parse(this.#head()?.shards ?? "[]");
    return ranges.length > 0 ? ranges : [{ fromSeq: 0, shard: FIRST_SHARD }];
  }

  setShards(ranges: readonly ShardRange[]): void {
    this.#set({ shards: JSON.stringify(ranges), shards_mirrored: 0 });
  }

  /** Whether the control database knows the ranges: readers find them there. */
  shardsMirrored(): boolean {
    return this.#need().shards_mirrored === 1;
  }

  setShardsMirrored(): void {
    this.#set({ shards_mirrored: 1 });
  }

  #head(): HeadRow | null {
    this.#row ??= this.#sql.exec<HeadRow>("SELECT * FROM head").toArray()[0] ?? null;
    return this.#row;
  }

  #set(changes: Partial<HeadRow>): void {
    const columns = Object.keys(changes);
    this.#sql.exec(`UPDATE head SET ${columns.map((column) => `${column} = ?`).join(", ")}`, ...Object.values(changes));
    this.#row = { ...this.#need(), ...changes };
  }

  #need(): HeadRow {
    const row = this.#head();
    if (!row) throw new Error("the domain was not created");
    return row;
  }

  /** Newest month first: a retry comes soon. */
  #tables(kind: "request" | "known_id"): string[] {
    this.#months ??= this.#sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '*_[0-9][0-9][0-9][0-9][0-9][0-9]' ORDER BY name DESC",
      )
      .toArray()
      .map(({ name }) => name);
    return this.#months.filter((name) => name.startsWith(kind));
  }

  #tableFor(kind: "request" | "known_id", atMs: number): string {
    const table = `${kind}_${monthOf(atMs)}`;
    if (this.#tables(kind).includes(table)) return table;
    const columns =
      kind === "request"
        ? "key BLOB PRIMARY KEY, first_seq INTEGER NOT NULL, count INTEGER NOT NULL, body_mac BLOB NOT NULL, recorded_at_ms INTEGER NOT NULL"
        : "id TEXT PRIMARY KEY, seq INTEGER NOT NULL, event_mac BLOB NOT NULL";
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${table} (${columns}) STRICT, WITHOUT ROWID`);
    this.#months = null;
    return table;
  }

  /** Additive steps only, each run once. */
  #migrate(): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
      const [row] = this.#sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray();
      const version = row?.version ?? 0;
      if (version >= SCHEMA_VERSION) return;
      for (const statement of STEPS.slice(version).flat()) this.#sql.exec(statement);
      this.#sql.exec("DELETE FROM schema_version");
      this.#sql.exec("INSERT INTO schema_version (version) VALUES (?)", SCHEMA_VERSION);
    });
  }
}

/** `202611`, UTC. */
function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7).replace("-", "");
}
