/** The object of one tenant: its changes, one after the other, each with its entry in the tenant's own log. */
import { DurableObject } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import { AppError, isAppError } from "../src/core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../src/core/event.ts";
import { makeId, platformTenantId } from "../src/core/ids.ts";
import type { KeyServiceConfig } from "../src/core/key-service.ts";
import { LIMITS } from "../src/core/limits.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import type { CellEnv } from "../src/env.ts";
import type { FactorCall } from "../src/services/access/factors/calls.ts";
import type {
  AccessUse,
  AccessUsed,
  AccessWish,
  ApprovalWish,
  DescribedAccess,
} from "../src/services/access/grants/calls.ts";
import type { AccessDesk } from "../src/services/access/grants/desk.ts";
import { mailLookup } from "../src/services/access/people/address.ts";
import type { PeopleCalls } from "../src/services/access/people/calls.ts";
import { deliverMails, tellIndex } from "../src/services/access/people/deliveries.ts";
import type { PeopleDeps } from "../src/services/access/people/deps.ts";
import {
  demandErasable,
  erasePerson,
  preparedInvitation,
  tooManyMails,
} from "../src/services/access/people/membership.ts";
import { callPeople } from "../src/services/access/people/people.ts";
import type { Contact } from "../src/services/access/people/records.ts";
import type { Holding } from "../src/services/access/people/roles.ts";
import { sessionPrincipal } from "../src/services/access/people/sessions.ts";
import type { SessionPrincipal } from "../src/services/access/principal.ts";
import type { DescribedRecovery, RecoverWish, RecoveryDesk } from "../src/services/access/recovery/desk.ts";
import type { SealedWordsDeps } from "../src/services/access/sealed-words.ts";
import type { SsoCalls } from "../src/services/access/sso/calls.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import type { PlannedTask } from "../src/services/dead-man/lateness.ts";
import type { DeletionDeps } from "../src/services/deletion/deletion.ts";
import type { DeletionState } from "../src/services/deletion/state.ts";
import type { EraseEverywhereCall, EraseEverywhereResult } from "../src/services/erasure/calls.ts";
import { eraseEverywhere } from "../src/services/erasure/everywhere.ts";
import { changeEventType, type EventTypeChangeDeps } from "../src/services/event-types/changes.ts";
import { type DescribedHold, HoldDesk, type HoldDeskDeps, type HoldWish } from "../src/services/holds/hold-desk.ts";
import { lastChange } from "../src/services/holds/legal-hold.ts";
import { resealCredentials } from "../src/services/keys/credentials.ts";
import type { KeyServiceDescription } from "../src/services/keys/description.ts";
import { KeyServiceDesk, type KeyServiceDeskDeps } from "../src/services/keys/key-service-desk.ts";
import type { RotationDeps } from "../src/services/keys/rotation/rotate.ts";
import { type TenantKeysView, tenantKeysView } from "../src/services/keys/rotation/view.ts";
import type { TenantKeyring } from "../src/services/keys/tenant-keyring.ts";
import type { KeyServiceObservation } from "../src/services/keys/unwrap.ts";
import type { Mailer } from "../src/services/mail/mail.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import { OWNER_KEY_PERMISSIONS, type Permission, type Tier } from "../src/services/permissions.ts";
import type { ApiKeyRecord, Clock, DomainRecord, ServiceAccountRecord, TenantRecord } from "../src/services/ports.ts";
import type { RetentionCalls } from "../src/services/retention/calls.ts";
import type {
  CreateDomainWish,
  CreateKeyWish,
  CreateServiceAccountWish,
  CreateTenantWish,
  DeleteTenantWish,
  IssuedKey,
  RateLimitsView,
  RateLimitsWish,
  RotatedKey,
  RotateKeyWish,
  ServiceAccountWords,
} from "../src/services/tenancy/calls.ts";
import {
  changeDomainSettings,
  type DomainSettingsDeps,
  type DomainSettingsWish,
} from "../src/services/tenancy/domain-settings.ts";
import { type AskedBy, type Job, type JobDeps } from "../src/services/tenancy/jobs.ts";
import {
  createKey,
  createServiceAccount,
  describeServiceAccount,
  type KeyLifeDeps,
  removeServiceAccount,
  revokeKey,
  rotateKey,
} from "../src/services/tenancy/key-life.ts";
import { type KeyWish, mintKey, PLAIN_KEY } from "../src/services/tenancy/keys.ts";
import { type Counted, countedOf } from "../src/services/tenancy/room.ts";
import { type TenantChangeDeps, TenantChanges, type UpdateTenantWish } from "../src/services/tenancy/tenant-changes.ts";
import { demandRoom } from "../src/services/tiers.ts";
import { D1HoldWordsStore } from "../src/storage/hold-words-store.ts";
import { connectKeyService } from "../src/storage/key-services/connect.ts";
import { controlTimeMs, retainedRejected } from "../src/storage/retained-rejected.ts";
import { jobDeps } from "./desk-wiring.ts";
import { randomBytes } from "./domain-log/random.ts";
import { ledgerAt } from "./domain-log/stores.ts";
import { cellDesk, domainKeeper, domainLog } from "./gates.ts";
import { Factors } from "./people/factors.ts";
import { SqlitePeopleBook } from "./people/people-book.ts";
import { demandPinned } from "./pinning.ts";
import { TenantAccess } from "./tenant-desk/access.ts";
import { TenantDeletion } from "./tenant-desk/deletion.ts";
import { deletionDeps } from "./tenant-desk/deletion-deps.ts";
import { DeskAlarm } from "./tenant-desk/desk-alarm.ts";
import { DeskJobs } from "./tenant-desk/desk-jobs.ts";
import { SqliteHoldBook } from "./tenant-desk/hold-book.ts";
import { holdDeskDeps } from "./tenant-desk/hold-deps.ts";
import { FIRST_WAIT_MS, JobWaits } from "./tenant-desk/job-waits.ts";
import { notifyOwners } from "./tenant-desk/owners.ts";
import { memberDeps, permissionsOfMember } from "./tenant-desk/people.ts";
import { TenantRates } from "./tenant-desk/rates.ts";
import { type ResealOwner, resealOwn, resealSlot } from "./tenant-desk/resealing.ts";
import { type RetentionOwner, TenantRetention } from "./tenant-desk/retention.ts";
import { TenantRotation } from "./tenant-desk/rotation.ts";
import { rotationDeps } from "./tenant-desk/rotation-deps.ts";
import { RoundFaults } from "./tenant-desk/round-faults.ts";
import { TenantSso } from "./tenant-desk/sso.ts";
import { tenantKeyringFor } from "./tenant-keyring.ts";

