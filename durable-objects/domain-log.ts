/**
 * The object of one domain: it puts entries in order, keeps them until D1 and R2 both hold them, and compares itself with
 * its copies. A door: parse, call one service, answer. README.md beside this says what may run between which steps.
 */
import { DurableObject } from "cloudflare:workers";
import type { ProductEvent } from "../src/core/actions/product.ts";
import type { FinalHead } from "../src/core/deletion-certificate.ts";
import type { DomainSettings } from "../src/core/domain-settings.ts";
import { AppError, isAppError } from "../src/core/errors.ts";
import type { AuditEvent } from "../src/core/event.ts";
import type { Jurisdiction } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import type { ShardRange } from "../src/core/shards.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import type { NoteSigner } from "../src/crypto/signer.ts";
import { type DomainKeys, deriveDomainKeys } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import type { PlannedTask } from "../src/services/dead-man/lateness.ts";
import type {
  EraseCall,
  EraseResult,
  ErasurePromise,
  ErasureView,
  ReplayCall,
  ReplayResult,
} from "../src/services/erasure/calls.ts";
import type { ErasureDeps } from "../src/services/erasure/ports.ts";
import type { HoldCall } from "../src/services/holds/hold.ts";
import type { ResealCursor, ResealStep, ResealWork } from "../src/services/keys/resealing/calls.ts";
import { resealStep } from "../src/services/keys/resealing/walk.ts";
import { SubjectVault } from "../src/services/keys/subject-vault.ts";
import { append, type Receipt } from "../src/services/log/append.ts";
import type { SegmentPace } from "../src/services/log/archive.ts";
import { readBody } from "../src/services/log/body.ts";
import type {
  AppendCall,
  AppendResult,
  CreateDomainCall,
  DomainLogCalls,
  HeadResult,
} from "../src/services/log/calls.ts";
import type { SignedCheckpoint } from "../src/services/log/checkpoints.ts";
import { Divergence } from "../src/services/log/divergence.ts";
import { withIdsUnder } from "../src/services/log/each-under.ts";
import type { SetHashes, WantedSet } from "../src/services/log/evidence-set.ts";
import { createDomain } from "../src/services/log/genesis.ts";
import { receiptsFor } from "../src/services/log/receipts.ts";
import type { PersonResult } from "../src/services/log/reveal/search.ts";
import { type OpenCall, type OpenedRows, openRows } from "../src/services/log/sealing/opening.ts";
import { DomainSealing, type Sealing } from "../src/services/log/sealing/sealing.ts";
import type { CheckpointView, EntryProof, GrowthProof } from "../src/services/log/tree-calls.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { DomainIdentity, EntryRow } from "../src/services/ports.ts";
import { filterIn } from "../src/services/query/resolve.ts";
import type { LogRestoreCalls } from "../src/services/restore/log-calls.ts";
import type { ExpireCall, LogKeeping, PruneCall } from "../src/services/retention/log-calls.ts";
import type { Growth, Watched } from "../src/services/tail/calls.ts";
import { logKeysOf, signedByLog } from "../src/services/witness/log-keys.ts";
import { Admission } from "./domain-log/admission.ts";
import { Adoption } from "./domain-log/adoption.ts";
import { ClientDoor } from "./domain-log/client-door.ts";
import { Copies } from "./domain-log/copies.ts";
import { DomainTree } from "./domain-log/domain-tree.ts";
import { erasureDeps } from "./domain-log/erasure-deps.ts";
import { Erasures } from "./domain-log/erasures.ts";
import { HoldKeeper } from "./domain-log/hold-keeper.ts";
import { SqliteHolds } from "./domain-log/holds.ts";
import { SqliteJournal } from "./domain-log/journal.ts";
import { Listening } from "./domain-log/listening.ts";
import { Pruning } from "./domain-log/pruning.ts";
import { randomBytes } from "./domain-log/random.ts";
import { walkDeps } from "./domain-log/reseal-deps.ts";
import { Retirement } from "./domain-log/retirement.ts";
import { SqliteSealedJournal } from "./domain-log/sealed-journal.ts";
import { type DomainStores, domainStores } from "./domain-log/stores.ts";
import { reportViolation } from "./domain-log/violation.ts";
import { domainWitnesses } from "./domain-log/witness-wiring.ts";
import type { Witnesses } from "./domain-log/witnesses.ts";
import { domainKeeper, PRODUCT_SCOPE } from "./gates.ts";
import { demandPinned } from "./pinning.ts";
import { Schedule } from "./schedule.ts";
import { tenantKeyringFor } from "./tenant-keyring.ts";

