/** What a tenant may set for itself: within its tier, and an enterprise tenant within the product. Pure. */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { TIERS, type Tier } from "../permissions.ts";
import type { TenantRecord } from "../ports.ts";
import {
  demandFeature,
  hasFeature,
  LIMIT_ROWS,
  type LimitName,
  type TenantSettings,
  tierLimits,
  tierRequired,
} from "../tiers.ts";

/** What a tenant wants to set; null: as its tier says again. Locks are set and never taken back. */
export interface SettingsWish {
  retention_days?: number | null | undefined;
  residency_lock?: true | undefined;
  cross_region_prevention?: true | undefined;
  limits?: Partial<Record<LimitName, number | null | undefined>> | undefined;
}

/**
 * The settings afterwards, without what is as the tier says. Throws `tier.required` for what the tier does not have,
 * `limit.reached` past the product's limits, `request.invalid` for a limit that no append of the largest size fits into.
 */
export function settingsWith({ tier, settings }: TenantRecord, wish: SettingsWish): TenantSettings {
  const { limits: own, ...others } = wish;
  for (const lock of ["residency_lock", "cross_region_prevention"] as const) {
    if (wish[lock]) demandFeature(tier, lock);
  }
  const wanted = Object.entries(own ?? {}).filter(([, value]) => typeof value === "number") as [LimitName, number][];
  if (wanted.length > 0) demandFeature(tier, "limit_overrides");
  for (const [name, value] of wanted) demandPossible(name, value, `/settings/limits/${name}`);
  if (typeof wish.retention_days === "number") demandRetention(tier, wish.retention_days);
  const limits = set({ ...settings.limits, ...own });
  return set({ ...settings, ...others, limits: Object.keys(limits).length > 0 ? limits : null });
}

function demandPossible(name: LimitName, value: number, pointer: string): void {
  const { most } = LIMIT_ROWS[name];
  if (name === "events_per_minute" && value < LIMITS.appendEvents) {
    const detail = `must be at least ${LIMITS.appendEvents}, the events that one append may hold`;
    throw new AppError("request.invalid", { errors: [{ pointer, detail }] });
  }
  if (value <= most) return;
  const detail = `the limit ${name} may be at most ${most}`;
  throw new AppError("limit.reached", { detail, errors: [{ pointer, detail }] });
}

/** Shorter than the tier's time for every tier; longer for the one that may set limits of its own. */
function demandRetention(tier: Tier, days: number): void {
  demandPossible("retention_days", days, "/settings/retention_days");
  const included = tierLimits(tier).retention_days;
  if (days <= included || hasFeature(tier, "limit_overrides")) return;
  const higher = TIERS.find((other) => LIMIT_ROWS.retention_days[other] >= days) ?? "enterprise";
  throw tierRequired(
    { tier: higher, limit: "retention_days" },
    `the limit retention_days is ${included}; more comes with`,
  );
}

/** The clear metadata of an entry: numbers and yes. */
export const jsonOf = ({ limits, ...others }: TenantSettings) => ({
  ...others,
  ...(limits ? { limits: { ...limits } } : {}),
});

/** Without what is not set, in one order, so that equal settings are spelled alike. */
function set<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as { [K in keyof T]?: NonNullable<T[K]> };
}
