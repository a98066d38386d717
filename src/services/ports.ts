/** What the use-cases need from the outside, as small interfaces. `storage` and `durable-objects` implement them. */
import type { DomainSettings } from "../core/domain-settings.ts";
import type { Jurisdiction } from "../core/ids.ts";
import type { KeyServiceSettings, KeyServiceState } from "../core/key-service.ts";
import type { SegmentHead } from "../core/segment.ts";
import type { ShardRange } from "../core/shards.ts";
import type { Sealed } from "../crypto/sealed.ts";
import type { ChainRow } from "../verifier/chain.ts";
import type { Permission, Tier } from "./permissions.ts";
import type { TenantSettings } from "./tiers.ts";

export type * from "./event-types/ports.ts";
export type * from "./intake/ports.ts";
export type * from "./query/ports.ts";
export type * from "./retention/ports.ts";
export type { TenantSettings } from "./tiers.ts";

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
/** Where what is kept of a log begins: 0 ≤ firstKept ≤ firstHot ≤ size. Both 0 until something is pruned. */
export interface KeptFrom {
  /** Seq of the first entry whose row may be in D1: those before were pruned, and the archive has their payloads. */
  firstHot: number;
  /** `prev_hash` of that entry, lower-case hex. */
  hotPrevHash: string;
  /** Seq of the first entry whose payload exists anywhere: of those before, hashes and tiles remain. */
  firstKept: number;
}

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
  keptFrom(): KeptFrom;
  /** Never goes back. */
  setKeptFrom(kept: Partial<KeptFrom>): void;
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

/** A person as the object of a domain knows them. */
export interface KnownSubject {
  /** Lower-case hex. */
  pseudonym: string;
  epoch: number;
  /** Page of R2 KEYS that holds the key; null: there is none any more, or there never was one. */
  page: number | null;
  /** The mapping to the identity was stored. */
  seen: boolean;
  /** Erased: nothing about this person is stored again. */
  suppressed: boolean;
}

/** That an entry names a subject, with what is private about them in it, sealed as one value (SPEC.md §9). */
export interface PrivateRow {
  seq: number;
  /** Pseudonym in lower-case hex; empty: about nobody. */
  subject: string;
  /** null: the entry only names the subject. */
  sealed: Sealed<"private_values"> | null;
}

/** The mapping of a pseudonym to a person, stored at the first sighting (S4-16, S4-28). */
export interface SubjectRow {
  pseudonym: string;
  /** The entry of the first sighting. */
  seq: number;
  subjectPlaintext: Sealed<"subject_identity">;
  emailClaim: Sealed<"contact"> | null;
  sourceIp: Sealed<"network"> | null;
  idpClaimNames: Sealed<"idp_claims"> | null;
}

export interface SealedRows {
  privates: PrivateRow[];
  subjects: SubjectRow[];
}

/** The sealed side of the journal: the same storage and the same transactions. */
export interface SealedJournal {
  /** Those of them that are known. */
  subjects(pseudonyms: readonly string[]): KnownSubject[];
  /** Remembers where keys are. A subject that has one keeps it; a suppressed one gets none. */
  addKeys(keys: readonly { pseudonym: string; epoch: number; page: number }[]): void;
  /** The page that was begun last, and how many keys of it are known; null: none. */
  lastPage(): { page: number; keys: number } | null;
  /** Adds rows and marks their subjects as seen, inside a transaction of the caller. */
  appendSealed(rows: SealedRows): void;
  /** The last of the entries [fromSeq, toSeq] up to which what is sealed and waits has at most `maxBytes`; at least `fromSeq`. */
  sealedUpTo(fromSeq: number, toSeq: number, maxBytes: number): number;
  /** Rows of the entries [fromSeq, toSeq] that wait here. */
  pendingSealed(fromSeq: number, toSeq: number): SealedRows;
  /** Drops the rows of the entries below `size`. */
  releaseSealed(size: number): void;
}

