/** What the use-cases need from the outside, as small interfaces. `storage` and `durable-objects` implement them. */
import type { Jurisdiction } from "../core/ids.ts";
import type { SegmentHead } from "../core/segment.ts";
import type { ShardRange } from "../core/shards.ts";
import type { ChainRow } from "../verifier/chain.ts";
import type { Permission, Tier } from "./permissions.ts";

export type DomainKind = "client" | "tenant" | "platform";

export type Clock = () => number;
/** Fills with unpredictable bytes. */
export type RandomBytes = (byteLength: number) => Uint8Array;

/** One entry as it waits in the object and as the ledger holds it. */
export type EntryRow = ChainRow;

/** Frozen when the domain is created; kept in the object. */
export interface DomainIdentity {
  domainId: string;
  tenantId: string;
  kind: DomainKind;
  jurisdiction: Jurisdiction;
  /** `<log host>/<domain id>`. */
  origin: string;
  /** Previous hash of entry 0, lower-case hex. */
  genesis: string;
  segmentEntries: number;
  createdAt: string;
}

/** How far something has come: entries [0, size), the last one with this hash (lower-case hex). */
export interface LogPosition {
  size: number;
  entryHash: string;
}

export interface Head extends LogPosition {
  recordedAtMs: number;
}

export interface IdempotencyRecord {
  firstSeq: number;
  /** New entries of that request; events that were replayed by their id are not among them. */
  count: number;
  bodyMac: Uint8Array;
  recordedAtMs: number;
}

export interface KnownId {
  id: string;
  seq: number;
  eventMac: Uint8Array;
}

/**
 * The object's own storage: synchronous, and durable before any answer leaves the object. The write-ahead log of a
 * domain. Nothing here awaits, so whatever happens between two calls happens in one piece.
 */
export interface Journal {
  /** All or nothing; a throw inside undoes it. */
  transaction<T>(run: () => T): T;
  identity(): DomainIdentity | null;
  create(identity: DomainIdentity, head: Head): void;
  head(): Head;
  /** Adds rows and moves the head, inside a transaction of the caller. */
  append(rows: readonly EntryRow[], head: Head): void;
  /** Rows that wait, from `fromSeq`, bounded by both limits (UTF-8 bytes of payload) but at least one when there is one. */
  pending(fromSeq: number, maxRows: number, maxBytes: number): EntryRow[];
  pendingStats(): { entries: number; bytes: number };
  /** When the entry of this seq was recorded, if it still waits here. */
  pendingSince(seq: number): number | null;
  copied(): LogPosition;
  setCopied(position: LogPosition): void;
  archived(): LogPosition;
  setArchived(position: LogPosition): void;
  /** Drops the rows below `size`. */
  release(size: number): void;
  idempotency(key: Uint8Array): IdempotencyRecord | null;
  rememberRequest(key: Uint8Array, record: IdempotencyRecord): void;
  knownIds(ids: readonly string[]): KnownId[];
  rememberIds(ids: readonly KnownId[], recordedAtMs: number): void;
  /** Entries below this size may have ids that are no longer remembered here. */
  idsForgottenBelow(): number;
  /** Drops what was remembered more than `idempotencyDays` before `nowMs`. */
  forget(nowMs: number): void;
  stoppedReason(): string | null;
  stop(reason: string): void;
}

/** One domain's rows in the ledger (D1). Every failure is ambiguous: the caller reads back, never guesses. */
export interface LedgerStore {
  /** Inserts consecutive rows, all or nothing. `base`: the hash that the first row follows, when a range begins with it. */
  insert(rows: readonly EntryRow[], base: string | null): Promise<void>;
  /** The newest row, or null. */
  tip(): Promise<LogPosition | null>;
  /**
   * Rows of [fromSeq, toSeq] in order, at most `limit` and fewer when their payloads pass `LIMITS.pageChars`; at least one
   * when there is one.
   */
  rows(range: { fromSeq: number; toSeq: number; limit: number; descending?: boolean }): Promise<EntryRow[]>;
  byId(id: string): Promise<EntryRow | null>;
  /** Which of these ids the ledger holds, with their seq. */
  seqsOf(ids: readonly string[]): Promise<Map<string, number>>;
  /** Guards that the database lacks, or has under the right name with another body. */
  missingGuards(): Promise<string[]>;
}

/** One domain's archive (R2 LOG). */
export interface SegmentStore {
  /** Stores a segment unless one of that name exists. Resolves to false when one exists; never overwrites. */
  put(head: SegmentHead, payloads: readonly string[]): Promise<boolean>;
  /** Reads a segment back, decompressed and taken apart; null when there is none. Its contents are untrusted. */
  get(firstSeq: number): Promise<{ head: SegmentHead | null; payloads: string[] } | null>;
  /** First seqs of the segments that begin at or after `fromSeq`, ascending, at most `limit`. */
  list(fromSeq: number, limit: number): Promise<number[]>;
}

/** Tenant roots (R2 KEYS). */
export interface RootStore {
  get(tenantId: string): Promise<Uint8Array | null>;
  /** Stores `root` unless the tenant has one; resolves to the one that it has. */
  create(tenantId: string, root: Uint8Array): Promise<Uint8Array>;
}

export interface TenantRecord {
  id: string;
  name: string;
  jurisdiction: Jurisdiction;
  tier: Tier;
  tenantDomainId: string;
  createdAt: string;
}

export interface DomainRecord {
  id: string;
  tenantId: string;
  name: string;
  kind: DomainKind;
  segmentEntries: number;
  createdAt: string;
}

export interface ApiKeyRecord {
  id: string;
  tenantId: string;
  name: string;
  permissions: Permission[];
  secretMac: Uint8Array;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

/** Tenants, domains, keys (D1 control). Everything about a tenant is asked for with the tenant's id. */
export interface ControlStore {
  /** Idempotent: a row that is there already stays as it is. */
  addTenant(tenant: TenantRecord, domain: DomainRecord, shard: string): Promise<void>;
  tenant(tenantId: string): Promise<TenantRecord | null>;
  tenants(afterId: string, limit: number): Promise<TenantRecord[]>;
  /** Idempotent by id. Resolves to false when another domain of the tenant has the name. */
  addDomain(domain: DomainRecord, shard: string): Promise<boolean>;
  domain(domainId: string): Promise<DomainRecord | null>;
  domainsOf(tenantId: string): Promise<DomainRecord[]>;
  /** Domains of all tenants, for the cell's own housekeeping. */
  domains(afterId: string, limit: number): Promise<DomainRecord[]>;
  /** Where the rows of a domain lie, ascending; empty for a domain that is not there. */
  shards(domainId: string): Promise<ShardRange[]>;
  /** Idempotent: afterwards exactly these ranges are known. */
  putShards(domainId: string, ranges: readonly ShardRange[]): Promise<void>;
  /** Idempotent by id. */
  addKey(key: ApiKeyRecord): Promise<void>;
  key(keyId: string): Promise<ApiKeyRecord | null>;
  keysOf(tenantId: string): Promise<ApiKeyRecord[]>;
  /** Resolves to the key as it is afterwards; null when the tenant has no such key. A revoked key stays as it was. */
  revokeKey(tenantId: string, keyId: string, revokedAt: string): Promise<ApiKeyRecord | null>;
  provisioned(): Promise<{ resource: string; jurisdiction: string; readBackAt: string }[]>;
}
