/** Retention policies as rows, and as a store. */
import type { ResourceName } from "../../core/retention/resources.ts";
import type { DaySum, Posting } from "../query/ports.ts";

/** What somebody decided. Never edited; the newest one in force holds. */
export interface PolicyRow {
  tenantId: string;
  /** 1, 2, …, over all policies of the tenant. */
  version: number;
  /** Null: for every domain that has none of its own, and for what is no domain's. */
  domainId: string | null;
  resource: ResourceName;
  /** As `formatDuration` spells it. Null: as if nobody had decided. */
  duration: string | null;
  /** RFC 3339, UTC. */
  effectiveFrom: string;
  setAt: string;
}

export interface RetentionStore {
  /** Of the tenant, its domains' among them, oldest first. */
  policies(tenantId: string): Promise<PolicyRow[]>;
  /** All or none; again: nothing changes. `gone`: versions that can never be in force again. */
  add(tenantId: string, rows: readonly PolicyRow[], gone: readonly number[]): Promise<void>;
}

/** What legal holds keep, all of them together. */
export interface Held {
  /** Of which holds this is: `heldKey` says whether it still is so. */
  key: string;
  /** Everything of the tenant: a hold over all its domains, or over its reserved one. */
  everything: boolean;
  resources: ReadonlySet<ResourceName>;
  /** Whole domains. */
  domains: ReadonlySet<string>;
  /** Identity ids; a member's is their id. */
  people: ReadonlySet<string>;
}

/** Rows of one resource. */
export interface Retained {
  /** The object's own rows: they go in one transaction with the count of them. */
  own: boolean;
  /** What began before: how much may go, how much is held of a domain or of a person. */
  count(beforeMs: number, held: Held): Promise<{ go: number; held: number }>;
  /** At most `limit` rows go; `told` how many, in their transaction where they are the object's own. */
  drop(beforeMs: number, held: Held, limit: number, told: (rows: number) => void): Promise<void>;
}

/** Entries [fromSeq, toSeq] of one shard that leave the hot store, with all that is there because of them. */
export interface PrunedRows {
  fromSeq: number;
  toSeq: number;
  /** What the guard is told: a range that covers them. */
  release: { fromSeq: number; toSeq: number; at: string };
  /** Where rows begin afterwards; null: in another shard. */
  next: { seq: number; prevHash: string } | null;
  /** Under this salt of the index. */
  salt: Uint8Array;
  postings: readonly Posting[];
  sums: readonly DaySum[];
  /** What is sealed beside them: seq, and whom it is about (empty: nobody). */
  places: readonly (readonly [seq: number, subject: string])[];
}

/** The rows of one domain in one shard, for whoever prunes them. Every call throws `storage.unavailable`. */
export interface PrunableShard {
  /** Seq of the first row; null: there is none. */
  first(): Promise<number | null>;
  /** Entry hashes of [fromSeq, toSeq], those that are there, in order. */
  hashes(fromSeq: number, toSeq: number): Promise<string[]>;
  /** All or nothing; how many rows went. 0: they were gone, or the index is not where it was. */
  remove(rows: PrunedRows): Promise<number>;
  /** That these entries name somebody is forgotten: their payloads are gone. */
  forget(places: readonly (readonly [seq: number, subject: string])[]): Promise<void>;
}

/** What leaves the archive of one domain at the end of its time (R2 LOG). Again: nothing. Throws `storage.unavailable`. */
export interface ExpirableArchive {
  removePage(firstSeq: number): Promise<void>;
  removeSegment(firstSeq: number): Promise<void>;
}
