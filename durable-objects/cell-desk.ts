/** The object of the cell itself: sees to its platform domain, wakes objects whose alarm was lost, knows how full the cell is. */
import { DurableObject } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import type { FinalHead } from "../src/core/deletion-certificate.ts";
import { AppError, isAppError } from "../src/core/errors.ts";
import { platformDomainId, platformTenantId } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { FIRST_SHARD } from "../src/core/shards.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { ROOT_BYTES } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import type { FactorAsker, FactorCall, PasswordLogin } from "../src/services/access/factors/calls.ts";
import { codeLookup, mailLookup } from "../src/services/access/people/address.ts";
import type {
  Approver,
  AskedLogin,
  DeviceAnswer,
  LoginWish,
  PeopleCalls,
  SignIn,
} from "../src/services/access/people/calls.ts";
import { STAFF_OWNER } from "../src/services/access/people/secrets.ts";
import type { SessionPrincipal } from "../src/services/access/principal.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { type DeletionRecord, isOverdue, sweepAgain } from "../src/services/deletion/register.ts";
import type { SlotVersion } from "../src/services/keys/slots/calls.ts";
import {
  lookAgain,
  retireSlotStep,
  rotateSlotStep,
  type SlotRotationDeps,
  type SlotRotationView,
} from "../src/services/keys/slots/rotate.ts";
import type { KeptMail, Mail } from "../src/services/mail/mail.ts";
import type { MonitoringCalls } from "../src/services/monitoring/calls.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { Clock, DomainRecord, TenantRecord } from "../src/services/ports.ts";
import { type CellStatus, cellStatus } from "../src/services/status.ts";
import type { AskedBy } from "../src/services/tenancy/jobs.ts";
import { recordHeads } from "../src/services/witness/platform-heads.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { Deletions } from "./cell-desk/deletions.ts";
import { Devices } from "./cell-desk/devices.ts";
import { SqliteHeadBook } from "./cell-desk/head-book.ts";
import { Logins } from "./cell-desk/logins.ts";
import { MailIndex } from "./cell-desk/mail-index.ts";
import { Monitoring } from "./cell-desk/monitoring.ts";
import { Outbox } from "./cell-desk/outbox.ts";
import { Seen } from "./cell-desk/seen.ts";
import { SlotBook } from "./cell-desk/slot-book.ts";
import { Staff } from "./cell-desk/staff.ts";
import { randomBytes } from "./domain-log/random.ts";
import { shardGauges, tenantSweep } from "./domain-log/stores.ts";
import { domainLog, logGate, plannedIn, tenantDesk } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** Domains that one cron run wakes; the next run goes on where it stopped. */
const WAKE_DOMAINS = 50;
/** Likewise desks of tenants: 14,400 of them are seen once a day. */
const WAKE_TENANTS = 50;
/** Deletions that one cron run takes up, and old ones that it looks at again. */
const WAKE_DELETIONS = 20;

