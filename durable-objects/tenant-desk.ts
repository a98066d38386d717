/** The object of one tenant: its changes, one after the other, each with its entry in the tenant's own log. */
import { DurableObject } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import { AppError, isAppError } from "../src/core/errors.ts";
import { makeId } from "../src/core/ids.ts";
import type { KeyServiceConfig } from "../src/core/key-service.ts";
import { LIMITS } from "../src/core/limits.ts";
import { FIRST_SHARD } from "../src/core/shards.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import type { DeletionDeps } from "../src/services/deletion/deletion.ts";
import type { DeletionState } from "../src/services/deletion/state.ts";
import type { EraseEverywhereCall, EraseEverywhereResult } from "../src/services/erasure/calls.ts";
import { eraseEverywhere } from "../src/services/erasure/everywhere.ts";
import { type DescribedHold, HoldDesk, type HoldDeskDeps, type HoldWish } from "../src/services/holds/hold-desk.ts";
import { lastChange } from "../src/services/holds/legal-hold.ts";
import { resealCredentials } from "../src/services/keys/credentials.ts";
import type { KeyServiceDescription } from "../src/services/keys/description.ts";
import { KeyServiceDesk, type KeyServiceDeskDeps } from "../src/services/keys/key-service-desk.ts";
import { freshOf, isStale } from "../src/services/keys/resealing/anew.ts";
import type { RotationDeps } from "../src/services/keys/rotation/rotate.ts";
import { type TenantKeysView, tenantKeysView } from "../src/services/keys/rotation/view.ts";
import type { TenantKeyring } from "../src/services/keys/tenant-keyring.ts";
import type { KeyServiceObservation } from "../src/services/keys/unwrap.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { OWNER_KEY_PERMISSIONS, type Permission } from "../src/services/permissions.ts";
import type { ApiKeyRecord, Clock, DomainRecord, TenantRecord } from "../src/services/ports.ts";
import type {
  CreateDomainWish,
  CreateKeyWish,
  CreateTenantWish,
  DeleteTenantWish,
  IssuedKey,
} from "../src/services/tenancy/calls.ts";
import { type AskedBy, type Job, type JobDeps, type JobOutcome, runJob } from "../src/services/tenancy/jobs.ts";
import { mintKey } from "../src/services/tenancy/keys.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { D1HoldWordsStore } from "../src/storage/hold-words-store.ts";
import { D1KeyServiceStore } from "../src/storage/key-service-store.ts";
import { connectKeyService } from "../src/storage/key-services/connect.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { R2TenantKeyStore } from "../src/storage/tenant-key-store.ts";
import { randomBytes } from "./domain-log/random.ts";
import { cellDesk, logGate } from "./gates.ts";
import { demandPinned } from "./pinning.ts";
import { TenantDeletion } from "./tenant-desk/deletion.ts";
import { deletionDeps } from "./tenant-desk/deletion-deps.ts";
import { SqliteHoldBook } from "./tenant-desk/hold-book.ts";
import { holdDeskDeps } from "./tenant-desk/hold-deps.ts";
import { JobBook } from "./tenant-desk/job-book.ts";
import { TenantRotation } from "./tenant-desk/rotation.ts";
import { rotationDeps } from "./tenant-desk/rotation-deps.ts";
import { tenantKeyringFor } from "./tenant-keyring.ts";

const RETRY_MS = 5000;

