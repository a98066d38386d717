/**
 * How fast clients may ask (S1-24): what a tier has (src/services/tiers.ts), and what a tenant has made of it. Requests and
 * appended events are counted apart. A tenant sets its limits within those of its tier; a lower tier takes back by itself
 * what is above it.
 */
import { AppError } from "../../core/errors.ts";
import type { Rate } from "../../core/gcra.ts";
import { LIMITS } from "../../core/limits.ts";
import { TIERS } from "../permissions.ts";
import { isBelow, limitsOf, type Tiered, type TierLimits, tierLimits, tierRequired } from "../tiers.ts";

export const BUCKETS = ["requests", "events"] as const;
export type Bucket = (typeof BUCKETS)[number];
export interface Quota {
  perMinute: number;
  /** The most at once; after it the bucket fills again at `perMinute`. */
  burst: number;
}
export type Quotas = Readonly<Record<Bucket, Quota>>;

/** Whose: each API key by itself, each person by themselves, everybody of the tenant together. */
export const SHARES = ["keys", "members", "tenant"] as const;
export type Share = (typeof SHARES)[number];
export type ShareQuotas = Readonly<Record<Share, Quotas>>;

/** What a tenant has set. What is absent is as the tier says. */
export interface RateSettings {
  readonly keys?: Partial<Quotas> | undefined;
  readonly members?: Partial<Quotas> | undefined;
  readonly tenant?: Partial<Quotas> | undefined;
  /** Single keys and members, instead of what all of their kind have. */
  readonly clients?: readonly ({ id: string } & { [bucket in Bucket]?: Quota | undefined })[] | undefined;
}

/** A tenant has so many times what one of its clients has: no client alone uses up what the others need. */
const CLIENTS_PER_TENANT = 4;

/** Of those who show no credential, by what they ask for. A minute. */
export const ASKER_QUOTAS = {
  /** Signing in: links, codes, passwords, devices. */
  auth: { perMinute: 30, burst: 20 },
  /** Devices that ask whether they are approved: each every five seconds, several behind one address. */
  polls: { perMinute: 120, burst: 60 },
  leaks: { perMinute: 12, burst: 20 },
  /** Downloads by a link; each part of one that is fetched in parts counts. */
  downloads: { perMinute: 300, burst: 100 },
} as const satisfies Record<string, Quota>;
export type AskerPolicy = keyof typeof ASKER_QUOTAS;

export const rateOf = ({ perMinute, burst }: Quota): Rate => ({ perSecond: perMinute / 60, burst });

/** The most that may be set, and what holds where nothing is: a minute's worth at once, then as it comes. */
export function mostOf({ requests_per_minute, events_per_minute }: TierLimits): ShareQuotas {
  const quotas = (clients: number): Quotas => ({
    requests: { perMinute: requests_per_minute * clients, burst: requests_per_minute * clients },
    events: { perMinute: events_per_minute * clients, burst: events_per_minute * clients },
  });
  return { keys: quotas(1), members: quotas(1), tenant: quotas(CLIENTS_PER_TENANT) };
}

/** What holds for all of a kind. */
export function quotasOf(tenant: Tiered, settings: RateSettings): ShareQuotas {
  const most = mostOf(limitsOf(tenant));
  const of = (share: Share): Quotas => ({
    requests: least(settings[share]?.requests, most[share].requests),
    events: least(settings[share]?.events, most[share].events),
  });
  return { keys: of("keys"), members: of("members"), tenant: of("tenant") };
}

/** What holds for one client. */
export function clientQuota(clientId: string, bucket: Bucket, tenant: Tiered, settings: RateSettings): Quota {
  const share = shareOf(clientId);
  const own = settings.clients?.find(({ id }) => id === clientId)?.[bucket];
  return least(own ?? settings[share]?.[bucket], mostOf(limitsOf(tenant))[share][bucket]);
}

/** Who is not a key is a person. */
export const shareOf = (clientId: string): "keys" | "members" => (clientId.startsWith("key_") ? "keys" : "members");

function least(own: Quota | undefined, most: Quota): Quota {
  if (!own) return most;
  return { perMinute: Math.min(own.perMinute, most.perMinute), burst: Math.min(own.burst, most.burst) };
}

/**
 * That the tenant's tier has all of this, and that an append of the largest size fits. Throws `tier.required`,
 * `limit.reached`, `request.invalid`.
 */
export function demandWithinTier(tenant: Tiered, settings: RateSettings): void {
  for (const { share, at, own } of wishesOf(settings)) {
    for (const bucket of BUCKETS) {
      const wish = own[bucket];
      if (!wish) continue;
      if (bucket === "events" && wish.burst < LIMITS.appendEvents) {
        const detail = `must be at least ${LIMITS.appendEvents}, the events that one append may hold`;
        throw new AppError("request.invalid", { errors: [{ pointer: `${at}/events/burst`, detail }] });
      }
      const wanted = Math.max(wish.perMinute, wish.burst);
      const most = mostOf(limitsOf(tenant))[share][bucket].perMinute;
      if (wanted <= most) continue;
      const limit = `${bucket}_per_minute` as const;
      const reached = `${at}/${bucket}: your ${limit} allow ${most} here`;
      const enough = TIERS.find((tier) => mostOf(tierLimits(tier))[share][bucket].perMinute >= wanted);
      if (enough && isBelow(tenant.tier, enough))
        throw tierRequired({ tier: enough, limit }, `${reached}; more comes with`);
      throw new AppError("limit.reached", { detail: reached });
    }
  }
}

function wishesOf({ clients = [], ...shares }: RateSettings) {
  return [
    ...SHARES.map((share) => ({ share, at: `/${share}`, own: shares[share] ?? {} })),
    ...clients.map((own, i) => ({ share: shareOf(own.id), at: `/clients/${i}`, own })),
  ];
}
