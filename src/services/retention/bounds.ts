/** How long, and how short, a policy may make things live: what the resource says, and what the tenant's plan includes. */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Duration, durationOf, formatDuration, isPossible, nominalDays } from "../../core/retention/duration.ts";
import { RESOURCES, type ResourceName } from "../../core/retention/resources.ts";
import { TIERS, type Tier } from "../permissions.ts";
import { hasFeature, isBelow, LIMIT_ROWS, type Tiered, tierLimits } from "../tiers.ts";

/** The longest that a policy of the tenant may say; `forever` where nothing bounds it. */
export function longestOf(tenant: Tiered, resource: ResourceName): Duration {
  const { most, byTier } = RESOURCES[resource];
  if (most !== null) return durationOf(most);
  if (!byTier || hasFeature(tenant.tier, "limit_overrides")) return "forever";
  // Of the plan, not of what the tenant has set below it.
  return { days: tierLimits(tenant.tier).retention_days };
}

/**
 * Throws `limit.reached` naming the bound, with the least tier that has more where one has; `request.invalid` for what no policy
 * may say of this resource.
 */
export function demandAllowed(tenant: Tiered, resource: ResourceName, duration: Duration, pointer: string): void {
  const { least, fixed } = RESOURCES[resource];
  if (fixed) throw refused(pointer, `how long ${resource} are kept is said where they are made`);
  if (least !== null && nominalDays(duration) < nominalDays(durationOf(least))) {
    throw refused(pointer, `${resource} are kept for ${least} at least`);
  }
  const longest = longestOf(tenant, resource);
  if (nominalDays(duration) > nominalDays(longest)) throw tooLong(tenant.tier, resource, longest, duration, pointer);
  if (!isPossible(duration, LIMITS.retentionDays)) {
    throw refused(pointer, `must be at most ${LIMITS.retentionDays} days, or forever`);
  }
}

const refused = (pointer: string, detail: string) => new AppError("request.invalid", { errors: [{ pointer, detail }] });

function tooLong(tier: Tier, resource: ResourceName, longest: Duration, wanted: Duration, pointer: string): AppError {
  const limit = RESOURCES[resource].byTier ? "retention_days" : resource;
  const higher = RESOURCES[resource].byTier
    ? TIERS.find(
        (other) =>
          isBelow(tier, other) &&
          (hasFeature(other, "limit_overrides") || LIMIT_ROWS.retention_days[other] >= nominalDays(wanted)),
      )
    : undefined;
  const more = higher ? `; more comes with the tier ${higher}` : "";
  const detail = `the limit ${limit} is ${formatDuration(longest)}${more}`;
  return new AppError("limit.reached", {
    detail,
    errors: [{ pointer, detail }],
    ...(higher ? { needs: { tier: higher, limit } } : {}),
  });
}
