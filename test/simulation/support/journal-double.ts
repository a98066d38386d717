/**
 * `Journal` in memory, stricter than the contract: rows go in only in order and inside a transaction, positions name the
 * hash that belongs to them, nothing is released that the copies never held, nothing is remembered twice.
 * Mirrors `SqliteJournal` (durable-objects/domain-log/journal.ts), with its tables of months.
 */
import { toHex } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type {
  DomainIdentity,
  EntryRow,
  Head,
  IdempotencyRecord,
  Journal,
  KeptFrom,
  KnownId,
  LogPosition,
} from "../../../src/services/ports.ts";
import type { DurableMap, DurableStorage } from "./durable.ts";
import { deepFreeze, type Referee } from "./referee.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

interface HeadRow {
  identity: DomainIdentity;
  head: Head;
  copied: LogPosition;
  archived: LogPosition;
  stoppedReason: string | null;
  idsForgottenBelow: number;
  /** Rows below this size have left. */
  released: number;
  backlogBytes: number;
}

/** What the journal is watched by: the truth, and how far each copy has ever come. */
export interface JournalWatch {
  append(row: EntryRow): void;
  /** Throws when the copies never held the entries below `size`. */
  released(size: number): void;
  /** Throws when the position is not one of the committed log, or was never reached by the copy. */
  copied(position: LogPosition): void;
  archived(position: LogPosition): void;
}

export class JournalDouble implements Journal {
  readonly #referee: Referee;
  readonly #storage: DurableStorage;
  readonly #head: DurableMap<"head", HeadRow>;
  readonly #pending: DurableMap<number, { row: EntryRow; atMs: number }>;
  readonly #requests: DurableMap<string, IdempotencyRecord>;
  readonly #ids: DurableMap<string, KnownId & { atMs: number }>;
  readonly #watch: JournalWatch;

  constructor(storage: DurableStorage, referee: Referee, watch: JournalWatch) {
    this.#storage = storage;
    this.#referee = referee;
    this.#watch = watch;
    this.#head = storage.table();
    this.#pending = storage.table();
    this.#requests = storage.table();
    this.#ids = storage.table();
  }

  transaction<T>(run: () => T): T {
    return this.#storage.transaction(run);
  }

  identity(): DomainIdentity | null {
    return this.#head.get("head")?.identity ?? null;
  }

  create(identity: DomainIdentity, head: Head): void {
    this.#referee.demand(this.#head.size === 0, () => "a domain is created a second time");
    this.#inTransaction("create");
    const start = { size: 0, entryHash: identity.genesis };
    const rest = { stoppedReason: null, idsForgottenBelow: 0, released: 0, backlogBytes: 0 };
    this.#head.set("head", deepFreeze({ identity: { ...identity }, head, copied: start, archived: start, ...rest }));
  }

  head(): Head {
    return this.#need().head;
  }

  append(rows: readonly EntryRow[], head: Head): void {
    this.#inTransaction("append");
    const before = this.head();
    const last = rows.at(-1);
    if (!last) return this.#referee.fail("an append of no rows");
    this.#referee.demand(this.stoppedReason() === null, () => "a stopped domain appends");
    let prevHash = before.entryHash;
    rows.forEach((row, i) => {
      const fits = row.seq === before.size + i && row.prevHash === prevHash;
      this.#referee.demand(fits, () => `entry ${row.seq} does not follow the head of ${before.size} entries`);
      prevHash = row.entryHash;
      this.#pending.set(row.seq, { row: deepFreeze(row), atMs: head.recordedAtMs });
      this.#watch.append(row);
    });
    const follows = head.size === before.size + rows.length && head.entryHash === last.entryHash;
    this.#referee.demand(follows && head.recordedAtMs >= before.recordedAtMs, () => "the head is not the last entry");
    this.#set({ head: { ...head }, backlogBytes: this.#need().backlogBytes + charsOf(rows) });
  }

  pending(fromSeq: number, maxRows: number, maxChars: number): EntryRow[] {
    const { released, head } = this.#need();
    const rows: EntryRow[] = [];
    let chars = 0;
    for (let seq = Math.max(fromSeq, released); seq < head.size && rows.length < maxRows; seq++) {
      const { row } = this.#pending.get(seq) as { row: EntryRow };
      chars += row.payload.length;
      if (rows.length > 0 && chars > maxChars) break;
      rows.push(row);
    }
    return rows;
  }