export class TenantDesk extends DurableObject<CellEnv> {
  readonly #alarm: DeskAlarm;
  readonly #jobs: DeskJobs;
  readonly #keyServices = new KeyServiceDesk();
  readonly #holdBook: SqliteHoldBook;
  readonly #holds = new HoldDesk();
  readonly #rotation: TenantRotation;
  readonly #people: SqlitePeopleBook;
  readonly #factors: Factors;
  readonly sso: TenantSso;
  readonly #access: TenantAccess;
  readonly #rates: TenantRates;
  readonly retention: TenantRetention;
  readonly #changes = new TenantChanges();
  #keyring: TenantKeyring | null = null;
  /** Replaced by tests. */
  clock: Clock = Date.now;
  /** Replaced by tests that make a store fail. */
  deps: JobDeps | null = null;
  /** Replaced by tests whose mail service fails. */
  mailer: Mailer | null = null;
  readonly #deletion: TenantDeletion;
  /** Replaced by tests that make a store fail. */
  deletionDeps: DeletionDeps | null = null;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    const waits = new JobWaits(ctx.storage);
    this.#alarm = new DeskAlarm(ctx.storage, waits, () => this.clock());
    this.#jobs = new DeskJobs(ctx.storage, waits, {
      deps: () => this.#deps(),
      clock: () => this.clock(),
      demandNoDeletion: () => this.#deletion.demandNone(),
      inTurn: (run) => this.#changes.inTurn(run),
      complete: (job) => this.#complete(job),
      planSoon: () => this.#alarm.soon(),
    });
    this.#deletion = new TenantDeletion(ctx.storage);
    this.#rotation = new TenantRotation(ctx.storage);
    this.#factors = new Factors(ctx.storage);
    this.sso = new TenantSso(ctx.storage, this.#factors.tries);
    this.#people = new SqlitePeopleBook(ctx.storage, (personId) => {
      this.#factors.forget(personId);
      this.sso.book.forget(personId);
    });
    this.#access = new TenantAccess(ctx.storage);
    this.#rates = new TenantRates(ctx.storage);
    this.retention = new TenantRetention(ctx.storage);
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
      settings: {},
    };
    const first = { ...PLAIN_KEY, name: "first key", permissions: [...OWNER_KEY_PERMISSIONS], expiresAt: null };
    const issued = this.#mint(config, first);
    this.#access.book.addOperatorMade(issued.record.id);
    const invitation = wanted.owner && (await this.#ownersInvitation(wanted.owner, wanted.by, tenant));
    await this.#jobs.do({ kind: "tenant", by: wanted.by, tenant, domain, key: issued.record }, () => {
      invitation?.write();
      for (const job of invitation?.entries() ?? []) this.#jobs.book.write(job);
    });
    if (invitation) await this.#finishJobs();
    return { tenant, issued };
  }

  /** Throws `tier.required`, `limit.reached`. */
  updateTenant(wanted: UpdateTenantWish): Promise<Outcome<TenantRecord>> {
    return outcomeOf(() => this.#changes.update(wanted, this.#changeDeps()));
  }

  /** Throws `limit.reached` for what the new tier has no room for. */
  changeTier(tier: Tier, by: AskedBy): Promise<Outcome<TenantRecord>> {
    return outcomeOf(() => this.#changes.changeTier(tier, by, this.#changeDeps()));
  }

  counted(): Promise<Outcome<Counted>> {
    return outcomeOf(async () => this.#counted((await this.#tenant()).id));
  }

  async #counted(tenantId: string): Promise<Counted> {
    return countedOf(
      this.#deps().control,
      tenantId,
      { members: this.#people.people().length + this.#people.openInvitations(this.clock()).length },
      this.clock(),
    );
  }

  #changeDeps(): TenantChangeDeps {
    return {
      tenant: () => this.#tenant(),
      counted: ({ id }) => this.#counted(id),
      uuid: uuidv7,
      finishOlder: () => this.#jobs.finishOlder((job) => job.kind === "tenant_change"),
      run: (job) => this.#jobs.do(job),
    };
  }

  /** With the tier that was decided, which the control database may say later. */
  #asDecided(tenant: TenantRecord): TenantRecord {
    const waiting = this.#jobs.book.all().flatMap(({ job }) => (job.kind === "tenant_change" ? [job.change.tier] : []));
    return this.#changes.asDecided(tenant, waiting.findLast((tier) => tier !== undefined) ?? null);
  }

  /** Throws `domain.name_taken`, `limit.reached`, `tier.required`. */
  createDomain(wanted: CreateDomainWish): Promise<Outcome<DomainRecord>> {
    return outcomeOf(() => this.#changes.inTurn(() => this.#createDomain(wanted)));
  }

  async #createDomain(wanted: CreateDomainWish): Promise<DomainRecord> {
    const config = this.#config();
    const tenant = await this.#tenant();
    demandRoom(this.#asDecided(tenant), "domains", (await this.#counted(tenant.id)).domains);
    const segmentEntries = wanted.segmentEntries ?? LIMITS.segmentEntriesDefault;
    const domain = this.#newDomain(config, { name: wanted.name, kind: "client", segmentEntries });
    const outcome = await this.#jobs.do({
      kind: "domain",
      by: wanted.by,
      domain,
      tenantDomainId: tenant.tenantDomainId,
    });
    if (outcome === "name_taken") throw new AppError("domain.name_taken");
    // Holds that also cover what is still to come.
    await this.#goOnWithHolds();
    return domain;
  }

  changeDomainSettings(wish: DomainSettingsWish): Promise<Outcome<DomainRecord>> {
    return outcomeOf(() => this.#changes.inTurn(() => changeDomainSettings(wish, this.#wordDeps("domain_settings"))));
  }

  /** An `EventTypeWish` to an `EventTypeView`: what tenants wrote is too deep for the types of RPC. */
  changeEventType(wish: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(() => this.#changes.inTurn(() => changeEventType(wish, this.#wordDeps("event_type_"))));
  }

  /** For changes of rows that this object alone writes. `kinds`: what their jobs begin with. */
  #wordDeps(kinds: "domain_settings" | "event_type_"): DomainSettingsDeps & EventTypeChangeDeps {
    const { control, eventTypes } = this.#deps();
    return {
      control,
      store: eventTypes,
      tenant: () => this.#tenant(),
      uuid: uuidv7,
      nowIso: () => new Date(this.clock()).toISOString(),
      finishOlder: () => this.#jobs.finishOlder((job) => job.kind.startsWith(kinds)),
      run: (job) => this.#jobs.do(job),
    };
  }

  createKey(wanted: CreateKeyWish): Promise<Outcome<IssuedKey>> {
    return outcomeOf(() => createKey(wanted, this.#keyLife()));
  }

  /** A second revocation changes nothing and answers the first. Throws `resource.not_found`. */
  revokeKey(keyId: string, by: AskedBy): Promise<Outcome<ApiKeyRecord>> {
    return outcomeOf(() => revokeKey(keyId, by, this.#keyLife()));
  }

  rotateApiKey(wish: RotateKeyWish): Promise<Outcome<RotatedKey>> {
    return outcomeOf(() => rotateKey(wish, this.#keyLife()));
  }

  keyLeaked(keyId: string, host: string | null): Promise<Outcome<void>> {
    const by = { type: "system", id: SYSTEM_ACTOR_ID } as const;
    return outcomeOf(async () => {
      // Its keys have ended with it, and whoever reports one learns nothing.
      if (this.#deletion.isBegun) return;
      const people = await this.#peopleDeps();
      const tellOwners = () => notifyOwners("api_key_leaked", people);
      await revokeKey(keyId, by, this.#keyLife(), { host, tellOwners });
      await deliverMails(people);
    });
  }

  createServiceAccount(wish: CreateServiceAccountWish): Promise<Outcome<ServiceAccountRecord>> {
    return outcomeOf(() => createServiceAccount(wish, this.#keyLife()));
  }

  describeServiceAccount(
    id: string,
    words: Partial<ServiceAccountWords>,
    by: AskedBy,
  ): Promise<Outcome<ServiceAccountRecord>> {
    return outcomeOf(() => describeServiceAccount(id, words, by, this.#keyLife()));
  }

  removeServiceAccount(id: string, by: AskedBy): Promise<Outcome<ServiceAccountRecord>> {
    return outcomeOf(() => removeServiceAccount(id, by, this.#keyLife()));
  }

  #keyLife(): KeyLifeDeps {
    const { control, jurisdiction } = this.#deps();
    return {
      jurisdiction,
      control,
      clock: () => this.clock(),
      uuid: uuidv7,
      tenant: () => this.#tenant(),
      demandRoom: async (tenant) => {
        const { api_keys } = await this.#counted(tenant.id);
        demandRoom(this.#asDecided(tenant), "api_keys", api_keys);
      },
      mint: (wish) => this.#mint(this.#config(), wish),
      run: (job, change) => this.#jobs.do(job, change),
      finishOlder: (kinds) => this.#jobs.finishOlder((job) => (kinds as readonly string[]).includes(job.kind)),
      inTurn: (run) => this.#changes.inTurn(run),
      operatorMade: {
        has: (keyId) => this.#access.book.isOperatorMade(keyId),
        add: (keyId) => this.#access.book.addOperatorMade(keyId),
      },
    };
  }

  rateLimits(): Promise<Outcome<RateLimitsView>> {
    return outcomeOf(async () => this.#rates.view(await this.#tenant()));
  }

  setRateLimits(wish: RateLimitsWish): Promise<Outcome<RateLimitsView>> {
    return outcomeOf(async () => this.#rates.set(wish, await this.#tenant(), this.#jobs));
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
    await this.#jobs.finishOlder((job) => job.kind === "erasure");
    demandErasable(call.identityId, this.#people);
    const { control, logs } = this.#deps();
    const domainIds = (await control.domainsOf(tenant.id)).map(({ id }) => id);
    return eraseEverywhere(call, {
      domainIds,
      tenantDomainId: tenant.tenantDomainId,
      gate: logs,
      uuid: uuidv7,
      record: (domainId, event, idempotencyKey) => logs.record(domainId, event, idempotencyKey),
      run: (job) => this.#jobs.do(job, () => erasePerson(call.identityId, { book: this.#people, clock: this.clock })),
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

  requestAccess(wish: AccessWish & { answerWithinMs: number }): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).requestAccess(wish));
  }

  breakGlass(wish: AccessWish): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).breakGlass(wish));
  }

  approveAccess(id: string, wish: ApprovalWish): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).approveAccess(id, wish));
  }

  denyAccess(id: string, by: AskedBy): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).denyAccess(id, by));
  }

  endAccess(id: string, by: AskedBy): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).endAccess(id, by));
  }

  withdrawAccess(id: string, by: AskedBy): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).withdrawAccess(id, by));
  }

  access(id: string, staffId: string | null): Promise<Outcome<DescribedAccess>> {
    return outcomeOf(async () => (await this.#accessDesk()).access(id, staffId));
  }

  accesses(staffId: string | null): Promise<Outcome<DescribedAccess[]>> {
    return outcomeOf(async () => (await this.#accessDesk()).accesses(staffId));
  }

  useAccess(use: AccessUse): Promise<Outcome<AccessUsed>> {
    return outcomeOf(async () => (await this.#accessDesk()).useAccess(use));
  }

  recoverTenant(wish: RecoverWish): Promise<Outcome<DescribedRecovery>> {
    return outcomeOf(async () => (await this.#recoveryDesk()).recoverTenant(wish));
  }

  stopRecovery(by: AskedBy): Promise<Outcome<DescribedRecovery>> {
    return outcomeOf(async () => (await this.#recoveryDesk()).stopRecovery(by));
  }

  withdrawRecovery(by: AskedBy): Promise<Outcome<DescribedRecovery>> {
    return outcomeOf(async () => (await this.#recoveryDesk()).withdrawRecovery(by));
  }

  recoveries(): Promise<Outcome<DescribedRecovery[]>> {
    return outcomeOf(async () => (await this.#recoveryDesk()).recoveries());
  }

  async #accessDesk(): Promise<AccessDesk> {
    const people = await this.#peopleDeps();
    const domainsOfTenant = async () => (await this.#deps().control.domainsOf(people.tenantId)).map(({ id }) => id);
    const isSamePerson = async (staffId: string, memberId: string) => {
      const lookup = this.#people.person(memberId)?.lookup ?? null;
      return lookup === null || cellDesk(this.env, this.#config()).isStaffAddress(lookup, staffId);
    };
    return this.#access.desk({ people, domainsOfTenant, isSamePerson });
  }

  async #recoveryDesk(): Promise<RecoveryDesk> {
    return this.#access.recovery.desk(await this.#peopleDeps());
  }

  #words(): SealedWordsDeps {
    const config = this.#config();
    return { tenantId: this.#tenantId(), sealer: config.sealer, tenantKeys: this.#tenantKeys(config) };
  }

  /** When the clock ends the next access or recovery, in milliseconds from now; null: there is none. */
  async #settleAccess(): Promise<number | null> {
    if (!this.#access.hasOpen) return null;
    const nextMs = [await (await this.#accessDesk()).settle(), await (await this.#recoveryDesk()).settle()];
    const soonestMs = Math.min(...nextMs.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(soonestMs) ? Math.max(soonestMs - this.clock(), 0) : null;
  }

  async #holdDeps(): Promise<HoldDeskDeps> {
    const config = this.#config();
    const tenant = await this.#tenant();
    const own = {
      book: this.#holdBook,
      words: new D1HoldWordsStore(this.env.CONTROL),
      tenantKeys: this.#tenantKeys(config),
      plan: () => this.#alarm.soon(),
    };
    return holdDeskDeps(this.env, config, this.#deps(), tenant, own);
  }

  /** Never throws. Resolves to whether something is left for the alarm. */
  async #goOnWithHolds(): Promise<boolean> {
    try {
      return await this.#holdsLeft();
    } catch (error) {
      console.warn(JSON.stringify({ at: "tenant-desk", fault: isAppError(error) ? error.code : "unknown" }));
      return true;
    }
  }

  async #holdsLeft(): Promise<boolean> {
    return this.#holdBook.all().length > 0 && this.#holds.goOn(await this.#holdDeps());
  }

  #tenantKeys(config: CellConfig): TenantKeyring {
    this.#keyring ??= tenantKeyringFor(this.env, config, this.#tenantId(), {
      tenantKeys: this.#deps().tenantKeys,
      report: async (observation) => this.#keyServices.observed(observation, await this.#keyServiceDeps()),
    });
    return this.#keyring;
  }

  /** Whose session it is, while it is open; null otherwise. No store but the object's own is asked. */
  session(sessionId: string, memberId: string): Promise<Outcome<SessionPrincipal | null>> {
    return outcomeOf(async () => {
      this.#config();
      if (this.#deletion.isBegun) return null;
      const of = { book: this.#people, clock: this.clock, kind: "member", permissions: permissionsOfMember } as const;
      return sessionPrincipal(sessionId, memberId, { ...of, tenantId: this.#tenantId() });
    });
  }

  /** What a member may do by their role; null: they are none, or not any more. */
  memberPermissions(memberId: string): Promise<Outcome<readonly Permission[] | null>> {
    return outcomeOf(async () => {
      this.#config();
      const person = this.#deletion.isBegun ? null : this.#people.person(memberId);
      return person && person.removedAtMs === null ? permissionsOfMember(person) : null;
    });
  }

  /** Members, invitations, logins and sessions: src/services/access/people/calls.ts. */
  people(name: keyof PeopleCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => callPeople(await this.#peopleDeps(), name, args));
  }

  /** The tenant's own identity provider: src/services/access/sso/calls.ts. */
  signInWith(name: keyof SsoCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => this.sso.answer(name, args, await this.#peopleDeps(), this.#config()));
  }

  /** Second factors of members: src/services/access/factors/calls.ts. */
  factors(call: FactorCall): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => this.#factors.answer(call, await this.#peopleDeps()));
  }

  /** Takes all of a member's factors away and ends their sessions. Throws `resource.not_found`, `auth.forbidden`. */
  resetFactors(memberId: string, by: AskedBy, holding: Holding): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#factors.reset(memberId, by, holding, await this.#peopleDeps()));
  }

  /** The tenant's first owner, who is invited together with the tenant's making. Throws `mail.unavailable`, `mail.too_many`. */
  async #ownersInvitation(owner: Contact, by: AskedBy, tenant: TenantRecord) {
    const deps = await this.#peopleDeps(tenant);
    if (!deps.mailer) throw new AppError("mail.unavailable");
    const wish = { ...owner, role: "owner" as const, by, holding: "any" as const };
    if (!(await deps.mayInvite(mailLookup(deps.pepper, owner.email)))) throw tooManyMails();
    return preparedInvitation(wish, deps);
  }

  async #peopleDeps(tenant?: TenantRecord): Promise<PeopleDeps> {
    const config = this.#config();
    return memberDeps(this.env, config, tenant ?? (await this.#tenant()), {
      book: this.#people,
      tenantKeys: this.#tenantKeys(config),
      clock: () => this.clock(),
      mailer: this.mailer,
      asDecided: (its) => this.#asDecided(its),
      commit: (change, entries) => this.#jobs.commit(change, entries),
      plan: (atMs) => void this.#alarm.by(atMs),
    });
  }

  /** When the alarm has to go on, in milliseconds; null: nothing is left. */
  async #goOnWithPeople(): Promise<number | null> {
    const { revision, told } = this.#people.index();
    if (revision === told && this.#people.nextMailAtMs() === null) return null;
    const deps = await this.#peopleDeps();
    await deliverMails(deps);
    await tellIndex(deps);
    const after = this.#people.index();
    if (after.revision !== after.told)
      throw new AppError("storage.unavailable", { internal: "the index of addresses" });
    const mailAtMs = this.#people.nextMailAtMs();
    return mailAtMs === null ? null : Math.max(0, mailAtMs - this.clock());
  }

  /** Policies and runs: src/services/retention/calls.ts. */
  retain(name: keyof RetentionCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => {
      this.#config();
      return this.retention.answer(name, args, this.env, this.#retentionOwner());
    });
  }

  #retentionOwner(): RetentionOwner {
    const { control, retention } = this.#deps();
    return {
      control,
      store: retention,
      tenant: () => this.#tenant(),
      clock: () => this.clock(),
      finishOlder: () => this.#jobs.finishOlder((job) => job.kind === "retention"),
      run: (job) => this.#jobs.do(job),
      inTurn: (run) => this.#changes.inTurn(run),
      holds: () => this.#holdBook.all(),
      describeHold: async (id) => this.#holds.describe(id, await this.#holdDeps()),
      commit: (change, entries) => this.#jobs.commit(change, entries),
      ledger: async (domainId) => ledgerAt(this.env, domainId, await control.shards(domainId)),
      log: (domainId) => domainLog(this.env, this.#config(), domainId),
      retainDomains: (tenantId) => this.#retainDomains(tenantId),
      rejected: (tenantId) => retainedRejected(this.env.CONTROL, tenantId),
      controlTimeMs: () => controlTimeMs(this.env.CONTROL),
      plan: (atMs) => void this.#alarm.by(atMs),
    };
  }

  /** Whoever does not hear it runs by its own alarm. */
  async #retainDomains(tenantId: string): Promise<void> {
    const config = this.#config();
    for (const { id } of await this.#deps().control.domainsOf(tenantId)) {
      await domainKeeper(this.env, config, id)
        .retainSoon()
        .catch(() => {});
    }
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

  /**
   * What is planned, for whoever watches that it happens; asked before `wake` makes good what an alarm missed. `oldestChange`: the oldest
   * that is not finished, by a number that only grows; null: all are.
   */
  planned(): Promise<Outcome<{ oldestChange: number | null; tasks: PlannedTask[] }>> {
    return outcomeOf(async () => {
      const dueMs = this.#deletion.state() ? null : this.retention.book.dueMs();
      const tasks = dueMs === null ? [] : [{ task: "retain", dueMs, failures: 0 }];
      return { oldestChange: this.#jobs.book.oldest(), tasks };
    });
  }

  /** Cron's call: begins what is due by the clock and takes up what an alarm should have done. */
  wake(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      if (this.#deletion.state()) return;
      await this.#rotation.beginWhatIsDue(await this.#rotationDeps());
      await tellIndex(await this.#peopleDeps(), true);
      await this.#factors.tellRest(await this.#peopleDeps());
      const open = this.#rotation.isUnderWay || this.#jobs.book.all().length > 0 || this.#access.hasOpen;
      const due = this.retention.isDue(this.clock(), this.env);
      if (open || due || (await this.#goOnWithHolds())) await this.ctx.storage.setAlarm(Date.now());
    });
  }

  /** The tenant's own values of a slot, under its newest secret: words of legal holds, credentials for key services. */
  resealSlot(slot: SlotName): Promise<Outcome<{ values: number; unreadable: number }>> {
    return outcomeOf(() => resealSlot(slot, this.#resealOwner()));
  }

  #resealOwner(): ResealOwner {
    return {
      slots: this.#config().slots,
      access: this.#access,
      people: this.#people,
      factors: this.#factors,
      sso: this.sso,
      clock: () => this.clock(),
      words: () => this.#words(),
      credentials: async (version) => {
        const deps = await this.#keyServiceDeps();
        return this.#keyServices.undisturbed(deps, () => resealCredentials(version, deps));
      },
      holdWords: async (isOld) => this.#holds.resealWords(isOld, await this.#holdDeps()),
      staff: (slots, version) => this.#resealStaff(slots, version),
    };
  }

  /** The operator's people lie in the object of the cell, under the key of the platform's tenant. */
  async #resealStaff(slots: readonly ("contact" | "totp_secrets")[], tenantKeyVersion: number): Promise<number> {
    const config = this.#config();
    if (this.#tenantId() !== platformTenantId(config.jurisdiction)) return 0;
    const desk = cellDesk(this.env, config);
    let values = 0;
    for (const slot of slots) values += await desk.resealStaff(slot, tenantKeyVersion);
    return values;
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
        return resealOwn(version, this.#resealOwner());
      },
    });
  }

  /** When the alarm has to go on, in milliseconds; null: nothing is left. */
  async #goOnWithRotation(): Promise<number | null> {
    if (!this.#rotation.isUnderWay || this.#deletion.state()) return null;
    const left = await this.#jobs.running(this.#rotationDeps().then((deps) => this.#rotation.goOn(deps)));
    return left === "nothing" ? null : left === "more" ? 0 : FIRST_WAIT_MS;
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
      run: async (job) => ((await this.#jobs.do(job)) === "done" ? "done" : "superseded"),
      finishOlder: () => this.#jobs.finishOlder((job) => job.kind.startsWith("key_service_")),
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
      finishJobs: () => this.#jobs.settled(),
    });
  }

  /** Finishes what a crash or a store that was away has left. Never throws. */
  override async alarm(): Promise<void> {
    this.#alarm.begun();
    if (!this.#deletion.isBegun) await this.#finishJobs();
    if (this.#deletion.state()) await this.#deletion.run(this.#deletionDeps());
  }

  /** One round. Never throws; what failed waits ever longer (tenant-desk/job-waits.ts). */
  async #finishJobs(): Promise<void> {
    const faults = new RoundFaults();
    await this.#jobs.finishDue(faults);
    const waits = [
      await this.#alarm.part("access", () => this.#settleAccess(), faults),
      await this.#alarm.part("holds", async () => ((await this.#holdsLeft()) ? FIRST_WAIT_MS : null), faults),
      await this.#alarm.part("rotation", () => this.#goOnWithRotation(), faults),
      await this.#alarm.part("people", () => this.#goOnWithPeople(), faults),
      await this.#alarm.part("retention", () => this.retention.goOn(this.env, this.#retentionOwner()), faults),
      this.#jobs.nextInMs(),
    ];
    faults.report(this.#jobs.book.count());
    const soonest = Math.min(...waits.map((forMs) => forMs ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(soonest)) await this.#alarm.by(Date.now() + soonest);
  }

  /** A reason joins the entry that tells of it only now: in the object it stands sealed. */
  async #complete(job: Job): Promise<Job> {
    if (job.kind !== "entry" || job.reasonOf === undefined) return job;
    const reason = await this.#access.reason(job.reasonOf, this.#words());
    return reason === null ? job : { ...job, event: { ...job.event, reason } };
  }

  #newDomain(config: CellConfig, wanted: Pick<DomainRecord, "name" | "kind" | "segmentEntries">): DomainRecord {
    const id = makeId("domain", config.jurisdiction, uuidv7());
    return { ...wanted, id, tenantId: this.#tenantId(), createdAt: new Date().toISOString(), settings: {} };
  }

  #mint(config: CellConfig, wanted: KeyWish): IssuedKey {
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
    this.deps ??= jobDeps(this.env, config);
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
