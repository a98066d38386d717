/**
 * What queries need of the index: the terms of every entry beside its rows in the ledger (D1), filled behind the copier. It
 * only narrows: what it yields is matched again (src/core/query/match.ts), so an edited or colliding index brings nothing in.
 */
import type { EntryFilter } from "../../core/query/filter.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { EntryRow } from "../ports.ts";

/** By when an entry happened (`occurred_at`, Unix milliseconds) and, within one millisecond, by its seq. */
export type EntryOrder = "asc" | "desc";

/** A place in that order. */
export interface EntryPlace {
  at: number;
  seq: number;
}

export interface IndexFrom {
  order: EntryOrder;
  /** The place behind which the page begins; null: at the beginning of the order. */
  after: EntryPlace | null;
}

export interface CandidateRow extends EntryRow {
  /** As it was indexed. */
  at: number;
}

export interface IndexPage {
  /** Candidates in order, at most `limit` and fewer when their payloads pass `LIMITS.pageChars`. The caller matches them again. */
  rows: CandidateRow[];
  /** Where to go on, also after a page without rows: the work of one call is bounded (`LIMITS.queryScan`). Null: nothing is left. */
  scannedTo: EntryPlace | null;
  /** Entries [0, size) are indexed. */
  size: number;
  /** The first entry that the copy holds: those before were pruned, and no index knows them. Null: it holds none. */
  from: number | null;
}

/** Sums of days (UTC) are kept of these. */
export const TALLY_KINDS = ["action", "actor", "outcome", "category"] as const;
export type TallyKind = (typeof TALLY_KINDS)[number];

/** Whole days, both included, as days since 1970-01-01 (UTC). */
export interface DayRange {
  fromDay: number;
  toDay: number;
}

export interface Tally {
  value: string;
  count: number;
}

export interface IndexCount {
  count: number;
  /** False: there are at least so many. */
  exact: boolean;
  /** Entries [0, size) are indexed. */
  size: number;
  /** The first entry that the copy holds: those before were pruned, and no index knows them. Null: it holds none. */
  from: number | null;
}

export interface Tallies {
  /** Of each kind that was asked for: the most frequent values first, at most `limit`. */
  kinds: Partial<Record<TallyKind, Tally[]>>;
  /** Entries of each day that has any, ascending. */
  days: { day: number; count: number }[];
  /** False: there are more sums than one call reads (`LIMITS.tallyRows`), and the later days are missing. */
  exact: boolean;
  /** Entries [0, size) are indexed. */
  size: number;
  /** The first entry that the copy holds: those before were pruned, and no index knows them. Null: it holds none. */
  from: number | null;
}

/** The index of one domain over all its ledger shards. Throws `storage.unavailable`. */
export interface EntryIndex {
  /** `chars`: of payloads, after which the page ends; default `LIMITS.pageChars`. It has one row in any case. */
  page(filter: EntryFilter, from: IndexFrom, limit: number, chars?: number): Promise<IndexPage>;
  /** Entries that the index finds, at most `atMost`. Work is bounded (`LIMITS.countScan`). */
  count(filter: EntryFilter, atMost: number): Promise<IndexCount>;
  tallies(range: DayRange, kinds: readonly TallyKind[], limit: number): Promise<Tallies>;
  /** Entries [0, size) are indexed. */
  size(): Promise<number>;
}

/** A term's number, when the entry happened (Unix milliseconds), its seq. */
export type Posting = readonly [term: number, at: number, seq: number];
export type DaySum = readonly [kind: TallyKind, day: number, value: string, count: number];

/** What a run of entries leaves in the index. */
export interface Indexed {
  /** In the order of the table, each once. */
  postings: Posting[];
  sums: DaySum[];
}

export interface IndexState {
  salt: Uint8Array;
  /** Of what lies in this shard, entries [0, size) are indexed; -1: the index is being dropped. */
  size: number;
}

/** The index of one domain in one ledger shard. Every failure is ambiguous: the caller reads back. */
export interface IndexShard {
  state(): Promise<IndexState | null>;
  /** Makes the state of a domain that has entries here and no index. */
  begin(): Promise<void>;
  /** Rows of [fromSeq, toSeq] from the first on, bounded by `LIMITS.indexRows` and `LIMITS.indexChars`; at least one when there is one. */
  rows(fromSeq: number, toSeq: number): Promise<EntryRow[]>;
  /** All or nothing. Throws also when the index is not in the state any more that the step begins with. */
  commit(from: IndexState, size: number, entries: Indexed): Promise<void>;
  /** Takes out a bounded piece of what is there; true: nothing is left. From the first piece on nothing is found. */
  drop(): Promise<boolean>;
}

/** `size` null: up to the head. Throws `storage.unavailable` when the time is over first. */
export interface CatchUpCall {
  size: number | null;
  withinMs: number;
}

export interface CaughtUp {
  /** Entries [0, size) are copied and indexed. */
  size: number;
  /** Where the rows lie. */
  shards: ShardRange[];
}

/** What the keeper of a domain does for its index. */
export interface IndexCalls {
  /** Indexes what is copied, soon; answers at once. Cheap to call often. */
  indexSoon(): Promise<void>;
  /** Brings the copy and the index up to date. */
  catchUp(call: CatchUpCall): Promise<CaughtUp>;
}