/** One domain's rows in the ledger (D1). Every failure is ambiguous: the caller reads back, never guesses. */
export interface LedgerStore {
  /**
   * Inserts consecutive rows with what is sealed beside them, all or nothing. `base`: the hash that the first row follows,
   * when a range begins with it. Sealed rows that are there already stay as they are.
   */
  insert(rows: readonly EntryRow[], base: string | null, sealed?: SealedRows): Promise<void>;
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

/** Single rows of one domain in the ledger. */
export interface LedgerLookUp {
  /**
   * Those of these rows that the ledger holds, by seq; fewer when their payloads pass `LIMITS.pageChars`, but at least one
   * when there is one.
   */
  rowsAt(seqs: readonly number[], descending?: boolean): Promise<EntryRow[]>;
}

/** Payloads of one domain as one text, for whoever reads very many and computes their hashes anyway. */
export interface LedgerLines {
  /**
   * The first entries of [fromSeq, toSeq], at most `limit` and `LIMITS.exportPageBytes` of them, at least one; null when the ledger
   * does not hold `fromSeq`, or a gap follows it. One row of D1, whatever their number.
   */
  lines(range: { fromSeq: number; toSeq: number; limit: number }): Promise<LedgerText | null>;
}

/** Whole rows of one domain as two texts: what reads all of them, again and again, pays for one row of D1. */
export interface LedgerPack {
  /**
   * The first rows of [fromSeq, toSeq], at most `limit` and `LIMITS.exportPageBytes` of them, at least one; null when `fromSeq` is not
   * there, a gap follows it, or a row has not the form that rows have: then `rows` shows how it is.
   */
  packed(range: { fromSeq: number; toSeq: number; limit: number }): Promise<EntryRow[] | null>;
}

export interface LedgerText {
  count: number;
  /** With LF between them; untrusted, so one may hold an LF. */
  text: string;
  /** As the last row has it, lower-case hex. */
  entryHash: string;
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

/** Archives of logs that are moved here, in R2 LOG. Every call throws `storage.unavailable` when it does not answer. */
export interface ImportStore {
  /** The whole archive, or null: it is not there. */
  archive(domainId: string, upload: string): Promise<Uint8Array | null>;
  /** Bytes of it. */
  part(domainId: string, upload: string, offset: number, byteLength: number): Promise<Uint8Array | null>;
  /** Written once; again with the same bytes: nothing happens. Throws `internal` when other bytes are there. */
  keep(domainId: string, manifestHash: string, name: string, bytes: Uint8Array): Promise<void>;
  /** All archives that were sent for this domain. */
  clear(domainId: string): Promise<void>;
}

/** Exports in R2 LOG. Throws `storage.unavailable`. */
export interface ExportStore {
  /** Begins an upload; its id. */
  begin(key: string, exportId: string): Promise<string>;
  /** Null: there is no such upload any more. The same number again takes the place of the first. */
  putPart(key: string, uploadId: string, number: number, bytes: Uint8Array): Promise<string | null>;
  /** False: there is no such upload any more, or not with these parts. */
  complete(key: string, uploadId: string, parts: readonly { number: number; etag: string }[]): Promise<boolean>;
  /** Bytes of what stands there for this export; null: nothing does. */
  size(key: string, exportId: string): Promise<number | null>;
  /** Idempotent. */
  abort(key: string, uploadId: string): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A log's tree as a bucket serves it (R2 LOG), by the paths of C2SP tlog-tiles. */
export interface TreeMirror {
  /** The mirrored checkpoint as it is there; null: none. Untrusted. */
  checkpoint(): Promise<string | null>;
  putCheckpoint(note: string): Promise<void>;
  /** Idempotent: a tile never has other bytes. `endsPartials`: the shorter tiles of the same place go afterwards. */
  putTile(path: string, bytes: Uint8Array, endsPartials: boolean): Promise<void>;
  tile(path: string): Promise<Uint8Array | null>;
}

/** Entry hashes of one domain in the ledger (D1). */
export interface LedgerHashes {
  /** Lower-case hex, of the entries [fromSeq, toSeq] that are there, in order. */
  hashes(fromSeq: number, toSeq: number): Promise<{ seq: number; entryHash: string }[]>;
}

/** What is sealed beside one domain's entries in the ledger (D1). */
export interface SealedStore {
  /** The entries of [fromSeq, toSeq] that name a subject, ascending, at most `limit`. */
  entriesOf(subject: string, range: { fromSeq: number; toSeq: number; limit: number }): Promise<PrivateRow[]>;
  /** Seqs of the entries of [fromSeq, toSeq] that name a subject, in order, at most `limit`. Nothing sealed is read. */
  seqsOf(
    subject: string,
    range: { fromSeq: number; toSeq: number; limit: number; descending: boolean },
  ): Promise<number[]>;
  /** What is sealed in these rows, in bytes; in any order. Those that hold nothing sealed are left out. */
  privateSizes(places: readonly { seq: number; subject: string }[]): Promise<{ seq: number; bytes: number }[]>;
  /** The rows of these entries and subjects, in any order; those that are there. */
  privateRows(places: readonly { seq: number; subject: string }[]): Promise<PrivateRow[]>;
  subjects(pseudonyms: readonly string[]): Promise<SubjectRow[]>;
  /** Deletes everything about a subject; how many rows there were. Idempotent. One statement a table and shard. */
  eraseSubject(subject: string): Promise<{ privateRows: number; subjectRows: number }>;
}

/** Sealed rows beside the segments (R2 LOG). Mutable: erasure rewrites them. */
export interface SealedPageStore {
  /** Stores the sealed rows of the segment that begins at `firstSeq`; nothing when there are none. Overwrites. */
  put(firstSeq: number, rows: SealedRows): Promise<void>;
  /** Empty when there are none. */
  get(firstSeq: number): Promise<SealedRows>;
}

/** Entries [fromSeq, toSeq]. */
export interface HoldRange {
  fromSeq: number;
  toSeq: number;
}

/** A value of `audit_private_value`, with the id of the entry that it is bound to. */
export interface PrivateCell {
  seq: number;
  /** Empty: about nobody. */
  subject: string;
  entryId: string;
  sealed: Sealed<"private_values">;
}

/** Sealed values of the ledger (D1), for sealing them anew. Shard by shard; every change only where the value is still that one. */
export interface ResealLedger {
  /** Every shard of the domain; one that is added comes last. */
  shards(): string[];
  /**
   * Values under older versions than these, of these subjects in this order and of entries after `seq`; by subject and seq, at
   * most `limit`, and fewer when they are large.
   */
  privates(
    shard: string,
    subjects: readonly string[],
    seq: number,
    below: { slotVersion: number; tenantKeyVersion: number },
    limit: number,
  ): Promise<PrivateCell[]>;
  replacePrivates(
    shard: string,
    changes: readonly { cell: PrivateCell; sealed: Sealed<"private_values"> }[],
  ): Promise<void>;
  /** All mappings after a pseudonym, ascending. */
  mappings(shard: string, after: string, limit: number): Promise<SubjectRow[]>;
  replaceMappings(shard: string, changes: readonly { before: SubjectRow; after: SubjectRow }[]): Promise<void>;
}

/** The same of what waits in the object: synchronous. `next` null: there are no more. */
export interface WaitingCells {
  privates(after: string, limit: number): { cells: PrivateCell[]; next: string | null };
  /** How many were still there. */
  replacePrivates(changes: readonly { cell: PrivateCell; sealed: Sealed<"private_values"> }[]): number;
  mappings(after: string, limit: number): { rows: SubjectRow[]; next: string | null };
  replaceMappings(changes: readonly { before: SubjectRow; after: SubjectRow }[]): void;
}

/** The mirror of one domain's legal holds, for the ledger's own guard (D1, in every shard of the domain). */
export interface HoldMirror {
  /** Afterwards exactly these ranges are there, in every shard: read back. Idempotent; a failure is ambiguous. */
  set(holdId: string, ranges: readonly HoldRange[]): Promise<void>;
  /**
   * People whom entries of the range name: looks at the next `limit` pseudonyms after `after` (empty: at the first ones).
   * `next`: where to go on; null: nobody is left.
   */
  peopleIn(range: HoldRange, after: string, limit: number): Promise<{ pseudonyms: string[]; next: string | null }>;
}

/** Words of a tenant's legal holds, sealed (D1 control): one row for each change of a hold. */
export interface HoldWordsStore {
  /** Idempotent: afterwards it stands as given. */
  put(tenantId: string, holdId: string, change: number, sealed: Sealed<"records">): Promise<void>;
  get(tenantId: string, holdId: string, change: number): Promise<Sealed<"records"> | null>;
  list(tenantId: string): Promise<{ holdId: string; change: number; sealed: Sealed<"records"> }[]>;
}

/** What of it an erasure takes out. */
export interface ErasableRows {
  /** Seqs of the entries that name a subject, ascending, the first `limit`. */
  seqsNaming(subject: string, limit: number): Promise<number[]>;
  /** How many mappings of the subject there are: none or one. */
  mappings(subject: string): Promise<number>;
  /** Deletes what is about a subject, of the entries up to `toSeq` (default: all). Idempotent. */
  eraseSubject(subject: string, toSeq?: number): Promise<unknown>;
}

/** What of them an erasure takes out. */
export interface ErasablePages {
  /** First seqs of the pages that begin at or after `fromSeq`, ascending, at most `limit`. */
  list(fromSeq: number, limit: number): Promise<number[]>;
  /**
   * Puts a page back as `change` gives it, if nobody else did meanwhile, else begins again from what is there now. Nothing is
   * written when there is no page, or when `change` answers null.
   */
  rewrite(firstSeq: number, change: (rows: SealedRows) => SealedRows | null): Promise<void>;
  /** Rewrites a page without what is about a subject, a damaged page too. Idempotent. */
  removeSubject(firstSeq: number, pseudonym: string): Promise<void>;
}

/** Tenant roots (R2 KEYS). */
export interface RootStore {
  get(tenantId: string): Promise<Uint8Array | null>;
  /** Stores `root` unless the tenant has one; resolves to the one that it has. */
  create(tenantId: string, root: Uint8Array): Promise<Uint8Array>;
  /** For good, and idempotent. Ends every pseudonym of the tenant for whoever does not know it already. */
  destroy(tenantId: string): Promise<void>;
}

/** One version of a tenant's key. */
export interface TenantKeyRecord {
  /** 1 to 65535. */
  version: number;
  createdAt: string;
  /** When a newer version took over. */
  retiredAt: string | null;
  /** `raw`: 32 bytes. `wrapped`: what the tenant's key service gave, opaque to us. */
  material: { kind: "raw"; key: Uint8Array } | { kind: "wrapped"; wrapped: string };
}

/** Tenant keys (R2 KEYS). */
export interface TenantKeyStore {
  /** Ascending by version. */
  list(tenantId: string): Promise<TenantKeyRecord[]>;
  /** Never replaces: resolves to false when that version exists. */
  create(tenantId: string, record: TenantKeyRecord): Promise<boolean>;
  /** Idempotent: a version that is retired keeps its time, one that is not there stays away. */
  retire(tenantId: string, version: number, retiredAt: string): Promise<void>;
  /** For good, and idempotent. */
  destroy(tenantId: string, version: number): Promise<void>;
  destroyAll(tenantId: string): Promise<void>;
}

/**
 * A tenant's own key service (S3-41). Both calls may be made again, and throw `KeyServiceFailure`. What `wrap` gave opens under
 * the same tenant and version only.
 */
export interface KeyService {
  /** Base64. */
  wrap(tenantId: string, key: Uint8Array, version: number): Promise<string>;
  unwrap(tenantId: string, wrapped: string, version: number): Promise<Uint8Array>;
}

/** One of the services that a tenant brought along. */
export interface KeyServiceRecord {
  tenantId: string;
  /** 1, 2, …: its number among them, which stands in every key that it wrapped. */
  service: number;
  settings: KeyServiceSettings;
  credentials: Sealed<"api_credentials">;
  createdAt: string;
  /** New keys are wrapped by another one or by none; what this one wrapped still needs it. Null: it wraps new keys. */
  retiredAt: string | null;
  /** As last seen, and when. */
  state: KeyServiceState;
  checkedAt: string;
}

/** Key services (D1 control). */
export interface KeyServiceStore {
  /** Ascending by number. At most one of them wraps new keys. */
  list(tenantId: string): Promise<KeyServiceRecord[]>;
  /** Idempotent: afterwards it stands as given. It does not begin to wrap new keys by this. */
  put(record: KeyServiceRecord): Promise<void>;
  /** Puts it, whether it is there or not, as the one that wraps new keys from now on; `at`: since when the others do not. Idempotent. */
  activate(record: KeyServiceRecord, at: string): Promise<void>;
  /** None wraps new keys from now on. Idempotent: one that did not before keeps its time. */
  deactivate(tenantId: string, at: string): Promise<void>;
  setState(tenantId: string, service: number, state: KeyServiceState, checkedAt: string): Promise<void>;
  /** For one that no key needs any more; one that wraps new keys stays. Idempotent. */
  remove(tenantId: string, service: number): Promise<void>;
}

/** Sealed pages of subject keys (R2 KEYS), by the scope that they belong to: a domain's id. */
export interface SubjectPageStore {
  /** The bytes are untrusted until they open. */
  get(scope: string, page: number): Promise<{ bytes: Uint8Array; etag: string } | null>;
  /**
   * Conditional: over the page with this etag; null: only where there is none. Resolves to the new etag, to null when
   * somebody else was faster.
   */
  put(scope: string, page: number, bytes: Uint8Array, etag: string | null): Promise<string | null>;
  /** Numbers of the pages, ascending. */
  list(scope: string): Promise<number[]>;
  /** Every page of the scope, for good. Idempotent. */
  destroy(scope: string): Promise<void>;
}

export interface TenantRecord {
  id: string;
  name: string;
  jurisdiction: Jurisdiction;
  tier: Tier;
  tenantDomainId: string;
  createdAt: string;
  /** What it has set for itself; empty: all is as its tier says. */
  settings: TenantSettings;
}

/** Of a tenant, what may change; what is not there stays. */
export type TenantChange = Partial<Pick<TenantRecord, "name" | "tier" | "settings">>;

export interface DomainRecord {
  id: string;
  tenantId: string;
  name: string;
  kind: DomainKind;
  segmentEntries: number;
  createdAt: string;
  /** What was set; `settingsOf` gives the rest. */
  settings: Partial<DomainSettings>;
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
  description: string | null;
  /** Networks (`parseNetwork`) that it may be used from; null: from anywhere. */
  allowedNetworks: string[] | null;
  serviceAccountId: string | null;
  /** The key that it was made for, to take its place. */
  replaces: string | null;
}

/** A machine of a tenant: what its keys do is its doing. */
export interface ServiceAccountRecord {
  id: string;
  tenantId: string;
  name: string;
  description: string | null;
  createdAt: string;
  removedAt: string | null;
}

/** Tenants, domains, keys (D1 control). Everything about a tenant is asked for with the tenant's id. */
export interface ControlStore {
  /** Idempotent: a row that is there already stays as it is. */
  addTenant(tenant: TenantRecord, domain: DomainRecord, shard: string): Promise<void>;
  tenant(tenantId: string): Promise<TenantRecord | null>;
  tenants(afterId: string, limit: number): Promise<TenantRecord[]>;
  /** Idempotent. */
  changeTenant(tenantId: string, change: TenantChange): Promise<void>;
  /** Idempotent by id. Resolves to false when another domain of the tenant has the name. */
  addDomain(domain: DomainRecord, shard: string): Promise<boolean>;
  domain(domainId: string): Promise<DomainRecord | null>;
  /** Idempotent: afterwards exactly these are set. */
  changeDomain(tenantId: string, domainId: string, settings: Partial<DomainSettings>): Promise<void>;
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
  /** Idempotent. A key that ends earlier, or was revoked, stays as it was. */
  expireKey(tenantId: string, keyId: string, expiresAt: string): Promise<void>;
  /** Idempotent: a row that is there already stays as it is. */
  /** For good: of keys that have ended. */
  dropKeys(tenantId: string, keyIds: readonly string[]): Promise<void>;
  /** For good: of accounts that were removed and that no key belongs to. */
  dropServiceAccounts(tenantId: string, ids: readonly string[]): Promise<void>;
  addServiceAccount(account: ServiceAccountRecord): Promise<void>;
  serviceAccount(tenantId: string, id: string): Promise<ServiceAccountRecord | null>;
  /** Oldest first, removed ones included. */
  serviceAccountsOf(tenantId: string): Promise<ServiceAccountRecord[]>;
  describeServiceAccount(
    tenantId: string,
    id: string,
    words: { name: string; description: string | null },
  ): Promise<void>;
  /** With every key of it that is not revoked yet. Idempotent: what was removed or revoked earlier stays as it was. */
  removeServiceAccount(tenantId: string, id: string, removedAt: string): Promise<void>;
  provisioned(): Promise<{ resource: string; jurisdiction: string; readBackAt: string }[]>;
}

/** How many of each kind of thing were deleted, by the name of the kind. */
export type Deleted = Readonly<Record<string, number>>;

/** Everything that the stores of a cell hold about one tenant, for its deletion. Each call may be made again. */
export interface TenantSweep {
  /** Revokes every key of the tenant that is not revoked yet. */
  revokeKeys(tenantId: string, revokedAt: string): Promise<void>;
  /** R2 KEYS: pages of subject keys of one scope (a domain, or the tenant itself). */
  destroySubjectKeys(scope: string): Promise<Deleted>;
  /** R2 KEYS: all versions of the tenant's key, then its root. */
  destroyTenantKeys(tenantId: string): Promise<Deleted>;
  /** D1 ledger, every shard: one bounded step. `done`: the domain has no row left. Throws when a hold in D1 keeps rows. */
  deleteRows(domainId: string): Promise<{ deleted: Deleted; done: boolean }>;
  /** R2 LOG. */
  deleteArchive(domainId: string): Promise<Deleted>;
  /** D1 control: everything, in one transaction. */
  deleteRecords(tenantId: string): Promise<Deleted>;
  /** The stores that still hold anything of one domain. */
  remainsOfDomain(domainId: string): Promise<string[]>;
  /** The stores that still hold anything of the tenant itself. */
  remainsOfTenant(tenantId: string): Promise<string[]>;
}

/** Bookmarks of D1 Time Travel that the operator's tool took down. Unix milliseconds; null: never. */
export interface BookmarksSeen {
  known: number;
  oldestMs: number | null;
}
