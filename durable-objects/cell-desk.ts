/** The object of the cell itself: sees to its platform domain, wakes objects whose alarm was lost, knows how full the cell is. */
import { DurableObject } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import type { FinalHead } from "../src/core/deletion-certificate.ts";
import { platformDomainId, platformTenantId } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { FIRST_SHARD } from "../src/core/shards.ts";
import type { SlotName } from "../src/crypto/key-registry.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { ROOT_BYTES } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
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
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { DomainRecord, TenantRecord } from "../src/services/ports.ts";
import { type CellStatus, cellStatus } from "../src/services/status.ts";
import { recordHeads } from "../src/services/witness/platform-heads.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { Deletions } from "./cell-desk/deletions.ts";
import { SqliteHeadBook } from "./cell-desk/head-book.ts";
import { Seen } from "./cell-desk/seen.ts";
import { SlotBook } from "./cell-desk/slot-book.ts";
import { randomBytes } from "./domain-log/random.ts";
import { shardGauges, tenantSweep } from "./domain-log/stores.ts";
import { domainLog, logGate, tenantDesk } from "./gates.ts";
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

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#seen = new Seen(ctx.storage);
    this.#slots = new SlotBook(ctx.storage);
    this.#heads = new SqliteHeadBook(ctx.storage);
    this.#deletions = new Deletions(ctx.storage);
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
    };
    const segmentEntries = LIMITS.segmentEntriesDefault;
    const domain: DomainRecord = { id, tenantId, name: "platform", kind: "platform", segmentEntries, createdAt };
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
        const log = domainLog(this.env, config, id);
        await log.wake();
        this.#seen.domain(id, await log.head());
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

  /** Their signed heads become an entry of the platform's log, as far as they have grown. */
  async #recordHeads(domainIds: readonly string[]): Promise<void> {
    const config = this.#config();
    const platform = platformDomainId(config.jurisdiction);
    const { contradicting } = await recordHeads(domainIds, {
      book: this.#heads,
      platformDomainId: platform,
      checkpoint: (id) => domainLog(this.env, config, id).checkpoint(),
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
