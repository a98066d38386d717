/** How much of what tiers count a tenant has, and whether a tier has room for it. */
import { AppError, type FieldError } from "../../core/errors.ts";
import type { Tier } from "../permissions.ts";
import type { ControlStore, TenantRecord } from "../ports.ts";
import { hasFeature, LIMIT_NAMES, type LimitName, tierLimits } from "../tiers.ts";

/** Limits that are counted at any time; the others are rates and times. */
export const COUNTED = ["domains", "api_keys", "members"] as const satisfies readonly LimitName[];
export type Counted = Record<(typeof COUNTED)[number], number>;

/** `inObject`: what the tenant's object knows itself. Costs two reads of the control database. */
export async function countedOf(
  control: Pick<ControlStore, "domainsOf" | "keysOf">,
  tenantId: string,
  inObject: Pick<Counted, "members">,
  nowMs: number,
): Promise<Counted> {
  const [domains, keys] = await Promise.all([control.domainsOf(tenantId), control.keysOf(tenantId)]);
  const live = keys.filter((key) => key.revokedAt === null && !(Date.parse(key.expiresAt ?? "") <= nowMs));
  return { domains: domains.filter(({ kind }) => kind === "client").length, api_keys: live.length, ...inObject };
}

/** Throws `limit.reached`, naming everything that the tier has no room for. Locks stay: what was promised is kept in every tier. */
export function demandFits({ settings }: TenantRecord, tier: Tier, counted: Counted): void {
  const included = tierLimits(tier);
  const errors: FieldError[] = COUNTED.filter((name) => counted[name] > included[name]).map((name) => ({
    pointer: "/tier",
    detail: `${name}: ${counted[name]} are there, the tier ${tier} includes ${included[name]}`,
  }));
  if (!hasFeature(tier, "limit_overrides")) {
    const own = LIMIT_NAMES.filter((name) => settings.limits?.[name] !== undefined);
    if (own.length > 0) errors.push({ pointer: "/tier", detail: `limits of the tenant's own: ${own.join(", ")}` });
    if ((settings.retention_days ?? 0) > included.retention_days) {
      errors.push({
        pointer: "/tier",
        detail: `retention_days: ${settings.retention_days} is set, the tier ${tier} includes ${included.retention_days}`,
      });
    }
  }
  if (errors.length === 0) return;
  throw new AppError("limit.reached", { detail: errors.map(({ detail }) => detail).join("; "), errors });
}
