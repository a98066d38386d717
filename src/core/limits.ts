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
  idpClaimNames: 50,
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
  /** Pages of subject keys that an object keeps open, of at most 1,024 keys each. */
  openKeyPages: 32,
  /** Entries that an object keeps in memory until they are copied and archived. Bytes of payload. */
  recentBytes: 4 * MiB,
  /** One copy to D1; a bound string may have 2 MB (PLATFORM §2.1). Each copy also costs its object a commit. */
  copyRows: 2000,
  copyBytes: MiB,
  /** What is sealed beside the entries of one copy, and of one archive object. Bytes; in hex twice as many. */
  sealedCopyBytes: 4 * MiB,
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
  /** Private values of one entry about one subject, as they are sealed together: hex of them fits a bound string of D1. */
  privateRowBytes: 512 * KiB,
  /** Entries of one reveal, and the sealed bytes that it opens: they are opened on the thread that puts entries in order. */
  revealEntries: 200,
  revealEntriesDefault: 100,
  revealBytes: 2 * MiB,
  /** Entries that one verification request recomputes before it hands back a cursor. */
  verifyEntriesPerRequest: 20_000,
  verifyPageEntries: 1000,
  /** A file that the offline verifier takes, whole in memory. Bytes. */
  verifyFileBytes: 64 * MiB,
  /** A trust policy. Bytes. */
  policyBytes: MiB,
  /** A checkpoint is signed this long after the first entry that the last one does not cover; DESIGN §3 allows 1 s. */
  checkpointAfterMs: 500,
  /** The tree's mirror in R2 and outside witnesses see a new checkpoint at most this often. */
  mirrorEveryMs: 10_000,
  /** Body of add-checkpoint: a whole note and 63 hashes (C2SP tlog-witness). Bytes. */
  witnessBodyBytes: 68 * KiB,
  /** Witnesses of one cell: with the log's own, the 16 signatures that every reader of notes must take (C2SP signed-note). */
  witnesses: 15,
  /** One exchange with a witness, and its answer: signature lines, ML-DSA-44 included, or a checkpoint. Bytes. */
  witnessTimeoutMs: 5000,
  witnessAnswerBytes: 68 * KiB,
  /** Requests that one round sends to one witness: what it remembers is asked for at most this often. */
  witnessTries: 3,
  /** A witness is sent new checkpoints of one log at most this often, unless somebody waits for it. */
  witnessEveryMs: 10_000,
  /** A witness that failed is asked again after the first time, doubled up to the second. */
  witnessRetryMs: 1000,
  witnessRetryMaxMs: 5 * 60 * 1000,
  /** How long `Prefer: wait=witnessed` waits. */
  witnessWaitMs: 10_000,
  /** Heads of domains in one entry of the platform domain: an entry's metadata may have `metadataBytes`. */
  platformHeadsPerEntry: 50,
  /** How long `Prefer: wait=replicated` waits for D1. */
  replicationWaitMs: 10_000,
  /** A key's record is used from memory for this long; while the store is away, for `keyStaleMs`: revocation takes no longer. */
  keyCacheMs: 30_000,
  keyStaleMs: 60_000,
  keyCacheEntries: 10_000,
  /** Which versions of its key a tenant has is known from memory for this long; a rotation takes no longer. */
  tenantKeyCacheMs: 60_000,
  /** Asked for a version that is newer than all it knows, a keyring reads again at once, but no sooner than this. */
  tenantKeyRereadMs: 1000,
  /** A key that the tenant's own key service opened is used from memory for this long: withdrawing it takes no longer. */
  unwrappedKeyMs: 60_000,
  /** Where a domain's rows lie is known from memory for this long. */
  shardCacheMs: 10_000,
  /** How long a request to erase somebody waits for all stores before it answers `finishing`; the alarm does the rest. */
  erasureWaitMs: 1200,
  /** Entries of one person that one step of an erasure takes out of D1. */
  erasureSeqsPerStep: 20_000,
  /** Pages of the archive that one step of an erasure rewrites, side by side, and names of them that one look lists. */
  erasurePagesAtOnce: 8,
  erasurePagesListed: 1000,
  /** Steps of one run of the object's alarm. */
  erasureStepsPerRun: 50,
  /** Entries that one request to replay erasures looks through. */
  erasureReplayEntries: 200_000,
  /** Domains of a tenant that an erasure asks side by side. */
  erasureDomainsAtOnce: 10,
  domainsPerTenant: 1000,
  /** Deleting a tenant: rows of a table that one statement deletes, and domains that are seen to before the next alarm. */
  deletionRows: 2000,
  deletionDomainsPerTurn: 50,
  /** How long requests that are under way may take to end once a domain is being deleted; then the alarm looks again. */
  deletionDrainMs: 10_000,
  /** A deletion is over within this time (S3-44); one that is not is an error in the log of the cell. */
  deletionMs: 24 * 60 * 60 * 1000,
  /** Final heads in one entry of the platform domain: an entry's metadata may have `metadataBytes`. */
  deletionHeadsPerEntry: 50,
  /** For so long the platform can set a D1 database or an object back (Time Travel, point-in-time recovery). R2 has no such thing. */
  platformRestoreMs: 30 * 24 * 60 * 60 * 1000,
  /** A tenant's key is replaced when it is this old (S3-38); a replaced one is destroyed so long after its last use (DESIGN §4). */
  tenantKeyAgeMs: 90 * 24 * 60 * 60 * 1000,
  tenantKeyKeptMs: 31 * 24 * 60 * 60 * 1000,
  /** Sealing anew: how long one call goes on, and what one piece of it takes from a store. Bytes of sealed values. */
  resealStepMs: 2000,
  resealRows: 2000,
  resealPeople: 200,
  resealPages: 8,
  resealBytes: 4 * MiB,
  /** One turn of a tenant's object at the rotation of its key; the alarm goes on. */
  rotationPassMs: 10_000,
  /** Legal holds of a tenant that are not released, and reviews of one. */
  holdsPerTenant: 200,
  holdReviews: 200,
  /** Ranges, and people, that one legal hold names. */
  holdRanges: 100,
  holdPeople: 200,
  /** Domains that one pass of a tenant's object takes through a change of a hold; the alarm goes on. */
  holdDomainsPerPass: 40,
  /** People that one statement looks for in a range of entries. */
  holdScanPeople: 1000,
  keysPerTenant: 1000,
  /** One call of a tenant's key service, and what it may answer. Bytes. */
  keyServiceTimeoutMs: 5000,
  keyServiceAnswerBytes: 16 * KiB,
  /** A key service that failed is asked again by the same object after this at the earliest. */
  keyServiceRetryMs: 5000,
  /** One that works is told to have been seen working once in this time. */
  keyServiceLookMs: 60 * 60 * 1000,
  /** A key that a service wrapped; AWS KMS gives at most 6,144 bytes. Characters of base64. */
  wrappedKeyChars: 8192,
  /** Services that wrap keys of one tenant: the present one, and those whose keys rotation has not replaced yet. */
  keyServicesPerTenant: 8,
  /** Entries of one evidence set; of its payloads at most `pageChars`, so the text with all its hashes stays below this. */
  evidenceSetEntries: 1000,
  evidenceSetBytes: 16 * MiB,
  /** Entries of one export bundle, the bytes of all of it, of one file of it that is no entries, and the number of its files. */
  bundleEntries: 100_000,
  bundleBytes: 256 * MiB,
  bundleFileBytes: 32 * MiB,
  bundleFiles: 1000,
  /** Evidence of a fork: two whole notes and two proofs. Characters. */
  forkBytes: 160 * KiB,
  /** A monitor keeps this many verified tiles of 8 KiB, fetches this many at a time, and is ahead of itself by as many bundles. */
  monitorTiles: 64,
  monitorFetches: 8,
  /** Leaves after which a monitor remembers how far it has read. */
  monitorSaveLeaves: 262_144,
  /** A round that could not reach the log is tried again after the first time, doubled up to the second. */
  monitorRetryMs: 1000,
  monitorRetryMaxMs: 5 * 60 * 1000,
} as const;
