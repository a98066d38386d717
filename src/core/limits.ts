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
  /** One line of a stream of events, and what a stream appends at a time. Bytes: of an event with its private values. */
  ingestLineBytes: MiB,
  ingestGroupBytes: MiB,
  /** Empty lines of one stream: no rate counts them. */
  ingestEmptyLines: 100_000,
  /** A stream that pauses for this long is appended as far as it came. */
  ingestPauseMs: 500,
  /** A stream of events, decompressed. Bytes; a body that comes from outside may have 100 MB compressed on most plans. */
  ingestStreamBytes: GiB,
  /** What a compressed body may become: the first without question, and so many times what has come of it. Bytes; logs have 10 to 60. */
  inflatedFreeBytes: 16 * MiB,
  inflatedRatio: 200,
  /** Window that a zstd body may ask memory for (RFC 9659), as a power of 2. */
  zstdWindowLog: 23,
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
  /** Places in one clear text that look like a number of one kind and are looked at closer; pointers that one refusal names. */
  guardCandidates: 100,
  guardFindings: 50,
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
  /** Segments that a keeper holds decompressed, in characters of payloads: the last one it read stays in any case. */
  coldCacheChars: 16 * MiB,
  /** Archive objects that one page reads, and that one look for matching or for an id reads, at most. */
  coldPageSegments: 16,
  coldFindSegments: 32,
  /** Archived entries of several domains that one page judges before the next domain is left for the next page. */
  coldFindEntries: 1000,
  /** Payload characters that one look reads at most, before it says where it goes on. */
  coldFindChars: 16 * MiB,
  /** An open segment is flushed when its oldest entry has waited this long. */
  segmentFlushMs: 60 * 60 * 1000,
  /** What a domain may set it to: each object costs a write and a read of R2, and what waits is in one place less. Seconds. */
  segmentFlushSecondsMin: 60,
  segmentFlushSecondsMax: 24 * 60 * 60,
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
  /** Keys of a cell's witnesses: with the log's own, the 16 signatures that every reader of notes must take (C2SP signed-note). */
  witnessKeys: 15,
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
  /** A session is looked up again after this long: its end, and a change of role, take no longer to be felt. */
  sessionCacheMs: 20_000,
  /** Rate limits: how long tokens that an isolate holds are good for, and how often it asks for more behind an answer. */
  rateLeaseMs: 10_000,
  rateRenewMs: 200,
  /** A refusal is believed for this long at most; an object that did not answer within the first is asked again after the second. */
  rateRefusedMs: 1000,
  rateTimeoutMs: 1000,
  rateAwayMs: 1000,
  /** Clients that one isolate, and one object, keeps count of. */
  rateClients: 20_000,
  /** A tenant's tier is looked up again after this long; an API key's last use is written down at most this often. */
  rateTierMs: 60_000,
  keyUseMs: 60_000,
  /** Keys whose last use is remembered: no fewer than a tenant can list. */
  keyUsesKept: 1200,
  /** Clients of one tenant with limits of their own: an entry names each as a target. */
  rateLimitedClients: 40,
  /** Objects that count for those without a credential. */
  askerDesks: 32,
  /** The same while the object that keeps the session does not answer. */
  sessionStaleMs: 60_000,
  sessionCacheEntries: 10_000,
  /** Characters of a token; those of a cell have some 700. */
  tokenChars: 4096,
  /** How far the clock of whoever signed a token may be ahead. */
  tokenSkewMs: 60_000,
  /** Life of a session token, unless TOKEN_LIFETIME_S says otherwise (S1-22), and the longest that it may say. Seconds. */
  tokenLifetimeS: 86_400,
  maxTokenLifetimeS: 30 * 86_400,
  /** A tenant's identity provider: how long it is waited for, how much it may answer, how long that is remembered. */
  providerTimeoutMs: 5000,
  providerAnswerBytes: 64 * 1024,
  providerCacheMs: 3_600_000,
  /** Its keys are read again for a key id that nobody knows, no sooner than this. */
  providerRereadMs: 60_000,
  providerKeys: 100,
  /** Characters of an address of its, and of an ID token. */
  providerAddressChars: 500,
  idTokenChars: 16_384,
  /** From leaving for the provider to coming back, and how many of a tenant may be on their way. */
  ssoLoginMs: 10 * 60_000,
  ssoLogins: 1000,
  /** Domains whose people may join without an invitation. */
  joinDomains: 20,
  /** Public keys of TOKEN_RETIRED_KEYS. */
  retiredTokenKeys: 16,
  /** Sensitive operations ask a person for a second factor again when the last is older (S2-12). */
  stepUpMs: 15 * 60_000,
  /** Access of the operator's people to a tenant (S3-35): the longest, and with break-glass. */
  accessMs: 8 * 60 * 60 * 1000,
  accessMinMs: 60_000,
  breakGlassMs: 4 * 60 * 60 * 1000,
  /** After a tenant has ended a break-glass access nobody takes another for this time. */
  breakGlassPauseMs: 24 * 60 * 60 * 1000,
  /** A request that the tenant does not answer times out after this, or after what it says, up to the second. */
  accessAnswerMs: 24 * 60 * 60 * 1000,
  accessAnswerMaxMs: 7 * 24 * 60 * 60 * 1000,
  /** A reason is a sentence, not a dot. Characters. */
  accessReasonChars: 10,
  /** Requests and approvals of one tenant that are open at a time, and how many of all are shown, newest first. */
  accessOpen: 50,
  accessListed: 200,
  /** A tenant's new owner is invited this long after the operator asked for it; until then the tenant can stop it. */
  recoveryWaitMs: 24 * 60 * 60 * 1000,
  /** A challenge to a passkey, and a TOTP secret that nobody has confirmed yet. */
  passkeyChallengeMs: 5 * 60_000,
  totpEnrolmentMs: 15 * 60_000,
  passkeysPerPerson: 20,
  /** Browsers of one person that wrong tries of others never hold up; the one that was used least lately goes. */
  knownBrowsersPerPerson: 10,
  /** Failed logins of one person by one method within this time are at most two entries. */
  loginFailureWindowMs: 60 * 60_000,
  /** Passwords that one object checks at a time, each 300 ms of CPU; past it a login is asked to come again. */
  passwordChecks: 4,
  passwordChars: 1024,
  /** People of the operator in one cell. */
  staffPerCell: 200,
  /** Failed tries that one object remembers; past it the oldest go. */
  failedTries: 100_000,
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
  /** A domain's settings are read again after this long. */
  domainCacheMs: 10_000,
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
  /** The same of the index, whose rows are small. */
  deletionPostings: 20_000,
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
  /** People that one statement looks for in a range of entries, and that one look of a hold by query stops at. */
  holdScanPeople: 1000,
  /** Entries that one look of a hold by query judges, and how long an erasure, or a prune, waits for looks. */
  holdScanEntries: 5000,
  holdScanMs: 10_000,
  /** Domains that the query of a hold names. */
  holdQueryDomains: 100,
  /** Action types of a tenant's own, versions of one, and the schemas of all versions together: an isolate keeps them in memory. */
  eventTypesPerTenant: 500,
  eventTypeVersions: 100,
  eventSchemasBytes: MiB,
  /** One schema as JSON, and what the check of one event may look at: subschemas, with every `$ref` followed. Bytes. */
  eventSchemaBytes: 16 * KiB,
  eventSchemaDepth: 6,
  eventSchemaNodes: 500,
  /** A `pattern`, and the places for a character in it once repetitions are written out. */
  patternChars: 256,
  patternPlaces: 1000,
  /** Ways through a pattern that is not unambiguous: each is tried in turn. */
  patternWays: 2000,
  /** Schemas of tenants in the memory of one isolate. Bytes of JSON. */
  eventSchemasKeptBytes: 16 * MiB,
  /** Faults that one event's check tells. */
  schemaErrors: 20,
  /** Kinds of refusals that a domain keeps, the ones seen last; and that one isolate counts between two writes. */
  rejectedKinds: 200,
  rejectedKindsWaiting: 100,
  rejectedWriteMs: 1000,
  /** That are neither revoked nor expired; of the others the newest `endedKeysKept` stay to be read. */
  keysPerTenant: 1000,
  endedKeysKept: 200,
  /** That were not removed; of the others the newest stay to be read, and those of keys that do. */
  serviceAccountsPerTenant: 200,
  removedAccountsKept: 200,
  /** Blocks of addresses that one API key may be used from. */
  networksPerKey: 50,
  /** How long an API key and the one that replaces it may both work. Seconds. */
  keyOverlapS: 7 * 24 * 60 * 60,
  /** A link that signs in, and an invitation, are good for this long (S2-13). */
  loginLinkMs: 15 * 60_000,
  invitationMs: 7 * 24 * 60 * 60 * 1000,
  /** A link that was opened in another browser so often is worth nothing any more. */
  linkFailures: 5,
  /** Mails of one invitation. */
  invitationMails: 5,
  /** Open sessions of a person; a further one ends the oldest. */
  sessionsPerPerson: 50,
  /** When a session was last seen is written down at most this often. */
  sessionSeenMs: 60_000,
  /** What has ended (links, sessions, invitations) is forgotten after this. */
  endedPeopleRowsMs: 7 * 24 * 60 * 60 * 1000,
  /** A mail that was not taken is tried again after the first time, doubled up to the second. */
  mailRetryMs: 5000,
  mailRetryMaxMs: 5 * 60_000,
  /** Characters of a person's name. */
  personNameChars: 100,
  /** Mails are counted in windows of this length: to one address from strangers, and from a browser that it has signed in with. */
  mailWindowMs: 15 * 60_000,
  loginMailsPerAddress: 5,
  loginMailsPerKnownBrowser: 5,
  /** Invitations to one address in a day, from all tenants of a cell. */
  invitationMailsPerDay: 5,
  /** The same of all tenants together. */
  invitationMailsPerDayOfAll: 25,
  /** Wishes to sign in that wait for their mail in one cell; past it the cell asks to come again. */
  loginsWaiting: 10_000,
  /** Browsers that an address has signed in with; the one that was used least lately goes. */
  knownBrowsersPerAddress: 10,
  /** A device waits for its approval this long, and asks at most this often (RFC 8628 §3.2, §3.5). Seconds. */
  deviceLifeS: 15 * 60,
  devicePollS: 5,
  /** Devices that wait in one cell, and codes that one session may try in a window. */
  devicesWaiting: 10_000,
  deviceCodesPerSession: 10,
  /** Mails that the outbox of a local run shows. */
  outboxMails: 200,
  /** Ceilings of what an enterprise tenant may set for itself (src/services/tiers.ts). */
  membersPerTenant: 5000,
  requestsPerMinute: 1_200_000,
  eventsPerMinute: 6_000_000,
  retentionDays: 36_525,
  /** A retention policy may begin this far ahead, and so many of one resource may wait for their time. */
  retentionAheadMs: 366 * 24 * 60 * 60 * 1000,
  retentionScheduled: 8,
  /** Retention runs so often, unless the cell says otherwise, within the bounds. Seconds. */
  retentionIntervalS: 24 * 60 * 60,
  retentionIntervalMinS: 60,
  retentionIntervalMaxS: 7 * 24 * 60 * 60,
  /** Rows that one batch removes, unless the cell says otherwise, and at most. */
  retentionBatch: 500,
  retentionBatchMax: 5000,
  /** Batches of one turn of the alarm, and rows of them, but one batch at least; the next turn follows at once. */
  retentionTurnBatches: 8,
  retentionTurnRows: 5000,
  /** A batch that failed is tried again after the first time, doubled up to the second, so often; then its resource has failed. */
  retentionRetryMs: 5000,
  retentionRetryMaxMs: 5 * 60 * 1000,
  retentionTries: 10,
  /** A run that comes this much later than it was due is told of. */
  retentionLateMs: 60 * 60 * 1000,
  /** The clock of an object and that of a database may be this far apart; past it nothing is removed. */
  clockJumpMs: 60 * 60 * 1000,
  /** A run that the clock forbade is tried again after this. */
  retentionRefusedMs: 60 * 60 * 1000,
  /** Entries that leave the hot store in one transaction: fewer than this times the terms of an entry go from the index. */
  pruneRows: 500,
  /** One turn of a keeper's alarm prunes this long, at most so many steps; the next one goes on. */
  pruneTurnMs: 1000,
  pruneTurnSteps: 50,
  /** What was never looked at is looked at this long after a keeper's first task. */
  pruneFirstMs: 60 * 60 * 1000,
  /** The self-check of a domain runs so often, unless the cell says otherwise, within the bounds. Seconds. */
  selfCheckIntervalS: 60 * 60,
  selfCheckIntervalMinS: 10,
  selfCheckIntervalMaxS: 7 * 24 * 60 * 60,
  /** When a store did not answer, the next run begins after this, unless it would earlier. */
  selfCheckRetryMs: 5 * 60 * 1000,
  /** Entries that one turn reads, and pieces of them; the next turn follows at once. */
  selfCheckTurnEntries: 20_000,
  selfCheckTurnPieces: 200,
  /** Rows of one query of the self-check; fewer when they pass `exportPageBytes`. */
  selfCheckPageEntries: 2500,
  /** A past of so many entries is read whole in every run: rows, lines of segments, leaves in tiles. Of a longer one, half as many. */
  selfCheckRows: 20_000,
  selfCheckArchived: 8192,
  selfCheckMirrored: 16_384,
  /** Segments of one listing, and their entries, read side by side: they are all in memory then. */
  selfCheckSegmentsAtOnce: 8,
  selfCheckSegmentEntries: 8192,
  /** Findings that are kept of one check. */
  selfCheckFindings: 16,
  /** Entries that one domain's self-check keeps for a platform's log that does not take them: about 700 bytes each. */
  selfCheckWaiting: 256,
  /** An entry that waits longer for the queryable copy is a finding. */
  selfCheckBacklogMs: 60 * 60 * 1000,
  /** Runs on one page of their list. */
  retentionRunsPage: 100,
  /** A dry run may be confirmed for this long, and so many of one tenant wait for it; the oldest goes. */
  retentionDryRunMs: 7 * 24 * 60 * 60 * 1000,
  retentionDryRuns: 100,
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
  /** One group of an export: entries, and payload bytes; with its table and its list a group is built in an isolate of 128 MB. */
  exportGroupEntries: 10_000,
  exportGroupBytes: 4 * MiB,
  /** One group with private values: an event has at most `eventBytes`, so its disclosure stays below `bundleFileBytes`. */
  exportPrivateEntries: 200,
  /** Read at once: entries, and bytes of their payloads in one string of D1 (2 MB at most). */
  exportPageEntries: 2500,
  exportPageBytes: 1_800_000,
  /** Entries of an export that has PDFs: they are for people to read, and are built in memory. */
  pdfEntries: 1000,
  /** Groups of one step; fewer when they have taken `exportStepMs`. */
  exportStepGroups: 8,
  /** Files of one export: in the directory of its archive, and in its manifest. */
  exportFiles: 60_000,
  /** Parts of an upload to R2: all of one size but the last, at least 5 MiB, at most 10,000 (PLATFORM §2.3). Bytes. */
  exportPartBytes: 5 * MiB,
  exportParts: 10_000,
  /** Entries that an export without a match looks through before it writes down how far it is. */
  exportScanEntries: 20_000,
  /** One run of the alarm goes on for about so long; the next one follows at once. */
  exportStepMs: 500,
  /** Tries of one step, and fresh beginnings of one export, before it has failed. */
  exportTries: 12,
  exportRestarts: 3,
  /** Exports of one domain that are not over, and those that its list keeps; the oldest that are over go. */
  exportsOpen: 10,
  exportsKept: 200,
  /** An export stays in the bucket this long, unless it was asked for shorter, and at most so long. Seconds. */
  exportLifeS: 7 * 24 * 60 * 60,
  exportLifeMaxS: 30 * 24 * 60 * 60,
  exportLifeMinS: 60,
  /** A link to download one is good this long, and at most so long. Seconds. */
  exportLinkS: 60 * 60,
  exportLinkMaxS: 7 * 24 * 60 * 60,
  /** Links of one export, revoked and expired ones among them. */
  exportLinks: 100,
  /** An archive that a log is moved with: it is verified in the memory of one object, of 128 MB. Bytes. */
  importBytes: 64 * MiB,
  /** Entries of its own, about itself, that a domain may have when a log is moved into it. */
  importOwnEntries: 1000,
  /** Entries that one append of an import takes, and characters of them; one turn of the alarm goes on about so long. */
  importLotEntries: 250,
  importLotChars: 2 * MiB,
  importTurnMs: 5000,
  /** Words of a refusal. */
  importDetailChars: 500,
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
  /** Words of one entry that it is found by, and terms of it in all: what an event may have at most, twice over, and its words. */
  entryWords: 128,
  entryTerms: 400,
  /** Text that words are cut from, of one value. Characters. */
  wordsChars: 16 * KiB,
  /** A query in the language; the values of its qualifiers, and the people among them: each is a call to the domain's object. */
  queryChars: 4000,
  queryValues: 100,
  queryPeople: 20,
  queryErrors: 20,
  /** Domains of one query across a tenant, and the people in it times the domains: each is a call. */
  queryDomains: 50,
  queryLookUps: 200,
  /** Looks at the index for one page: one that finds little comes back short, with a cursor. */
  queryRounds: 4,
  /** Rows that one of many domains is asked for at a time, at least. */
  queryShareRows: 20,
  /** Pages of a read that was recorded are no entries of their own for this long. */
  readMarkMs: 60 * 60 * 1000,
  /** How long `consistency=latest` of a query waits for the copy and the index. */
  queryCatchUpMs: 10_000,
  /** A count stops here; facets of a filter are of so many of its newest entries, and name so many values of each kind. */
  countEntries: 10_000,
  facetEntries: 5000,
  facetValues: 50,
  facetValuesDefault: 10,
  /** One step of the index: entries, and characters of their payloads. */
  indexRows: 500,
  indexChars: 2 * MiB,
  /** One turn of the alarm indexes this long; then the next. */
  indexTurnMs: 1000,
  /** A domain that copies all the time wakes its index at most this often, and so does who finds it behind. */
  indexGatherMs: 1000,
  /** How long a head waits for D1 to say how far the index has come. */
  indexLookMs: 1000,
  /** Postings of the rarest clause that one page looks at, and that one count looks at; a term's are counted up to the first. */
  queryScan: 2000,
  countScan: 20_000,
  /** What each of several values may cost at least, and clauses that a statement of the index takes: the match judges the others. */
  queryScanOfTerm: 50,
  indexedClauses: 20,
  /** Sums of days that one call reads, of each kind. */
  tallyRows: 20_000,
  /** Live connections to one domain, and to all domains of a tenant: the second is counted in memory, to within a look. */
  tailsPerDomain: 100,
  tailsPerTenant: 500,
  /** So often a keeper looks at its live connections: their credentials, the log's head, and whether they still take something. */
  tailLookMs: 20_000,
  /** Nothing is sent under a credential that was last found right longer ago: its end takes no longer to be felt. */
  tailTrustMs: 60_000,
  /** A reader that takes nothing for this long while there is more is ended; it connects again from where it is. */
  tailStallMs: 30_000,
  /** The longest life of a connection: a stream keeps its object in memory, a socket does not. */
  tailStreamLifeMs: 15 * 60_000,
  tailSocketLifeMs: 24 * 60 * 60 * 1000,
  /** Entries that one step reads for all who listen, and characters of one chunk of a stream, to which one entry may be added. */
  tailPageEntries: 500,
  tailChunkChars: 256 * KiB,
  /** A WebSocket is sent a mark after either, and has at most two windows under way. */
  tailWindowEntries: 250,
  tailWindowChars: 256 * KiB,
  /** A reader is told where it is after so many entries that its filter does not ask for. */
  tailPositionEntries: 1000,
  /** A log that has grown tells its keeper after this, once for all that came meanwhile; and so long it remembers that somebody listens. */
  tailGatherMs: 25,
  tailInterestMs: 120_000,
  /** A ping of a job, and an alert to the operator's address; a webhook waits 15 to 30 s (Standard Webhooks). */
  pingTimeoutMs: 5000,
  alertTimeoutMs: 15_000,
  /** What reads alike begins one delivery to the operator's receiver in this time, and one that fails is left alone at most as long. */
  alertPaceMs: 5 * 60_000,
  /** A turn of telling of alerts takes at most this; and of a delivery of many, so many are named. */
  alertTurnMs: 20_000,
  alertsNamed: 20,
  /** The cell looks after its jobs this often by an alarm of its own, whether cron comes or not. */
  watchJobsMs: 5 * 60_000,
  /** Runs of each job, alerts that are over, and days of each probe that are kept. */
  jobRunsKept: 50,
  alertsKept: 1000,
  probeDaysKept: 90,
  /** Probes that a cell listens to; how old a report may be; from when on a probe is silent. */
  probes: 8,
  probeSkewMs: 5 * 60_000,
  probeSilentMs: 15 * 60_000,
  /** What strangers are shown of a cell is computed at most this often. */
  statusCacheMs: 10_000,
  /** Incidents that the status shows, and for how long. Days. */
  statusIncidents: 50,
  statusIncidentDays: 90,
  /** Entries that one step of a restore brings back, at least when the archive has them; how long its alarm works before it lets others. */
  restoreRows: 8192,
  restoreTurnMs: 2000,
  /** One object of a copy of an archive, as it is sent back: no segment is larger. */
  archiveObjectBytes: 17 * MiB,
  /** The log's own copier waits so long after the last step of a restore. */
  restoreHoldMs: 60_000,
} as const;