type Task =
  | ("copy" | "archive" | "index" | "sign" | "mirror" | "witness")
  | ("report_violation" | "forget" | "holds" | "erase");

/** What talks to others for long. */
const BESIDE_OTHERS: ReadonlySet<Task> = new Set(["mirror", "index"]);
const LEASE_MS = 60_000;
const SEGMENT_PACE = "segment_pace";
const FORGET_EVERY_MS = 24 * 60 * 60 * 1000;

export class DomainLog extends DurableObject<CellEnv> {
  readonly journal: SqliteJournal;
  readonly #schedule: Schedule<Task>;
  /** Replaced by tests that make a store fail. */
  stores: DomainStores;
  readonly sealed: SqliteSealedJournal;
  /** `holds.blockingErasure` is asked inside the transaction that would erase. */
  readonly holds: SqliteHolds;
  readonly #holdKeeper: HoldKeeper;
  readonly #erasures: Erasures;
  #keys: DomainKeys | null = null;
  #vault: SubjectVault | null = null;
  readonly tree: DomainTree;
  readonly witnesses: Witnesses;
  #signer: NoteSigner | null = null;
  readonly #copies: Copies;
  readonly #adoption: Adoption;
  readonly #admission = new Admission();
  readonly #clients: ClientDoor;
  readonly #retirement: Retirement;
  readonly #pruning: Pruning;
  readonly #listening: Listening;
  /** Tasks under way outside the alarm. */
  readonly #beside = new Set<Task>();
  #group: Promise<void> | null = null;
  /** The alarm is set for the copies, and for a segment that is full. */
  #armed = false;
  #armedForSegment = false;
  /** The keeper was told that so many entries are copied, and when. */
  #toldCopied = 0;
  #toldAtMs = 0;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.tree = new DomainTree({
      storage: ctx.storage,
      journal: () => this.journal,
      stores: () => this.stores,
      signer: () => this.#logSigner(),
      isCompared: () => this.#copies.isCompared,
      stop: (reason) => this.#stop(reason),
      plan: (task, atMs) => this.#planTree(task, atMs),
    });
    this.witnesses = domainWitnesses({
      storage: ctx.storage,
      tree: this.tree,
      config: () => this.#config(),
      signer: () => this.#logSigner(),
      clock: () => this.stores.clock(),
      stop: (reason) => this.#stop(reason),
      plan: (atMs) => this.#planTree("witness", atMs),
    });
    this.journal = new SqliteJournal(ctx.storage, this.tree.beside);
    this.sealed = new SqliteSealedJournal(ctx.storage);
    this.holds = new SqliteHolds(ctx.storage);
    this.#schedule = new Schedule<Task>(ctx.storage);
    this.stores = domainStores(
      env,
      ctx.id.name ?? "",
      () => this.journal.shards(),
      () => this.journal.keptFrom().firstHot,
    );
    this.#copies = new Copies({
      journal: this.journal,
      sealed: this.sealed,
      stores: () => this.stores,
      shardLimitBytes: () => this.#config().shardLimitBytes,
      pace: () => this.#pace(),
      stop: (reason) => this.#stop(reason),
      compareTree: () => this.tree.compare(),
      plan: () => this.#planCopiesAnew(),
      ledgerSetBack: () => this.#erasures.ledgerSetBack(),
      copied: () => this.#planIndex(),
      isAdopted: () => this.#adoption.isAdopted,
    });
    this.#adoption = new Adoption({
      storage: ctx.storage,
      domainId: ctx.id.name ?? "",
      journal: this.journal,
      tree: this.tree,
      copies: this.#copies,
      isSigned: (note) => signedByLog(note, logKeysOf(sha256, this.#logSigner(), this.#config().retiredKeys)),
      stop: (reason) => this.#stop(reason),
      ledgerSetBack: () => this.#erasures.ledgerSetBack(),
    });
    this.#holdKeeper = new HoldKeeper({
      journal: this.journal,
      holds: this.holds,
      mirror: () => this.stores.holdMirror,
      clock: () => this.stores.clock(),
      copied: (size) => this.#copiedTo(size),
      scan: (call) => domainKeeper(env, this.#config(), ctx.id.name ?? "").scanForHold(call),
      plan: () => this.#planHolds(),
    });
    this.#erasures = new Erasures({
      storage: ctx.storage,
      journal: this.journal,
      sealed: this.sealed,
      holds: this.#holdKeeper,
      stores: () => this.stores,
      pseudonymOf: async (identityId) => {
        const { config, identity } = this.#open();
        return (await this.#loadKeys(config, identity.tenantId, identity.domainId)).pseudonymOf(identityId);
      },
      deps: () => this.#erasureDeps(),
      tell: (event, idempotencyKey) => this.#tell(event, idempotencyKey),
      plan: (atMs) => this.#planErasures(atMs),
      flush: () => this.#flush(),
    });
    this.#clients = new ClientDoor(ctx.storage, this.#admission, PRODUCT_SCOPE);
    this.#retirement = new Retirement({
      storage: ctx.storage,
      domainId: ctx.id.name ?? "",
      journal: this.journal,
      holds: this.holds,
      copies: this.#copies,
      admission: this.#admission,
      forgetKeys: () => this.#forgetKeys(),
    });
    this.#pruning = new Pruning({
      storage: ctx.storage,
      journal: this.journal,
      holds: this.holds,
      tree: this.tree,
      identity: () => this.#open().identity,
      compared: () => this.#copies.compared(),
      holdsAgree: () => this.#holdKeeper.agree(),
      tell: (event, idempotencyKey, beside) => this.#tell(event, idempotencyKey, beside),
    });
    this.#listening = new Listening({
      storage: ctx.storage,
      clock: () => this.stores.clock(),
      growth: () => this.#growth(),
      tell: (growth) => domainKeeper(env, this.#config(), ctx.id.name ?? "").grew(growth),
    });
  }

  /** The tenant is being deleted (retirement.ts): nothing new is taken, unless holds are in force. */
  closeForDeletion(): Promise<Outcome<{ holds: string[] }>> {
    return outcomeOf(async () => this.#dying().close());
  }

  reopen(): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#dying().reopen());
  }

  retire(): Promise<Outcome<FinalHead>> {
    return outcomeOf(() => this.#dying().retire());
  }

  empty(): Promise<Outcome<void>> {
    return outcomeOf(() => this.#dying().empty());
  }

  #dying(): Retirement {
    this.#config();
    return this.#retirement;
  }

  #forgetKeys(): void {
    this.#keys = null;
    this.#vault?.forget();
    this.#vault = null;
  }

  /** Makes the domain with its entry 0. Again: changes nothing. The tenant's root must exist. */
  create(call: CreateDomainCall): Promise<Outcome<void>> {
    return outcomeOf(() => this.#create(call));
  }

  async #create(call: CreateDomainCall): Promise<void> {
    const config = this.#config();
    this.#retirement.demandOpen();
    if (this.ctx.id.name !== call.domainId) throw new AppError("internal", { internal: "the object has another name" });
    if (this.journal.identity()) return;
    const keys = await this.#loadKeys(config, call.tenantId, call.domainId);
    const nowMs = this.stores.clock();
    const identity: DomainIdentity = {
      ...call,
      jurisdiction: config.jurisdiction,
      origin: `${config.logHost}/${call.domainId}`,
      genesis: Buffer.from(keys.genesis).toString("hex"),
      createdAt: new Date(nowMs).toISOString(),
    };
    const { keyId } = config.signer.named(identity.origin);
    createDomain(this.journal, identity, keyId, { sha256, random: randomBytes, nowMs });
    this.#planCopies();
    this.tree.signSoon();
  }

  /** Appends what a client sent. Receipts mean committed; `waitForCopy` also waits (bounded) for D1. */
  append(call: AppendCall): Promise<Outcome<AppendResult>> {
    return outcomeOf(() =>
      this.#admission.admit(call.body.length, () => {
        this.#clients.demandOpenFor(call.scope);
        return this.#append(call);
      }),
    );
  }

  /** `beside`: in the transaction of the entries. */
  async #append(call: AppendCall, beside?: () => void): Promise<AppendResult> {
    const { config, identity } = this.#open();
    const { values, single } = readBody(call.body, call.form);
    await this.#copies.comparedOrAway();
    const keys = await this.#loadKeys(config, identity.tenantId, identity.domainId);
    const sent = values as unknown as AuditEvent[];
    const events = call.eachUnder ? withIdsUnder(sent, call.eachUnder, call.scope, keys) : sent;
    await this.#groupCommit();
    const appended = await append(
      { ...call, events, single },
      {
        domainId: identity.domainId,
        journal: this.journal,
        ledger: this.stores.ledger,
        keys,
        sealing: this.#sealing(config, identity),
        sha256,
        clock: this.stores.clock,
        random: randomBytes,
        backlogBytes: config.backlogBytes,
        ...(beside ? { beside } : {}),
      },
    );
    this.#planCopies();
    this.tree.signSoon();
    this.#listening.grew();
    const receipts = await receiptsFor(appended, { journal: this.journal, ...this.stores, sha256 });
    const size = Math.max(...appended.seqs) + 1;
    const replicated = call.waitForCopy ? await this.#copies.copiedWithin(size, LIMITS.replicationWaitMs) : false;
    const expiresAtMs = appended.idempotencyExpiresAtMs;
    return {
      receipts,
      replayed: appended.replayed,
      replicated: replicated || this.journal.copied().size >= size,
      idempotencyExpiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    };
  }

  /** A log is moved here: only the product appends until `openToClients`. How many entries there are. */
  closeToClients(): Promise<Outcome<number>> {
    return outcomeOf(async () => {
      this.#open();
      await this.#clients.close();
      return this.journal.head().size;
    });
  }

  openToClients(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#open();
      this.#clients.open();
    });
  }

  /** One call of a restore, by its name (src/services/restore/log-calls.ts). Also where there is no log yet. */
  restoreCall(name: keyof LogRestoreCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf(async () => {
      this.#config();
      this.#retirement.demandOpen();
      return (this.#adoption[name] as (...given: never[]) => Promise<unknown>).apply(this.#adoption, args as never[]);
    });
  }

  head(): Promise<Outcome<HeadResult>> {
    return outcomeOf(async () => this.#headView());
  }

  #headView(): HeadResult {
    const { identity } = this.#open();
    const head = this.journal.head();
    const kept = this.journal.keptFrom();
    const backlog = this.journal.pendingStats();
    const copiedSize = this.journal.copied().size;
    const archivedSize = this.journal.archived().size;
    const since = (size: number) => (size < head.size ? this.journal.pendingSince(size) : null);
    const [uncopied, unarchived] = [since(copiedSize), since(archivedSize)];
    return {
      size: head.size,
      entryHash: head.entryHash,
      recordedAt: new Date(head.recordedAtMs).toISOString(),
      genesis: identity.genesis,
      copiedSize,
      archivedSize,
      firstHot: kept.firstHot,
      firstKept: kept.firstKept,
      signedSize: this.tree.checkpoints.lastCheckpoint()?.size ?? 0,
      mirroredSize: this.tree.checkpoints.mirroredSize(),
      witnesses: this.witnesses.view(head.size),
      backlogEntries: backlog.entries,
      backlogBytes: backlog.bytes,
      oldestUncopiedAt: uncopied === null ? null : new Date(uncopied).toISOString(),
      oldestUnarchivedAt: unarchived === null ? null : new Date(unarchived).toISOString(),
      stoppedReason: this.journal.stoppedReason(),
      shards: this.journal.shards(),
    };
  }

  /** Copies everything that is committed now to D1, and says where it lies. Throws `storage.unavailable` when D1 does not take it in time. */
  flush(): Promise<Outcome<ShardRange[]>> {
    return outcomeOf(async () => {
      await this.#flush();
      return this.journal.shards();
    });
  }

  /** Rows that were not released yet; they begin later where the first was. */
  waiting(fromSeq: number, limit: number): Promise<Outcome<EntryRow[]>> {
    return outcomeOf(async () => {
      this.#open();
      return this.journal.pending(fromSeq, limit, LIMITS.pageChars);
    });
  }

  /** Somebody listens: the keeper is told when the log has grown. */
  watch(): Promise<Outcome<Watched>> {
    return outcomeOf(async () => {
      this.#open();
      this.#listening.watch();
      const { firstKept } = this.journal.keptFrom();
      const stopped = this.journal.stoppedReason() !== null;
      return { ...this.#growth(), stopped, shards: this.journal.shards(), firstKept };
    });
  }

  #growth(): Growth {
    return { size: this.journal.head().size, copiedSize: this.journal.copied().size };
  }

  async #flush(): Promise<void> {
    this.#open();
    if (this.journal.stoppedReason() !== null) return;
    await this.#copiedTo(this.journal.head().size);
  }

  async #copiedTo(size: number): Promise<void> {
    if (!(await this.#copies.copiedWithin(size, LIMITS.replicationWaitMs))) {
      throw new AppError("storage.unavailable", {
        detail: "the queryable copy could not be brought up to date in time",
      });
    }
  }

  /** The newest signed checkpoint. */
  checkpoint(): Promise<Outcome<CheckpointView>> {
    return outcomeOf(async () => {
      await this.#treeReady();
      return this.tree.view(this.witnesses.published(this.tree.covering(1)));
    });
  }

  /** By its path of C2SP tlog-tiles; null: there is none. */
  treeTile(path: string): Promise<Outcome<Uint8Array | null>> {
    return outcomeOf(async () => {
      this.#open();
      return this.tree.byPath(path);
    });
  }

  /** Under the newest checkpoint that enough witnesses cosigned, where there is one that covers the entry. */
  entryProof({ seq, waitMs }: { seq: number; waitMs: number }): Promise<Outcome<EntryProof | null>> {
    return outcomeOf(async () => {
      await this.#treeReady();
      if (seq >= this.tree.size) return null;
      this.tree.covering(seq + 1);
      if (waitMs > 0) await this.witnesses.witnessedWithin(seq + 1, this.#config().witnessesRequired, waitMs);
      const checkpoint = this.#bestCheckpoint(seq + 1);
      return { hashes: this.tree.proofOfEntry(seq, checkpoint.size), checkpoint: this.tree.view(checkpoint) };
    });
  }

  /** The newest that enough witnesses cosigned, when it covers so many entries; else the newest. Throws as `covering`. */
  #bestCheckpoint(size: number): SignedCheckpoint {
    const witnessed = this.witnesses.latestWitnessed(this.#config().witnessesRequired);
    return witnessed && witnessed.size >= size ? witnessed : this.witnesses.published(this.tree.covering(size));
  }

  setProof(wanted: WantedSet, size: number | null = null): Promise<Outcome<SetHashes | null>> {
    return outcomeOf(async () => {
      await this.#treeReady();
      return this.tree.setProof(wanted, size, (atLeast) => this.#bestCheckpoint(atLeast));
    });
  }

  /** Evidence against this very log, from what its witnesses hold up (src/services/log/fork.ts). */
  fork(): Promise<Outcome<string | null>> {
    return outcomeOf(async () => {
      this.#open();
      const kept = this.witnesses.journal.contradictions().map(({ note }) => note);
      const held = this.tree.forkAgainst(kept);
      const reason = this.journal.stoppedReason();
      // A stopped log may have signed what its own mirror holds up against it.
      return held !== null || reason === null ? held : (await this.tree.alarm(reason)).fork;
    });
  }

  growthProof(call: { from: number; to: number | null }): Promise<Outcome<GrowthProof | null>> {
    return outcomeOf(async () => {
      await this.#treeReady();
      const proof = this.tree.growthProof(call);
      return proof && { ...proof, checkpoint: this.tree.view(this.witnesses.published(proof.checkpoint)) };
    });
  }

  /**
   * A freshly started object signs nothing before it has compared itself; whoever reads a checkpoint makes it do so. What was
   * signed before is shown whatever the comparison finds: monitors need it most then.
   */
  async #treeReady(): Promise<void> {
    this.#open();
    await this.#copies.comparedOrAway().catch((error: unknown) => {
      if (!isAppError(error)) throw error;
    });
  }

  /** Whom an identity id stands for here. It is kept nowhere. */
  person(identityId: string): Promise<Outcome<PersonResult>> {
    return outcomeOf(async () => {
      const { config, identity } = this.#open();
      const keys = await this.#loadKeys(config, identity.tenantId, identity.domainId);
      const pseudonym = keys.pseudonymOf(identityId);
      const [subject] = this.sealed.subjects([pseudonym]);
      return { pseudonym, known: subject?.seen ?? false, erased: subject?.suppressed ?? false };
    });
  }

  /**
   * Opens sealed rows for the keeper, who reads and shows them. Here and not there, because the keys and the knowledge of who
   * is erased never leave this object; its caller bounds the bytes, because this is the thread that puts entries in order.
   */
  openSealed(call: OpenCall): Promise<Outcome<OpenedRows>> {
    return outcomeOf(async () => {
      const { config, identity } = this.#open();
      const { tenantId, domainId } = identity;
      const keys = this.#vaultOf(tenantId, domainId);
      return openRows(call, { tenantId, keys, sealer: config.sealer, journal: this.sealed });
    });
  }

  /** Erases a person (src/services/erasure/steps.ts). Throws `subject.held`. */
  erase(call: EraseCall): Promise<Outcome<EraseResult>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#erasures.erase(call);
    });
  }

  /** This domain's word, before an erasure that concerns several domains is decided (S4-32). */
  promiseErasure(call: { identityId: string; erasureId: string }): Promise<Outcome<ErasurePromise>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#erasures.promise(call);
    });
  }

  erasure(id: string): Promise<Outcome<ErasureView>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#erasures.view(id);
    });
  }

  erasureCertificate(id: string): Promise<Outcome<string>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#erasures.certificate(id);
    });
  }

  /** After a restore: executes again what the log tells of, also where this object has forgotten it. */
  replayErasures(call: ReplayCall): Promise<Outcome<ReplayResult>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#erasures.replay(call);
    });
  }

  #erasureDeps(): Omit<ErasureDeps, "book"> {
    const { config, identity } = this.#open();
    return erasureDeps({
      config,
      identity,
      journal: this.journal,
      stores: this.stores,
      copies: this.#copies,
      keys: this.#vaultOf(identity.tenantId, identity.domainId),
      dropExports: () => domainKeeper(this.env, config, identity.domainId).dropPrivateExports(),
      proofOf: async (seq) => (this.journal.stoppedReason() === null ? this.tree.proofText(seq) : null),
      tell: (event, idempotencyKey) => this.#tell(event, idempotencyKey),
    });
  }

  keeping(): Promise<Outcome<LogKeeping>> {
    return outcomeOf(async () => this.#pruning.keeping());
  }

  heldFrom(fromSeq: number): Promise<Outcome<number | null>> {
    return outcomeOf(async () => {
      this.#open();
      await this.#holdKeeper.agree();
      return this.#pruning.firstHeld(fromSeq);
    });
  }

  /** Entries leave the hot store: src/services/retention/log-calls.ts. */
  prune(call: PruneCall): Promise<Outcome<LogKeeping>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#pruning.prune(call);
    });
  }

  expire(call: ExpireCall): Promise<Outcome<LogKeeping>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#pruning.expire(call);
    });
  }

  /** An entry of the product's own, once for each key. */
  async #tell(event: ProductEvent, idempotencyKey: string, beside?: () => void): Promise<Receipt> {
    const call = { form: "json" as const, scope: PRODUCT_SCOPE, idempotencyKey, waitForCopy: false };
    const { receipts } = await this.#append({ ...call, body: JSON.stringify(event) }, beside);
    return receipts[0] as Receipt;
  }

  #planErasures(atMs = this.stores.clock()): void {
    this.#schedule.plan("erase", atMs);
    this.#arm();
  }

  /** As the domain is set, from the next archive object on. Idempotent. */
  configure({ segment_entries, segment_flush_seconds }: DomainSettings): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      const { identity } = this.#open();
      const entries = segment_entries ?? identity.segmentEntries;
      this.ctx.storage.kv.put<SegmentPace>(SEGMENT_PACE, { entries, flushMs: segment_flush_seconds * 1000 });
      this.#planCopiesAnew();
    });
  }

  #pace(): SegmentPace | undefined {
    return this.ctx.storage.kv.get<SegmentPace>(SEGMENT_PACE);
  }

  /** Places a legal hold: in force at once. False: not confirmed yet, the alarm goes on; ask again. */
  placeHold(call: HoldCall): Promise<Outcome<boolean>> {
    return outcomeOf(async () => {
      const { config, identity } = this.#open();
      const { pseudonymOf } = await this.#loadKeys(config, identity.tenantId, identity.domainId);
      const filter =
        call.query && (await filterIn(call.query, async (identityId) => this.#heldPerson(pseudonymOf(identityId))));
      // No hold comes behind the look that a deletion took.
      this.#retirement.demandOpen();
      return this.#holdKeeper.place(call, filter, pseudonymOf);
    });
  }

  /** A hold covers also those who are erased: their entries stay. */
  #heldPerson(pseudonym: string) {
    return { pseudonym, known: this.sealed.subjects([pseudonym])[0]?.seen ?? false, erased: false };
  }

  /** Releases it: it blocks nothing from here on. False as above. */
  releaseHold(holdId: string): Promise<Outcome<boolean>> {
    return outcomeOf(async () => {
      this.#open();
      return this.#holdKeeper.release(holdId);
    });
  }

  /** Goes on with sealing anew what is sealed under older keys (src/services/keys/resealing/walk.ts). */
  reseal(work: ResealWork, cursor: ResealCursor | null): Promise<Outcome<ResealStep>> {
    return outcomeOf(async () => {
      const { config, identity } = this.#open();
      const vault = this.#vaultOf(identity.tenantId, identity.domainId);
      const parts = { storage: this.ctx.storage, config, identity, sealed: this.sealed, vault, stores: this.stores };
      return resealStep(work, cursor, await walkDeps(parts, cursor === null));
    });
  }

  #logSigner(): NoteSigner {
    const { config, identity } = this.#open();
    this.#signer ??= config.signer.named(identity.origin);
    return this.#signer;
  }

  #planTree(task: "sign" | "mirror" | "witness", atMs: number): void {
    // A checkpoint was signed: the alarm need not.
    if (task === "mirror") {
      this.#schedule.done("sign");
      this.witnesses.hurry();
    }
    this.#schedule.plan(task, atMs);
    this.#arm();
  }

  #planHolds(): void {
    this.#schedule.plan("holds", this.stores.clock());
    this.#arm();
  }

  /** Cron's call: takes up what an alarm should have done. */
  wake(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#open();
      this.#planCopiesAnew();
      this.#planIndex();
      if (this.#holdKeeper.isDue) this.#planHolds();
      if (!this.#erasures.areDone) this.#planErasures();
      if (!this.tree.isMirrored) this.#planTree("mirror", this.stores.clock());
      if (!this.tree.isCovered) this.#planTree("sign", this.stores.clock());
      this.witnesses.planNext();
      await this.alarm();
    });
  }

  /** What is planned, for whoever watches that it happens; asked before `wake` makes good what an alarm missed. */
  tasks(): Promise<Outcome<PlannedTask[]>> {
    return outcomeOf(async () => (this.#retirement.isEmpty ? [] : this.#schedule.planned()));
  }

  /** Never throws: a failed task stays in the schedule and comes again. */
  override async alarm(): Promise<void> {
    const tried = new Set<Task>();
    for (let task = this.#next(tried); task !== null; task = this.#next(tried)) {
      tried.add(task);
      if (BESIDE_OTHERS.has(task)) this.#runBeside(task);
      else if (!(await this.#runTask(task))) return;
    }
    this.#arm();
  }

  /** False: the object is empty now. Never throws. */
  async #runTask(task: Task): Promise<boolean> {
    try {
      await this.#run(task);
      this.#settle(task);
    } catch (error) {
      if (this.#retirement.isEmpty) return false;
      if (error instanceof Divergence) this.#stop(error.message);
      else console.warn(JSON.stringify({ at: "domain-log", task, fault: faultName(error) }));
      this.#schedule.failed(task, this.stores.clock());
    }
    return true;
  }

  /** For what waits long for others: no other task waits for it. */
  #runBeside(task: Task): void {
    this.#schedule.lease(task, this.stores.clock() + LEASE_MS);
    if (this.#beside.has(task)) return;
    this.#beside.add(task);
    void this.#runTask(task).then((goesOn) => {
      this.#beside.delete(task);
      if (goesOn) this.#arm();
    });
  }

  #next(tried: ReadonlySet<Task>): Task | null {
    if (this.#retirement.isEmpty) return null;
    return this.#schedule.due(this.stores.clock(), tried);
  }

  async #run(task: Task): Promise<void> {
    if (task === "report_violation") return this.#report();
    if (task === "forget") return this.journal.forget(this.stores.clock());
    // Also where the log is stopped: only the entry and the certificate have to wait then.
    if (task === "erase") return this.#erasures.run();
    if (this.journal.stoppedReason() !== null) return;
    if (task === "sign") {
      await this.#copies.compared();
      return this.tree.signLate();
    }
    if (task === "mirror") return void (await this.tree.mirror());
    // Not waited for: each witness goes its own pace.
    if (task === "witness") return void this.witnesses.ask();
    if (task === "copy") return this.#copies.copy();
    if (task === "index") return this.#tellIndex();
    if (task === "holds") return this.#holdKeeper.run();
    if (task === "archive") return this.#copies.archive();
  }

  /** Decides from the state alone, in one piece, whether the task is over. Appends that came meanwhile are in that state. */
  #settle(task: Task): void {
    const nowMs = this.stores.clock();
    this.#schedule.done(task);
    // What appends planned while this ran is gone with the task, so the next append plans again.
    if (task === "copy" || task === "archive") this.#armed = false;
    if (task === "archive") this.#armedForSegment = false;
    if (task === "forget") this.#schedule.plan(task, nowMs + FORGET_EVERY_MS);
    if (task === "erase" && !this.#erasures.areDone) this.#schedule.plan(task, nowMs);
    if (this.journal.stoppedReason() !== null) return;
    if (task === "sign" && !this.tree.isCovered) this.#schedule.plan(task, nowMs + LIMITS.checkpointAfterMs);
    const witnessAt = task === "witness" ? this.witnesses.nextDueAtMs : null;
    if (witnessAt !== null) this.#schedule.plan("witness", witnessAt);
    if (task === "mirror") this.tree.checkpoints.forgetOld(this.witnesses.keptSizes());
    if (task === "mirror" && !this.tree.isMirrored) this.#schedule.plan(task, nowMs);
    if (task === "copy" && !this.#copies.copyIsDone) this.#schedule.plan(task, nowMs);
    if ((task === "copy" || task === "holds") && this.#holdKeeper.isDue) this.#schedule.plan("holds", nowMs);
    if (task === "index" && this.#toldCopied < this.journal.copied().size) this.#planIndex();
    const archiveAt = task === "archive" ? this.#copies.archiveDueAtMs : null;
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
  }

  /** Sees to it that the alarm copies and archives what waits. Cheap when it is set already. */
  #planCopies(): void {
    const full = this.#copies.segmentIsFull;
    if (this.#armed && !(full && !this.#armedForSegment)) return;
    const nowMs = this.stores.clock();
    const archiveAt = this.#copies.archiveDueAtMs;
    this.#schedule.plan("copy", nowMs);
    if (archiveAt !== null) this.#schedule.plan("archive", archiveAt);
    if (!this.#armed) this.#schedule.plan("forget", nowMs + FORGET_EVERY_MS);
    this.#arm();
    this.#armed = archiveAt !== null;
    this.#armedForSegment = full;
  }

  /** Entries were copied: the keeper is to index them. It is told at most every `LIMITS.indexGatherMs`, until it has heard. */
  #planIndex(): void {
    this.#schedule.plan("index", Math.max(this.stores.clock(), this.#toldAtMs + LIMITS.indexGatherMs));
    this.#arm();
  }

  async #tellIndex(): Promise<void> {
    const { config, identity } = this.#open();
    this.#toldCopied = this.journal.copied().size;
    this.#toldAtMs = this.stores.clock();
    await domainKeeper(this.env, config, identity.domainId).indexSoon();
  }

  /** Whatever is believed of the alarm: it may be lost, or a caller's try has failed. */
  #planCopiesAnew(): void {
    this.#armed = false;
    this.#planCopies();
  }

  #arm(): void {
    if (this.#retirement.isEmpty) return;
    const untilMs = this.#copies.gatherUntilMs;
    this.#schedule.arm({ copy: untilMs, archive: untilMs });
  }

  /**
   * Lets the requests that are here already commit together: they all go on in one turn, without an await between them,
   * so their transactions reach the disk as one.
   */
  #groupCommit(): Promise<void> {
    this.#group ??= new Promise((resolve) => {
      setTimeout(() => {
        this.#group = null;
        resolve();
      }, 0);
    });
    return this.#group;
  }

  /** The desk's call: what this log has signed contradicts what the platform's log has on record of it. */
  stop(reason: string): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#open();
      if (this.journal.stoppedReason() === null) this.#stop(reason);
    });
  }

  #stop(reason: string): void {
    this.journal.stop(reason);
    this.#schedule.plan("report_violation", this.stores.clock());
    this.#arm();
  }

  async #report(): Promise<void> {
    const { config, identity } = this.#open();
    const reason = this.journal.stoppedReason() ?? "";
    // A mirror that is away must not keep the violation from being said.
    const alarm = await this.tree.alarm(reason).catch(() => null);
    await reportViolation(this.env, config, this.ctx.storage, identity, reason, alarm);
  }

  async #loadKeys(config: CellConfig, tenantId: string, domainId: string): Promise<DomainKeys> {
    if (this.#keys) return this.#keys;
    const root = await this.stores.roots.get(tenantId);
    if (!root) throw new AppError("storage.unavailable", { internal: `tenant ${tenantId} has no root` });
    this.#keys = deriveDomainKeys(config.pseudonymPepper, root, domainId);
    return this.#keys;
  }

  #sealing(config: CellConfig, { tenantId, domainId }: DomainIdentity): Sealing {
    const keys = this.#vaultOf(tenantId, domainId);
    return new DomainSealing({
      tenantId,
      domainId,
      keys,
      sealer: config.sealer,
      journal: this.sealed,
      random: randomBytes,
    });
  }

  #vaultOf(tenantId: string, domainId: string): SubjectVault {
    this.#vault ??= new SubjectVault({
      tenantId,
      domainId,
      tenantKeys: tenantKeyringFor(this.env, this.#config(), tenantId, {
        tenantKeys: this.stores.tenantKeys,
        clock: () => this.stores.clock(),
      }),
      pages: this.stores.subjectPages,
      index: this.sealed,
      random: randomBytes,
    });
    return this.#vault;
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }

  /** Every call but `create`: pinned, and the domain exists. */
  #open(): { config: CellConfig; identity: DomainIdentity } {
    const config = this.#config();
    this.#retirement.demandOpen();
    const identity = this.journal.identity();
    if (!identity) throw new AppError("resource.not_found");
    demandSameJurisdiction(identity.jurisdiction, config.jurisdiction);
    return { config, identity };
  }
}

function demandSameJurisdiction(frozen: Jurisdiction, cell: Jurisdiction): void {
  if (frozen !== cell)
    throw new AppError("residency.unknown", { internal: `a domain of ${frozen} in the cell of ${cell}` });
}

/** Codes only: messages of stores may carry what was stored. */
function faultName(error: unknown): string {
  return isAppError(error) ? `${error.code}: ${error.internal ?? ""}` : error instanceof Error ? error.name : "unknown";
}
