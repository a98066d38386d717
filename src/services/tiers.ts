/**
 * What each tier includes: one table of features and limits, published at `GET /v1/tiers`. A refusal names what was asked for
 * and the least tier that has it. What the law gives to people, and the log itself, is in every tier (S0-37).
 */
import { AppError, type Needs } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import { TIERS, type Tier } from "./permissions.ts";

interface FeatureRow {
  says: string;
  /** The least tier that has it. */
  from: Tier;
}

const FEATURES_TABLE = {
  audit_log: { from: "free", says: "A tamper-evident log, its signed checkpoints and the proof of each entry" },
  gdpr: { from: "free", says: "Erasure with a certificate, pseudonyms, legal holds, pinning to one jurisdiction" },
  dsar: { from: "free", says: "Answers to people who ask for their own: access, portability, erasure" },
  retention: { from: "free", says: "Retention policies, within the longest time of the tier" },
  exports: { from: "team", says: "Export bundles: many entries as one archive that verifies itself" },
  residency_lock: { from: "enterprise", says: "The promise never to move, as an entry of the tenant's own log" },
  cross_region_prevention: {
    from: "enterprise",
    says: "The promise that nothing of the tenant is processed outside its jurisdiction, as an entry of its own log",
  },
  limit_overrides: { from: "enterprise", says: "Limits of the tenant's own, up to those of the product" },
} as const satisfies Record<string, FeatureRow>;

export type Feature = keyof typeof FEATURES_TABLE;
export const FEATURES: Readonly<Record<Feature, FeatureRow>> = FEATURES_TABLE;
export const FEATURE_NAMES = Object.keys(FEATURES_TABLE) as [Feature, ...Feature[]];

interface LimitRow extends Record<Tier, number> {
  says: string;
  /** What `settings.limits` may set it to at most. */
  most: number;
}

const DAY_7_YEARS = 2557;

const LIMITS_TABLE = {
  domains: {
    says: "Domains of the tenant, without the reserved one",
    ...{ free: 3, pro: 10, team: 50, enterprise: 250 },
    most: LIMITS.domainsPerTenant - 1,
  },
  api_keys: {
    says: "API keys that are neither revoked nor expired",
    ...{ free: 5, pro: 20, team: 100, enterprise: 500 },
    most: LIMITS.keysPerTenant,
  },
  members: {
    says: "Members and open invitations",
    ...{ free: 3, pro: 10, team: 50, enterprise: 500 },
    most: LIMITS.membersPerTenant,
  },
  requests_per_minute: {
    says: "Requests a minute of one API client, or of one person",
    ...{ free: 60, pro: 600, team: 6000, enterprise: 600_000 },
    most: LIMITS.requestsPerMinute,
  },
  events_per_minute: {
    says: "Events a minute that one API client appends",
    ...{ free: 1000, pro: 30_000, team: 300_000, enterprise: 3_000_000 },
    most: LIMITS.eventsPerMinute,
  },
  retention_days: {
    says: "The longest time that entries stay readable in the hot store",
    // Seven years with their leap days.
    ...{ free: 90, pro: 365, team: 365, enterprise: DAY_7_YEARS },
    most: LIMITS.retentionDays,
  },
} as const satisfies Record<string, LimitRow>;

export type LimitName = keyof typeof LIMITS_TABLE;
export type TierLimits = Readonly<Record<LimitName, number>>;
export const LIMIT_ROWS: Readonly<Record<LimitName, LimitRow>> = LIMITS_TABLE;
export const LIMIT_NAMES = Object.keys(LIMITS_TABLE) as [LimitName, ...LimitName[]];

/** What a tenant has set for itself. What is not there is as its tier says. */
export interface TenantSettings {
  retention_days?: number;
  /** One way: a promise that could be taken back would be none. */
  residency_lock?: true;
  cross_region_prevention?: true;
  /** Needs the feature `limit_overrides`. */
  limits?: Partial<Record<LimitName, number>>;
}

export interface Tiered {
  tier: Tier;
  settings: TenantSettings;
}

export const hasFeature = (tier: Tier, feature: Feature): boolean => !isBelow(tier, FEATURES[feature].from);

/** What the tier includes. */
export function tierLimits(tier: Tier): TierLimits {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMIT_ROWS[name][tier]])) as Record<LimitName, number>;
}

/** What holds for a tenant: its tier's limits, with its own in their place. */
export function limitsOf({ tier, settings }: Tiered): TierLimits {
  const included = tierLimits(tier);
  return { ...included, retention_days: settings.retention_days ?? included.retention_days, ...settings.limits };
}

/** Throws `tier.required`, naming the least tier that has the feature. */
export function demandFeature(tier: Tier, feature: Feature): void {
  if (hasFeature(tier, feature)) return;
  throw tierRequired({ tier: FEATURES[feature].from, feature }, `the feature ${feature} comes with`);
}

/**
 * That there is room for one more where `used` are there. Throws `tier.required` when a higher tier has more of it,
 * `limit.reached` when none has.
 */
export function demandRoom(tenant: Tiered, limit: LimitName, used: number): void {
  const included = limitsOf(tenant)[limit];
  if (used < included) return;
  const higher = TIERS.find((tier) => isBelow(tenant.tier, tier) && LIMIT_ROWS[limit][tier] > included);
  const reached = `the limit ${limit} is ${included}`;
  if (higher) throw tierRequired({ tier: higher, limit }, `${reached}; more comes with`);
  throw new AppError("limit.reached", { detail: reached });
}

export function tierRequired(needs: Needs & { tier: Tier }, before: string): AppError {
  return new AppError("tier.required", { detail: `${before} the tier ${needs.tier}`, needs });
}

export const isBelow = (tier: Tier, other: Tier): boolean => TIERS.indexOf(tier) < TIERS.indexOf(other);