export class TenantDesk extends DurableObject<CellEnv> {
  readonly #jobs: JobBook;
  readonly #keyServices = new KeyServiceDesk();
  readonly #holdBook: SqliteHoldBook;
  readonly #holds = new HoldDesk();
  readonly #rotation: TenantRotation;
  #keyring: TenantKeyring | null = null;
  /** Replaced by tests. */
  clock: Clock = Date.now;
  /** Replaced by tests that make a store fail. */
  deps: JobDeps | null = null;
  readonly #deletion: TenantDeletion;
  /** Replaced by tests that make a store fail. */
  deletionDeps: DeletionDeps | null = null;
  /** Jobs that run at this moment. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#jobs = new JobBook(ctx.storage);
    this.#deletion = new TenantDeletion(ctx.storage);
    this.#rotation = new TenantRotation(ctx.storage);
    this.#holdBook = new SqliteHoldBook(ctx.storage, () => this.#deletion.demandNone());
  }

  /** Makes the tenant of this object's name, its reserved domain and its first key. */
  createTenant(wanted: CreateTenantWish): Promise<Outcome<{ tenant: TenantRecord; issued: IssuedKey }>> {
    return outcomeOf(() => this.#createTenant(wanted));
  }

  async #createTenant(wanted: CreateTenantWish): Promise<{ tenant: TenantRecord; issued: IssuedKey }> {
    const config = this.#config();
    await cellDesk(this.env, config).ensurePlatform();
    const tenantId = this.#tenantId();
    const createdAt = new Date().toISOString();
    const domain = this.#newDomain(config, {
      name: "tenant",
      kind: "tenant",
      segmentEntries: LIMITS.segmentEntriesDefault,
    });
    const tenant: TenantRecord = {
      id: tenantId,
      name: wanted.name,
      jurisdiction: config.jurisdiction,
      tier: wanted.tier,
      tenantDomainId: domain.id,
      createdAt,
    };
    const first = { name: "first key", permissions: [...OWNER_KEY_PERMISSIONS], expiresAt: null };
    const issued = this.#mint(config, first);
    await this.#do({ kind: "tenant", by: wanted.by, tenant, domain, key: issued.record });
    return { tenant, issued };
  }

  /** Throws `domain.name_taken`, `limit.reached`. */
  createDomain(wanted: CreateDomainWish): Promise<Outcome<DomainRecord>> {
    return outcomeOf(() => this.#createDomain(wanted));
  }

  async #createDomain(wanted: CreateDomainWish): Promise<DomainRecord> {
    const config = this.#config();
    const tenant = await this.#tenant();
    if ((await this.#deps().control.domainsOf(tenant.id)).length >= LIMITS.domainsPerTenant) {
      throw new AppError("limit.reached", { detail: `a tenant has at most ${LIMITS.domainsPerTenant} domains` });
    }
    const segmentEntries = wanted.segmentEntries ?? LIMITS.segmentEntriesDefault;
    const domain = this.#newDomain(config, { name: wanted.name, kind: "client", segmentEntries });
    const outcome = await this.#do({ kind: "domain", by: wanted.by, domain, tenantDomainId: tenant.tenantDomainId });
    if (outcome === "name_taken") throw new AppError("domain.name_taken");
    // Holds that also cover what is still to come.
    await this.#goOnWithHolds();
    return domain;
  }

  createKey(wanted: CreateKeyWish): Promise<Outcome<IssuedKey>> {
    return outcomeOf(() => this.#createKey(wanted));
  }

  async #createKey(wanted: CreateKeyWish): Promise<IssuedKey> {
    const tenant = await this.#tenant();
    if ((await this.#deps().control.keysOf(tenant.id)).length >= LIMITS.keysPerTenant) {
      throw new AppError("limit.reached", { detail: `a tenant has at most ${LIMITS.keysPerTenant} keys` });
    }
    const { by, ...wish } = wanted;
    const issued = this.#mint(this.#config(), wish);
    await this.#do({ kind: "key", by, key: issued.record, tenantDomainId: tenant.tenantDomainId });
    return issued;
  }

  /** A second revocation changes nothing and answers the first. Throws `resource.not_found`. */
  revokeKey(keyId: string, by: AskedBy): Promise<Outcome<ApiKeyRecord>> {
    return outcomeOf(() => this.#revokeKey(keyId, by));
  }

  async #revokeKey(keyId: string, by: AskedBy): Promise<ApiKeyRecord> {
    const tenant = await this.#tenant();
    const { control } = this.#deps();
    const key = await control.key(keyId);
    if (key?.tenantId !== tenant.id) throw new AppError("resource.not_found");
    if (key.revokedAt !== null) return key;
    const revokedAt = new Date().toISOString();
    const { id: tenantId, tenantDomainId } = tenant;
    await this.#do({ kind: "revocation", by, tenantId, keyId, revokedAt, tenantDomainId });
    return { ...key, revokedAt };
  }

  /** Erases a person from every domain of the tenant, or from none. Throws `subject.held`. */
  eraseEverywhere(call: EraseEverywhereCall): Promise<Outcome<EraseEverywhereResult>> {
    return outcomeOf(() => this.#eraseEverywhere(call));
  }

  async #eraseEverywhere(call: EraseEverywhereCall): Promise<EraseEverywhereResult> {
    this.#deletion.demandNone();
    const tenant = await this.#tenant();
    // A hold that has still to reach a domain counts.
    if (await this.#goOnWithHolds()) throw new AppError("storage.unavailable", { internal: "holds are under way" });
    await this.#finishOlder((job) => job.kind === "erasure");
    const { control, logs } = this.#deps();
    const domainIds = (await control.domainsOf(tenant.id)).map(({ id }) => id);
    return eraseEverywhere(call, {
      domainIds,
      tenantDomainId: tenant.tenantDomainId,
      gate: logs,
      uuid: uuidv7,
      record: (domainId, event, idempotencyKey) => logs.record(domainId, event, idempotencyKey),
      run: (job) => this.#do(job),
    });
  }

  /** Places a legal hold and takes it to every domain concerned. */
  placeHold(wish: HoldWish): Promise<Outcome<DescribedHold>> {
    return outcomeOf(async () => this.#holds.place(wish, await this.#holdDeps()));
  }

  hold(holdId: string): Promise<Outcome<DescribedHold>> {
    return outcomeOf(async () => this.#holds.describe(holdId, await this.#holdDeps()));
  }

  reviewHold(holdId: string, wish: { note: string; reviewAt: string; by: AskedBy }): Promise<Outcome<DescribedHold>> {
    return outcomeOf(async () => this.#holds.review(holdId, wish, await this.#holdDeps()));
  }

  releaseHold(holdId: string, wish: { reason: string; by: AskedBy }): Promise<Outcome<DescribedHold>> {
    return outcomeOf(async () => this.#holds.release(holdId, wish, await this.#holdDeps()));
  }

  holds(): Promise<Outcome<DescribedHold[]>> {
    return outcomeOf(async () => {
      const deps = await this.#holdDeps();
      return Promise.all(this.#holdBook.all().map(({ id }) => this.#holds.describe(id, deps)));
    });
  }

  async #holdDeps(): Promise<HoldDeskDeps> {
    const config = this.#config();
    const tenant = await this.#tenant();
    const own = {
      book: this.#holdBook,
      words: new D1HoldWordsStore(this.env.CONTROL),
      tenantKeys: this.#tenantKeys(config),
      plan: () => void this.ctx.storage.setAlarm(Date.now() + RETRY_MS),
    };
    return holdDeskDeps(this.env, config, this.#deps(), tenant, own);
  }

  /** Never throws. Resolves to whether something is left for the alarm. */
  async #goOnWithHolds(): Promise<boolean> {
    if (this.#holdBook.all().length === 0) return false;
    try {
      return await this.#holds.goOn(await this.#holdDeps());
    } catch (error) {
      console.warn(JSON.stringify({ at: "tenant-desk", fault: isAppError(error) ? error.code : "unknown" }));
      return true;
    }
  }

  #tenantKeys(config: CellConfig): TenantKeyring {
    this.#keyring ??= tenantKeyringFor(this.env, config, this.#tenantId(), {
      tenantKeys: this.#deps().tenantKeys,
      report: async (observation) => this.#keyServices.observed(observation, await this.#keyServiceDeps()),
    });
    return this.#keyring;
  }

  /** Versions of the tenant's key, and how a rotation goes. */
  keys(): Promise<Outcome<TenantKeysView>> {
    return outcomeOf(async () => {
      const { id } = await this.#tenant();
      return tenantKeysView(await this.#deps().tenantKeys.list(id), this.#rotation.book);
    });
  }

  /** Begins the rotation of the tenant's key; the alarm goes on with it. One that is under way stays the one. */
  rotateKey(by: AskedBy): Promise<Outcome<TenantKeysView>> {
    return outcomeOf(async () => {
      this.#deletion.demandNone();
      const { id } = await this.#tenant();
      await this.#rotation.begin(by, await this.#rotationDeps());
      await this.ctx.storage.setAlarm(Date.now());
      return tenantKeysView(await this.#deps().tenantKeys.list(id), this.#rotation.book);
    });
  }

  /** Cron's call: begins what is due by the clock and takes up what an alarm should have done. */
  wake(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      if (this.#deletion.state()) return;
      await this.#rotation.beginWhatIsDue(await this.#rotationDeps());
      const open = this.#rotation.isUnderWay || this.#jobs.all().length > 0;
      if (open || (await this.#goOnWithHolds())) await this.ctx.storage.setAlarm(Date.now());
    });
  }

  /** The tenant's own values of a slot, under its newest secret: words of legal holds, credentials for key services. */
  resealSlot(slot: SlotName): Promise<Outcome<{ values: number; unreadable: number }>> {
    return outcomeOf(async () => {
      const { slots } = this.#config();
      if (slot === "api_credentials") {
        const deps = await this.#keyServiceDeps();
        return this.#keyServices.undisturbed(deps, () => resealCredentials(slots.newest(slot).version, deps));
      }
      if (slot !== "records") return { values: 0, unreadable: 0 };
      const fresh = freshOf(slots, 0);
      const isOld = (sealed: Uint8Array) => isStale(sealed, fresh);
      return { values: await this.#holds.resealWords(isOld, await this.#holdDeps()), unreadable: 0 };
    });
  }

  async #rotationDeps(): Promise<RotationDeps> {
    const config = this.#config();
    const keys = await this.#keyServiceDeps();
    return rotationDeps(this.env, config, this.#deps(), keys, {
      book: this.#rotation.book,
      undisturbed: (run) => this.#keyServices.undisturbed(keys, run),
      clock: this.clock,
      holdsInForce: () => this.#holdBook.all().some((hold) => lastChange(hold).kind !== "released"),
      resealOwn: async (version) => {
        this.#tenantKeys(config).forget();
        const fresh = freshOf(config.slots, version);
        return this.#holds.resealWords((sealed) => isStale(sealed, fresh), await this.#holdDeps());
      },
    });
  }

  /** Never throws. When the alarm has to go on, in milliseconds; null: nothing is left. */
  async #goOnWithRotation(): Promise<number | null> {
    if (!this.#rotation.isUnderWay || this.#deletion.state()) return null;
    const running = this.#rotationDeps().then((deps) => this.#rotation.goOn(deps));
    this.#running.add(running);
    try {
      const left = await running;
      return left === "nothing" ? null : left === "more" ? 0 : RETRY_MS;
    } catch (error) {
      console.warn(JSON.stringify({ at: "tenant-desk", fault: isAppError(error) ? error.code : "unknown" }));
      return RETRY_MS;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Which service wraps the tenant's keys, and which key needs which. */
  keyService(): Promise<Outcome<KeyServiceDescription>> {
    return outcomeOf(async () => this.#keyServices.describe(await this.#keyServiceDeps()));
  }

  /** Throws `key_service.unproven`, `limit.reached`. */
  setKeyService(config: KeyServiceConfig, by: AskedBy): Promise<Outcome<KeyServiceDescription>> {
    return outcomeOf(async () => this.#keyServices.set(config, by, await this.#keyServiceDeps()));
  }

  removeKeyService(by: AskedBy): Promise<Outcome<KeyServiceDescription>> {
    return outcomeOf(async () => this.#keyServices.remove(by, await this.#keyServiceDeps()));
  }

  /** What an object of this tenant has seen of its service. */
  keyServiceObserved(observation: KeyServiceObservation): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#keyServices.observed(observation, await this.#keyServiceDeps()));
  }

  async #keyServiceDeps(): Promise<KeyServiceDeskDeps> {
    const config = this.#config();
    const { id: tenantId, tenantDomainId } = await this.#tenant();
    return {
      ...this.#deps(),
      tenantId,
      tenantDomainId,
      sealer: config.sealer,
      connect: (settings, credentials) => connectKeyService(settings, credentials, { local: config.pinnedTo === null }),
      clock: Date.now,
      uuid: uuidv7,
      run: async (job) => ((await this.#do(job)) === "done" ? "done" : "superseded"),
      finishOlder: () => this.#finishOlder((job) => job.kind.startsWith("key_service_")),
    };
  }

  /** Deletes the tenant with everything that belongs to it. Resolves when nothing can stop it any more. Throws `tenant.held`. */
  requestDeletion(wanted: DeleteTenantWish): Promise<Outcome<DeletionState>> {
    return outcomeOf(async () => {
      if (!this.#deletion.state()) await this.#tenant();
      return this.#deletion.request(this.#tenantId(), wanted, this.#deletionDeps());
    });
  }

  /** How far it is; null when there is none, or none any more. */
  deletion(): Promise<Outcome<DeletionState | null>> {
    return outcomeOf(async () => this.#deletion.state());
  }

  /** Cron's call: takes up what an alarm should have done. */
  continueDeletion(): Promise<Outcome<void>> {
    return outcomeOf(() => this.#deletion.run(this.#deletionDeps()));
  }

  #deletionDeps(): DeletionDeps {
    this.deletionDeps ??= this.realDeletionDeps();
    return this.deletionDeps;
  }

  realDeletionDeps(): DeletionDeps {
    return deletionDeps(this.env, this.#config(), {
      book: this.#deletion.book,
      control: this.#deps().control,
      holdsInForce: () =>
        this.#holdBook
          .all()
          .filter((hold) => lastChange(hold).kind !== "released")
          .map(({ id }) => id),
      finishJobs: async () => {
        while (this.#running.size > 0) await Promise.allSettled(this.#running);
      },
    });
  }

  /** Finishes what a crash or a store that was away has left. Never throws. */
  override async alarm(): Promise<void> {
    if (!this.#deletion.state()) await this.#finishJobs();
    if (this.#deletion.state()) await this.#deletion.run(this.#deletionDeps());
  }

  async #finishJobs(): Promise<void> {
    for (const { id, job } of this.#jobs.all()) {
      try {
        await this.#run(id, job);
      } catch (error) {
        console.warn(
          JSON.stringify({ at: "tenant-desk", job: job.kind, fault: isAppError(error) ? error.code : "unknown" }),
        );
      }
    }
    const holdsLeft = await this.#goOnWithHolds();
    const rotationLeft = await this.#goOnWithRotation();
    const inMs = this.#jobs.all().length > 0 || holdsLeft ? (rotationLeft ?? RETRY_MS) : rotationLeft;
    if (inMs !== null) await this.ctx.storage.setAlarm(Date.now() + inMs);
  }

  /** Written down, run, forgotten. A failure leaves the job to the alarm and tells the caller to look again. */
  async #do(job: Job): Promise<JobOutcome> {
    this.#deletion.demandNone();
    const id = this.#jobs.write(job);
    void this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    return this.#run(id, job);
  }

  /** None begins once the tenant is being deleted: what it would have changed goes with the tenant. */
  async #run(id: number, job: Job): Promise<JobOutcome> {
    this.#deletion.demandNone();
    const running = runJob(job, this.#deps());
    this.#running.add(running);
    try {
      const outcome = await running;
      this.#jobs.finish(id);
      return outcome;
    } finally {
      this.#running.delete(running);
    }
  }

  async #finishOlder(isMeant: (job: Job) => boolean): Promise<void> {
    for (const { id, job } of this.#jobs.all().filter(({ job }) => isMeant(job))) {
      await this.#run(id, job);
    }
  }

  #newDomain(config: CellConfig, wanted: Pick<DomainRecord, "name" | "kind" | "segmentEntries">): DomainRecord {
    const id = makeId("domain", config.jurisdiction, uuidv7());
    return { ...wanted, id, tenantId: this.#tenantId(), createdAt: new Date().toISOString() };
  }

  #mint(config: CellConfig, wanted: { name: string; permissions: Permission[]; expiresAt: string | null }): IssuedKey {
    const { jurisdiction, apiKeyPepper: pepper } = config;
    const context = { jurisdiction, uuid: uuidv7(), pepper, random: randomBytes, nowMs: Date.now() };
    return mintKey({ tenantId: this.#tenantId(), ...wanted }, context);
  }

  async #tenant(): Promise<TenantRecord> {
    this.#deletion.demandNone();
    const tenant = await this.#deps().control.tenant(this.#tenantId());
    if (!tenant) throw new AppError("resource.not_found");
    return tenant;
  }

  #deps(): JobDeps {
    const config = this.#config();
    this.deps ??= {
      jurisdiction: config.jurisdiction,
      control: new D1ControlStore(this.env.CONTROL),
      roots: new R2RootStore(this.env.KEYS),
      keyServices: new D1KeyServiceStore(this.env.CONTROL),
      tenantKeys: new R2TenantKeyStore(this.env.KEYS),
      logs: logGate(this.env, config),
      random: randomBytes,
      shard: FIRST_SHARD,
    };
    return this.deps;
  }

  #tenantId(): string {
    return this.ctx.id.name ?? "";
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }
}
