/** The object of the cell itself: sees to its platform domain, wakes objects whose alarm was lost, knows how full the cell is. */
import { DurableObject } from "cloudflare:workers";
import { platformDomainId, platformTenantId } from "../src/core/ids.ts";
import { LIMITS } from "../src/core/limits.ts";
import { FIRST_SHARD } from "../src/core/shards.ts";
import { ROOT_BYTES } from "../src/crypto/tenant-keys.ts";
import type { CellEnv } from "../src/env.ts";
import { type CellConfig, cellConfig } from "../src/services/cell-config.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { DomainRecord, TenantRecord } from "../src/services/ports.ts";
import { type CellStatus, cellStatus } from "../src/services/status.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { R2RootStore } from "../src/storage/root-store.ts";
import { Seen } from "./cell-desk/seen.ts";
import { randomBytes } from "./domain-log/random.ts";
import { shardGauges } from "./domain-log/stores.ts";
import { domainLog, logGate } from "./gates.ts";
import { demandPinned } from "./pinning.ts";

/** Domains that one cron run wakes; the next run goes on where it stopped. */
const WAKE_DOMAINS = 50;

export class CellDesk extends DurableObject<CellEnv> {
  readonly #seen: Seen;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#seen = new Seen(ctx.storage);
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
    for (const { id } of domains) {
      try {
        const log = domainLog(this.env, config, id);
        await log.wake();
        this.#seen.domain(id, await log.head());
      } catch {
        console.warn(JSON.stringify({ at: "cell-desk", fault: "a domain did not wake", domain: id }));
      }
    }
    this.ctx.storage.kv.put("woken_through", domains.length < WAKE_DOMAINS ? "" : (domains.at(-1)?.id ?? ""));
    this.#seen.gauges(await shardGauges(this.env), Date.now());
    return domains.length;
  }

  /** How full the cell is: the shards as they are now, the domains as cron last saw them. */
  status(): Promise<Outcome<CellStatus>> {
    return outcomeOf(async () => {
      const { shardLimitBytes } = this.#config();
      const gauges = await shardGauges(this.env);
      return cellStatus(gauges, this.#seen.samples(), this.#seen.domains(), shardLimitBytes, Date.now());
    });
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