  pendingStats(): { entries: number; bytes: number } {
    return { entries: this.#pending.size, bytes: this.#need().backlogBytes };
  }

  pendingSince(seq: number): number | null {
    return this.#pending.get(seq)?.atMs ?? null;
  }

  copied(): LogPosition {
    return this.#need().copied;
  }

  setCopied(position: LogPosition): void {
    this.#referee.demand(position.size <= this.head().size, () => "copied is ahead of the head");
    this.#watch.copied(position);
    this.#set({ copied: { size: position.size, entryHash: position.entryHash } });
  }

  archived(): LogPosition {
    return this.#need().archived;
  }

  /** The simulation prunes nothing. */
  keptFrom(): KeptFrom {
    return { firstHot: 0, hotPrevHash: this.identity()?.genesis ?? "", firstKept: 0 };
  }

  setKeptFrom(): void {
    throw new Error("the simulation prunes nothing");
  }

  setArchived(position: LogPosition): void {
    const before = this.archived().size;
    this.#referee.demand(position.size > before, () => `archived goes from ${before} back to ${position.size}`);
    this.#referee.demand(position.size <= this.head().size, () => "archived is ahead of the head");
    this.#watch.archived(position);
    this.#set({ archived: { size: position.size, entryHash: position.entryHash } });
  }

  release(size: number): void {
    const { copied, archived, released, backlogBytes } = this.#need();
    const held = size <= copied.size && size <= archived.size;
    this.#referee.demand(held, () => `${size} released, copied ${copied.size}, archived ${archived.size}`);
    this.#watch.released(size);
    if (size <= released) return;
    let bytes = backlogBytes;
    for (let seq = released; seq < size; seq++) {
      bytes -= this.#pending.get(seq)?.row.payload.length ?? 0;
      this.#pending.delete(seq);
    }
    this.#set({ released: size, backlogBytes: bytes });
  }

  get released(): number {
    return this.#head.get("head")?.released ?? 0;
  }

  idempotency(key: Uint8Array): IdempotencyRecord | null {
    const record = this.#requests.get(toHex(key));
    return record ? { ...record, bodyMac: record.bodyMac.slice() } : null;
  }

  rememberRequest(key: Uint8Array, record: IdempotencyRecord): void {
    this.#inTransaction("rememberRequest");
    this.#referee.demand(!this.#requests.has(toHex(key)), () => "a request is remembered a second time");
    const within = record.firstSeq + record.count <= this.head().size;
    this.#referee.demand(within, () => "a request is remembered with entries that do not exist");
    this.#requests.set(toHex(key), { ...record, bodyMac: record.bodyMac.slice() });
  }

  knownIds(ids: readonly string[]): KnownId[] {
    return [...new Set(ids)].flatMap((id) => {
      const known = this.#ids.get(id);
      return known ? [{ id, seq: known.seq, eventMac: known.eventMac.slice() }] : [];
    });
  }

  rememberIds(ids: readonly KnownId[], recordedAtMs: number): void {
    if (ids.length > 0) this.#inTransaction("rememberIds");
    for (const { id, seq, eventMac } of ids) {
      this.#referee.demand(!this.#ids.has(id), () => `the id ${id} is remembered a second time`);
      this.#referee.demand(seq < this.head().size, () => `the id ${id} is remembered for an entry that does not exist`);
      this.#ids.set(id, { id, seq, eventMac: eventMac.slice(), atMs: recordedAtMs });
    }
  }

  idsForgottenBelow(): number {
    return this.#need().idsForgottenBelow;
  }

  forget(nowMs: number): void {
    const keepFrom = monthOf(nowMs - LIMITS.idempotencyDays * DAY_MS);
    this.transaction(() => {
      for (const [key, { recordedAtMs }] of this.#requests.entries()) {
        if (monthOf(recordedAtMs) < keepFrom) this.#requests.delete(key);
      }
      for (const [id, { atMs, seq }] of this.#ids.entries()) {
        if (monthOf(atMs) >= keepFrom) continue;
        this.#ids.delete(id);
        this.#set({ idsForgottenBelow: Math.max(this.idsForgottenBelow(), seq + 1) });
      }
    });
  }

  stoppedReason(): string | null {
    return this.#head.get("head")?.stoppedReason ?? null;
  }

  stop(reason: string): void {
    if (this.stoppedReason() === null) this.#set({ stoppedReason: reason });
  }

  #inTransaction(what: string): void {
    this.#referee.demand(this.#storage.inTransaction, () => `${what} outside of a transaction`);
  }

  #set(changes: Partial<HeadRow>): void {
    this.#head.set("head", deepFreeze({ ...this.#need(), ...changes }));
  }

  #need(): HeadRow {
    const row = this.#head.get("head");
    if (!row) throw new Error("the domain was not created");
    return row;
  }
}

const charsOf = (rows: readonly EntryRow[]) => rows.reduce((chars, { payload }) => chars + payload.length, 0);
const monthOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 7);