export class CellDesk extends DurableObject<CellEnv> {
  readonly #seen: Seen;
  readonly #slots: SlotBook;
  readonly #heads: SqliteHeadBook;
  #walking: Promise<unknown> = Promise.resolve();
  readonly #deletions: Deletions;
  readonly #mailIndex: MailIndex;
  readonly #logins: Logins;
  readonly #devices: Devices;
  readonly #outbox: Outbox;
  readonly #staff: Staff;
  /** `send` is replaced by tests. */
  readonly monitoring: Monitoring;
  /** Replaced by tests. */
  clock: Clock = Date.now;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#seen = new Seen(ctx.storage);
    this.#slots = new SlotBook(ctx.storage);
    this.#heads = new SqliteHeadBook(ctx.storage);
    this.#deletions = new Deletions(ctx.storage);
    this.#mailIndex = new MailIndex(ctx.storage);
    this.#logins = new Logins(ctx.storage);
    this.#devices = new Devices(ctx.storage);
    this.#outbox = new Outbox(ctx.storage);
    this.#staff = new Staff(ctx.storage, {
      env,
      config: () => this.#config(),
      ensurePlatform: () => this.#ensurePlatform(),
      plan: (atMs) => void this.#planBy(atMs),
      countInvitation: (lookup) => this.#logins.countInvitation(lookup, STAFF_OWNER, Date.now()),
      forgetAddress: (lookup) => this.#forgetAddresses([lookup]),
      knowBrowser: (lookup, browserHash) => this.#logins.know(lookup, browserHash, Date.now()),
      clock: () => this.clock(),
    });
    this.monitoring = new Monitoring(ctx.storage, {
      env,
      config: () => this.#config(),
      ensurePlatform: () => this.#ensurePlatform(),
      plan: (atMs) => void this.#planBy(atMs),
      domains: () => this.#seen.domains(),
      clock: () => this.clock(),
    });
  }

  /** Jobs, alerts, probes and backups (src/services/monitoring/calls.ts). */
  monitor(name: keyof MonitoringCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => {
      const call = this.monitoring[name] as (...args: unknown[]) => Promise<unknown>;
      return call.apply(this.monitoring, args as unknown as unknown[]);
    });
  }

  /**
   * Makes the platform domain of the cell when it is missing (decision 12). Create-once in every step, so after a crash
   * the next call does the rest.
   */
  ensurePlatform(): Promise<Outcome<void>> {
    return outcomeOf(() => this.#ensurePlatform());
  }

  async #ensurePlatform(): Promise<void> {
    const config = this.#config();
    if (this.ctx.storage.kv.get("platform_ready")) return;
    const createdAt = new Date().toISOString();
    const id = platformDomainId(config.jurisdiction);
    const tenantId = platformTenantId(config.jurisdiction);
    const { jurisdiction } = config;
    const tenant: TenantRecord = {
      id: tenantId,
      name: "platform",
      jurisdiction,
      tier: "enterprise",
      tenantDomainId: id,
      createdAt,
      settings: {},
    };
    const segmentEntries = LIMITS.segmentEntriesDefault;
    const kind = "platform" as const;
    const domain: DomainRecord = { id, tenantId, name: kind, kind, segmentEntries, createdAt, settings: {} };
    await new R2RootStore(this.env.KEYS).create(tenantId, randomBytes(ROOT_BYTES));
    await new D1ControlStore(this.env.CONTROL).addTenant(tenant, domain, FIRST_SHARD);
    await logGate(this.env, config).create(domain);
    this.ctx.storage.kv.put("platform_ready", true);
  }

  /** Cron's call. Returns how many domains were woken. */
  wakeDomains(): Promise<Outcome<number>> {
    return outcomeOf(() => this.#wakeDomains());
  }

  async #wakeDomains(): Promise<number> {
    const config = this.#config();
    const after = this.ctx.storage.kv.get<string>("woken_through") ?? "";
    const domains = await new D1ControlStore(this.env.CONTROL).domains(after, WAKE_DOMAINS);
    const woken: string[] = [];
    for (const { id, tenantId } of domains) {
      if (this.#deletions.get(tenantId)) continue;
      try {
        await this.#lookAtSchedules(id).catch(() =>
          console.warn(JSON.stringify({ at: "cell-desk", fault: "a schedule was not shown", domain: id })),
        );
        const log = domainLog(this.env, config, id);
        await log.wake();
        const head = await log.head();
        this.#seen.domain(id, head);
        this.monitoring.sawHead(id, head);
        woken.push(id);
      } catch {
        console.warn(JSON.stringify({ at: "cell-desk", fault: "a domain did not wake", domain: id }));
      }
    }
    this.ctx.storage.kv.put("woken_through", domains.length < WAKE_DOMAINS ? "" : (domains.at(-1)?.id ?? ""));
    this.#seen.gauges(await shardGauges(this.env), Date.now());
    await this.#recordHeads(woken).catch(() =>
      console.warn(JSON.stringify({ at: "cell-desk", fault: "heads were not recorded" })),
    );
    return domains.length;
  }

  /** What a domain's objects have planned, before waking them makes good what an alarm missed. */
  async #lookAtSchedules(id: string): Promise<void> {
    const planned = plannedIn(this.env, this.#config());
    this.monitoring.saw({ id, object: "DomainLog", tasks: await planned.ofLog(id) });
    this.monitoring.saw({ id, object: "DomainKeeper", tasks: await planned.ofKeeper(id) });
    this.monitoring.sawExport(id, await planned.lastExport(id));
  }

  /** Their signed heads become an entry of the platform's log, as far as they have grown. */
  async #recordHeads(domainIds: readonly string[]): Promise<void> {
    const config = this.#config();
    const platform = platformDomainId(config.jurisdiction);
    const { contradicting } = await recordHeads(domainIds, {
      book: this.#heads,
      platformDomainId: platform,
      checkpoint: (id) => domainLog(this.env, config, id).checkpoint(),
      growth: async (id, from) => {
        const proof = await domainLog(this.env, config, id).growthProof({ from, to: null });
        return proof && { hashes: proof.hashes, head: proof.checkpoint };
      },
      stop: (id, reason) => domainLog(this.env, config, id).stop(reason),
      record: async (event, key) => {
        await this.#ensurePlatform();
        await logGate(this.env, config).record(platform, event, key);
      },
      sha256,
    });
    for (const { domainId: domain, size } of contradicting) {
      console.error(JSON.stringify({ at: "cell-desk", fault: "a head contradicts the one on record", domain, size }));
    }
  }

  /** Cron's call: desks of tenants, some at a time, so that what is due by the clock begins. Returns how many. */
  wakeTenants(): Promise<Outcome<number>> {
    return outcomeOf(async () => {
      const config = this.#config();
      this.#slots.seen(config.slots, Date.now());
      const after = this.ctx.storage.kv.get<string>("tenants_woken_through") ?? "";
      const tenants = await new D1ControlStore(this.env.CONTROL).tenants(after, WAKE_TENANTS);
      for (const { id } of tenants) {
        await plannedIn(this.env, config)
          .ofDesk(id)
          .then((planned) => this.monitoring.sawDesk(id, planned))
          .catch(() => {});
        await tenantDesk(this.env, config, id)
          .wake()
          .catch(() => console.warn(JSON.stringify({ at: "cell-desk", fault: "a tenant did not wake", tenant: id })));
      }
      const through = tenants.length < WAKE_TENANTS ? "" : (tenants.at(-1)?.id ?? "");
      this.ctx.storage.kv.put("tenants_woken_through", through);
      return tenants.length;
    });
  }

  /** Versions of every slot, and since when the cell has them. */
  slots(): Promise<Outcome<SlotVersion[]>> {
    return outcomeOf(async () => this.#slots.seen(this.#config().slots, Date.now()));
  }

  /** One bounded step of sealing a slot's columns anew; again until it is done. */
  rotateSlot(slot: SlotName): Promise<Outcome<SlotRotationView>> {
    return outcomeOf(() => this.#oneWalk(() => rotateSlotStep(slot, this.#slotDeps())));
  }

  /** Looks once more (`again`), then says which versions may go. */
  retireSlot(slot: SlotName, again: boolean): Promise<Outcome<{ view: SlotRotationView; retired: number[] | null }>> {
    return outcomeOf(() =>
      this.#oneWalk(async () => {
        const deps = this.#slotDeps();
        if (again) lookAgain(slot, deps);
        await rotateSlotStep(slot, deps);
        return retireSlotStep(slot, deps);
      }),
    );
  }

  /** One after the other: two walks at once would overwrite each other's place. */
  #oneWalk<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#walking.then(run);
    this.#walking = turn.catch(() => {});
    return turn;
  }

  #slotDeps(): SlotRotationDeps {
    const config = this.#config();
    const control = new D1ControlStore(this.env.CONTROL);
    return {
      book: this.#slots,
      slots: config.slots,
      platformDomainId: platformDomainId(config.jurisdiction),
      domainsAfter: async (id, limit) => (await control.domains(id, limit)).map((domain) => domain.id),
      tenantsAfter: async (id, limit) => (await control.tenants(id, limit)).map((tenant) => tenant.id),
      log: (domainId) => domainLog(this.env, config, domainId),
      resealTenant: (tenantId, slot) => tenantDesk(this.env, config, tenantId).resealSlot(slot),
      record: async (domainId, event, key) => {
        await this.#ensurePlatform();
        await logGate(this.env, config).record(domainId, event, key);
      },
      clock: Date.now,
      uuid: uuidv7,
    };
  }

  /** How full the cell is: the shards as they are now, the domains as cron last saw them. */
  status(): Promise<Outcome<CellStatus>> {
    return outcomeOf(async () => {
      const { shardLimitBytes } = this.#config();
      const gauges = await shardGauges(this.env);
      return cellStatus(gauges, this.#seen.samples(), this.#seen.domains(), shardLimitBytes, Date.now());
    });
  }

  /** A tenant's deletion, running or over; null: none was asked for. */
  deletion(tenantId: string): Promise<Outcome<DeletionRecord | null>> {
    return outcomeOf(async () => this.#deletions.get(tenantId));
  }

  beginDeletion(tenantId: string, requestedAt: string): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#deletions.begin(tenantId, requestedAt));
  }

  withdrawDeletion(tenantId: string): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#deletions.withdraw(tenantId));
  }

  /** The certificate stays here for good; what cron has seen of the domains goes. */
  finishDeletion(tenantId: string, note: string, heads: FinalHead[]): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#deletions.finish(tenantId, note, heads, new Date().toISOString());
      this.#seen.forget(heads.map(({ domain_id }) => domain_id));
      this.#heads.forget(heads.map(({ domain_id }) => domain_id));
      this.monitoring.forget([tenantId, ...heads.map(({ domain_id }) => domain_id)]);
      this.#forgetAddresses(this.#mailIndex.forget(tenantId));
      this.#logins.forgetTenant(tenantId);
    });
  }

  /** Cron's call: takes up deletions whose alarm was lost, says which are overdue, deletes again what a restore brought back. */
  wakeDeletions(): Promise<Outcome<void>> {
    return outcomeOf(() => this.#wakeDeletions());
  }

  async #wakeDeletions(): Promise<void> {
    const config = this.#config();
    for (const record of this.#deletions.running().slice(0, WAKE_DELETIONS)) {
      const { tenantId: tenant } = record;
      if (isOverdue(record, Date.now())) console.error(JSON.stringify({ at: "cell-desk", fault: "overdue", tenant }));
      await tenantDesk(this.env, config, tenant)
        .continueDeletion()
        .catch(() => console.warn(JSON.stringify({ at: "cell-desk", fault: "a deletion did not wake", tenant })));
    }
    const after = this.ctx.storage.kv.get<string>("swept_through") ?? "";
    const finished = this.#deletions.finished(after, WAKE_DELETIONS);
    for (const record of finished) {
      const came = await sweepAgain(record, tenantSweep(this.env));
      if (came) console.warn(JSON.stringify({ at: "cell-desk", fault: "deleted again", tenant: record.tenantId }));
    }
    const last = finished.length < WAKE_DELETIONS ? "" : (finished.at(-1)?.tenantId ?? "");
    this.ctx.storage.kv.put("swept_through", last);
  }

  /** Who can be reached in a tenant, all of them: whatever is older than what is known changes nothing. */
  setMailIndex(tenantId: string, revision: number, lookups: string[]): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      if (this.#deletions.get(tenantId)?.finished) return;
      this.#forgetAddresses(this.#mailIndex.set(tenantId, revision, lookups));
    });
  }

  #forgetAddresses(lookups: readonly string[]): void {
    const isNobodys = (lookup: string) =>
      this.#mailIndex.tenantsOf(lookup).length === 0 && !this.#staff.hasAddress(lookup);
    for (const lookup of lookups.filter(isNobodys)) this.#logins.forget(lookup);
  }

  /** An invitation of this tenant may go to this address; counted. */
  countInvitation(lookup: string, tenantId: string): Promise<Outcome<boolean>> {
    return outcomeOf(async () => this.#logins.countInvitation(lookup, tenantId, Date.now()));
  }

  /**
   * A wish to sign in by mail. The same for every address, also for one that nobody has: one row, and the alarm does the rest.
   * Throws `storage.unavailable` when too many wait.
   */
  requestLogin({ email, browserHash, device }: AskedLogin): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      const lookup = mailLookup(this.#config().pseudonymPepper, email);
      if (!this.#logins.add({ lookup, browserHash, device, wish: uuidv7() }, Date.now()))
        throw new AppError("storage.unavailable");
      await this.ctx.storage.setAlarm(Date.now());
    });
  }

  /** An address has signed in with this browser: what strangers ask for does not keep its mails back. */
  knowBrowser(lookup: string, browserHash: string): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      if (this.#mailIndex.tenantsOf(lookup).length > 0 || this.#staff.hasAddress(lookup))
        this.#logins.know(lookup, browserHash, Date.now());
    });
  }

  /** Takes wishes to sign in to the objects of the tenants concerned. Never throws; what fails comes again. */
  override async alarm(): Promise<void> {
    const config = this.#config();
    // Page by page, also behind those that fail: one tenant that does not answer holds up nobody else's people.
    for (let page = this.#logins.waiting(Date.now()); page.length > 0; ) {
      for (const { id, ...wish } of page) {
        if (await this.#deliverLogin(wish, config)) this.#logins.finish(id);
        else console.warn(JSON.stringify({ at: "cell-desk", fault: "a wish to sign in has to wait" }));
      }
      page = this.#logins.waiting(Date.now(), page.at(-1)?.id);
    }
    await this.#staff.goOn();
    if (this.#logins.waiting(Date.now()).length > 0) await this.#planBy(Date.now() + LIMITS.mailRetryMs);
    const nextMs = await this.monitoring.goOn();
    if (nextMs !== null) await this.#planBy(nextMs);
  }

  /** To each object that knows the address; whether all of them have taken it. Never throws. */
  async #deliverLogin(wish: LoginWish, config: CellConfig): Promise<boolean> {
    const { lookup } = wish;
    const asks: (() => Promise<unknown>)[] = this.#mailIndex
      .tenantsOf(lookup)
      .map((tenantId) => () => tenantDesk(this.env, config, tenantId).people.requestLogin(wish));
    if (this.#staff.hasAddress(lookup)) asks.push(() => this.#staff.call("requestLogin", [wish] as never));
    let taken = true;
    for (const ask of asks) {
      // In a tenant that is being deleted nobody signs in any more.
      await ask().catch((error: unknown) => {
        if (!isAppError(error) || error.code !== "tenant.deleting") taken = false;
      });
    }
    return taken;
  }

  async #planBy(atMs: number): Promise<void> {
    const planned = await this.ctx.storage.getAlarm();
    if (planned === null || planned > atMs) await this.ctx.storage.setAlarm(Math.max(atMs, Date.now()));
  }

  /** Whose session it is, while it is open; null otherwise. No store but the object's own is asked. */
  staffSession(sessionId: string, staffId: string): Promise<Outcome<SessionPrincipal | null>> {
    return outcomeOf(async () => this.#staff.session(sessionId, staffId));
  }

  /** Whether an address, by its blind key, is this one's of the operator's people. */
  isStaffAddress(lookup: string, staffId: string): Promise<Outcome<boolean>> {
    return outcomeOf(async () => this.#staff.isAddressOf(lookup, staffId));
  }

  /** The operator's people, as src/services/access/people/calls.ts has it of members. */
  staffPeople(name: keyof PeopleCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => this.#staff.call(name, args));
  }

  staffFactors(call: FactorCall): Promise<Outcome<unknown>> {
    return outcomeOf<unknown>(async () => this.#staff.answer(call));
  }

  /** Takes all factors and the password away and ends the sessions. Throws `resource.not_found`. */
  resetStaffFactors(staffId: string, by: AskedBy): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#staff.reset(staffId, by));
  }

  /** Throws `auth.login_failed`, `auth.too_many_tries`. */
  staffLogin(wish: PasswordLogin): Promise<Outcome<SignIn>> {
    return outcomeOf(async () => this.#staff.login(wish));
  }

  setStaffPassword(asker: FactorAsker, password: string): Promise<Outcome<void>> {
    return outcomeOf(async () => this.#staff.setPassword(asker, password));
  }

  /** The platform's object asks: what lies here under its tenant's key or a slot, brought under the present ones. */
  resealStaff(slot: "contact" | "totp_secrets", tenantKeyVersion: number): Promise<Outcome<number>> {
    return outcomeOf(async () => this.#staff.reseal(slot, tenantKeyVersion));
  }

  /** A device that asks to be approved by a person. False: try again with other codes, or later. */
  addDevice(deviceHash: string, userCode: string, device: string): Promise<Outcome<boolean>> {
    return outcomeOf(async () =>
      this.#devices.add(deviceHash, codeLookup(this.#config().pseudonymPepper, userCode), device, Date.now()),
    );
  }

  /** What asks under a code that this session was given; `too_many`: it has tried too many that are none. */
  waitingDevice(userCode: string, sessionId: string): Promise<Outcome<{ device: string } | "too_many" | null>> {
    return outcomeOf(async () => {
      if (!this.#logins.count(`code:${sessionId}`, LIMITS.deviceCodesPerSession, LIMITS.mailWindowMs, Date.now())) {
        return "too_many";
      }
      return this.#devices.waiting(codeLookup(this.#config().pseudonymPepper, userCode), Date.now());
    });
  }

  /** Once; false when nothing waits under this code. `by` null: refused. */
  decideDevice(userCode: string, by: Approver | null): Promise<Outcome<boolean>> {
    return outcomeOf(async () =>
      this.#devices.decide(codeLookup(this.#config().pseudonymPepper, userCode), by, Date.now()),
    );
  }

  pollDevice(deviceHash: string): Promise<Outcome<DeviceAnswer>> {
    return outcomeOf(async () => this.#devices.poll(deviceHash, Date.now()));
  }

  /** Mails of a local run; nothing is kept where mails are sent. */
  keepMail(mail: Mail): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      if (this.#config().pinnedTo === null) this.#outbox.keep(mail, Date.now());
    });
  }

  outbox(): Promise<Outcome<KeptMail[]>> {
    return outcomeOf(async () => this.#outbox.all());
  }

  /** What the platform says about where this object is; null where it names no jurisdiction. */
  async observedJurisdiction(): Promise<string | null> {
    return this.ctx.id.jurisdiction ?? null;
  }

  #config(): CellConfig {
    const config = cellConfig(this.env);
    demandPinned(this.ctx, config);
    return config;
  }
}
