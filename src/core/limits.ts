/** Every bound of the product, once, with its unit and where it comes from. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const LIMITS = {
  /** Body of one append (DESIGN §2). Bytes. */
  appendBodyBytes: 4 * MiB,
  /** Body of any other request. Bytes. */
  requestBodyBytes: 64 * KiB,
  /** Events in one append (DESIGN §2). */
  appendEvents: 1000,
  /** Canonical payload of one entry (DESIGN §2). Bytes. */
  payloadBytes: 64 * KiB,
  /** Nesting of a request body; an event's metadata alone may use `metadataDepth`. */
  jsonDepth: 16,
  /** `metadata` and each private value, as canonical JSON (DESIGN §3). */
  metadataBytes: 16 * KiB,
  metadataDepth: 8,
  metadataKeys: 50,
  metadataKeyChars: 128,
  targets: 50,
  subjects: 50,
  changes: 100,
  caveats: 50,
  identityIdChars: 256,
  nameChars: 256,
  reasonChars: 2000,
  /** An event from the future by more than this is a client with a broken clock. */
  clockSkewMs: 24 * 60 * 60 * 1000,
  /** Idempotency keys are remembered for this long (DESIGN §2). Days. */
  idempotencyDays: 90,
  idempotencyKeyChars: 255,
  /** Requests, and bytes of their bodies, that may wait in one object at a time; past them an append answers 503. */
  appendsWaiting: 2000,
  appendBytesWaiting: 16 * MiB,
  /** Rows that wait for D1 or R2 in one object; past it appends answer 503 (DESIGN §2). Bytes of payload. */
  backlogBytes: GiB,
  /** Entries that an object keeps in memory until they are copied and archived. Bytes of payload. */
  recentBytes: 4 * MiB,
  /** One copy to D1; a bound string may have 2 MB (PLATFORM §2.1). Each copy also costs its object a commit. */
  copyRows: 2000,
  copyBytes: MiB,
  /** After a copy a domain gathers rows for this long, unless somebody waits for them. */
  copyGatherMs: 1000,
  /** One string that is bound to a statement of D1; local workerd does not enforce it (PLATFORM §2.1). Bytes of UTF-8. */
  boundStringBytes: 2_000_000,
  /** A ledger shard takes no new range past this; D1 ends at 10 GB (PLATFORM §2.1). */
  shardBytes: 8 * GiB,
  /** Entries of an archive object (decision 11). */
  segmentEntriesDefault: 256,
  segmentEntriesMax: 4096,
  /** Payload bytes of one archive object: it is built, compressed and read back in an isolate of 128 MB. */
  segmentBytes: 16 * MiB,
  /** An open segment is flushed when its oldest entry has waited this long. */
  segmentFlushMs: 60 * 60 * 1000,
  pageEntries: 1000,
  pageEntriesDefault: 100,
  /** Payload characters in one page of entries; a page stops early rather than exceed it. */
  pageChars: 8 * MiB,
  /** Entries that one verification request recomputes before it hands back a cursor. */
  verifyEntriesPerRequest: 20_000,
  verifyPageEntries: 1000,
  /** How long `Prefer: wait=replicated` waits for D1. */
  replicationWaitMs: 10_000,
  /** A key's record is used from memory for this long; while the store is away, for `keyStaleMs`: revocation takes no longer. */
  keyCacheMs: 30_000,
  keyStaleMs: 60_000,
  keyCacheEntries: 10_000,
  /** Where a domain's rows lie is known from memory for this long. */
  shardCacheMs: 10_000,
  domainsPerTenant: 1000,
  keysPerTenant: 1000,
} as const;
