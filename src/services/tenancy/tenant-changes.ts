/**
 * Changes of a tenant's name, settings and tier. Each is one job (`tenant_change` of jobs.ts): the row and the entry that
 * tells of it, or neither. They and whatever takes up room in the tier run one after the other, so that what was counted is
 * still so when it is written; a job that a crash has left is finished first, so that it undoes nothing newer.
 */
import type { ProductAction } from "../../core/actions/product.ts";
import type { Tier } from "../permissions.ts";
import type { TenantChange, TenantRecord } from "../ports.ts";
import { isBelow, type Tiered } from "../tiers.ts";
import { clear } from "./clear-entry.ts";
import type { AskedBy, TenantChangeJob } from "./jobs.ts";
import { type Counted, demandFits } from "./room.ts";
import { jsonOf, type SettingsWish, settingsWith } from "./settings.ts";

export interface UpdateTenantWish {
  name: string | null;
  settings: SettingsWish;
  by: AskedBy;
}

export interface TenantChangeDeps {
  tenant(): Promise<TenantRecord>;
  /** What is there now. */
  counted(tenant: TenantRecord): Promise<Counted>;
  uuid(): string;
  finishOlder(): Promise<void>;
  run(job: TenantChangeJob): Promise<unknown>;
}

export class TenantChanges {
  #turn: Promise<unknown> = Promise.resolve();
  /** What was last decided here; the control database may not say so yet. */
  #tier: Tier | null = null;

  /**
   * With the tier that was decided, `waiting` that of a job which a crash has left. For what takes up room without a turn:
   * asked where it is written, it is counted by the change of the tier, or measured by it.
   */
  asDecided<T extends Tiered>(tenant: T, waiting: Tier | null): T {
    const tier = this.#tier ?? waiting;
    return tier === null ? tenant : { ...tenant, tier };
  }

  /** Runs when nothing else that was given here is under way; never fails for what went before. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(run, run);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Throws `tier.required` for what the tier does not have, `limit.reached` past the product's limits. */
  update({ name, settings: wish, by }: UpdateTenantWish, deps: TenantChangeDeps): Promise<TenantRecord> {
    return this.inTurn(async () => {
      await deps.finishOlder();
      const tenant = await deps.tenant();
      const settings = settingsWith(tenant, wish);
      const change: TenantChange = {
        ...(name === null || name === tenant.name ? {} : { name }),
        ...(JSON.stringify(settings) === JSON.stringify(tenant.settings) ? {} : { settings }),
      };
      // Of a name only that it changed: the entry stays for ever.
      const metadata = {
        changed: Object.keys(change),
        ...(change.settings ? { settings: jsonOf(change.settings) } : {}),
      };
      return this.#write(tenant, change, "tenant.updated", by, metadata, deps);
    });
  }

  /** Throws `limit.reached`, naming everything that the new tier has no room for. */
  changeTier(tier: Tier, by: AskedBy, deps: TenantChangeDeps): Promise<TenantRecord> {
    return this.inTurn(async () => {
      await deps.finishOlder();
      const tenant = await deps.tenant();
      const before = this.#tier;
      // Before anything is counted: who comes from now on is measured by it.
      this.#tier = tier;
      try {
        if (isBelow(tier, tenant.tier)) demandFits(tenant, tier, await deps.counted(tenant));
      } catch (error) {
        this.#tier = before;
        throw error;
      }
      const change = tier === tenant.tier ? {} : { tier };
      return this.#write(tenant, change, "tenant.tier_changed", by, { from: tenant.tier, to: tier }, deps);
    });
  }

  async #write(
    tenant: TenantRecord,
    change: TenantChange,
    action: ProductAction,
    by: AskedBy,
    metadata: Parameters<typeof clear>[3],
    deps: TenantChangeDeps,
  ): Promise<TenantRecord> {
    if (Object.keys(change).length === 0) return tenant;
    const { id: tenantId, tenantDomainId } = tenant;
    const event = clear(action, by, { type: "tenant", id: tenantId }, metadata);
    await deps.run({
      kind: "tenant_change",
      tenantId,
      tenantDomainId,
      change,
      event,
      once: `${action}:${deps.uuid()}`,
    });
    return { ...tenant, ...change };
  }
}
