/** Which policy holds when. Pure; what the enforcers and the API go by. */
import { type Duration, durationOf, nominalDays } from "../../core/retention/duration.ts";
import { defaultOf, RESOURCES, type ResourceName } from "../../core/retention/resources.ts";
import type { Tiered } from "../tiers.ts";
import type { PolicyRow } from "./ports.ts";

/** `settings`: what `retention_days` of the tenant's settings says. */
export type PolicySource = "default" | "settings" | "tenant" | "domain";

export interface EffectivePolicy {
  resource: ResourceName;
  duration: Duration;
  source: PolicySource;
  /** Null: of a default. */
  effectiveFrom: string | null;
  /** Decided and not yet in force, the next first. */
  scheduled: { duration: Duration | null; effectiveFrom: string; source: "tenant" | "domain" }[];
}

/**
 * What holds at `nowMs` for a resource of the tenant, or of one of its domains: the domain's own policy, else the tenant's, else
 * its settings, else the default of its tier. A policy that a lower tier would not allow any more stays as it is: nothing goes
 * earlier because of it.
 */
export function effectivePolicy(
  tenant: Tiered,
  rows: readonly PolicyRow[],
  domainId: string | null,
  resource: ResourceName,
  nowMs: number,
): EffectivePolicy {
  const levels = [
    ...(domainId === null ? [] : [{ source: "domain" as const, of: domainId as string | null }]),
    { source: "tenant" as const, of: null },
  ].map(({ source, of }) => ({ source, rows: rows.filter((row) => row.domainId === of && row.resource === resource) }));
  const scheduled = levels
    .flatMap(({ source, rows: own }) =>
      pending(own, nowMs).map(({ duration, effectiveFrom }) => ({
        duration: duration === null ? null : durationOf(duration),
        effectiveFrom,
        source,
      })),
    )
    .sort((a, b) => Date.parse(a.effectiveFrom) - Date.parse(b.effectiveFrom));
  for (const { source, rows: own } of levels) {
    const row = inForce(own, nowMs);
    if (row?.duration == null) continue;
    return { resource, duration: durationOf(row.duration), source, effectiveFrom: row.effectiveFrom, scheduled };
  }
  const days = resource === "audit_entries" ? tenant.settings.retention_days : undefined;
  const [duration, source] =
    days === undefined ? ([defaultOf(resource, tenant.tier), "default"] as const) : ([{ days }, "settings"] as const);
  return { resource, duration, source, effectiveFrom: null, scheduled };
}

/** How long entries of a domain are hot, and how long what they say is kept at all: never shorter than that. */
export function entryTimes(
  tenant: Tiered,
  rows: readonly PolicyRow[],
  domainId: string,
  nowMs: number,
): { hot: Duration; whole: Duration } {
  const { duration: whole } = effectivePolicy(tenant, rows, domainId, "audit_entries", nowMs);
  const { duration: hot } = effectivePolicy(tenant, rows, domainId, "hot_entries", nowMs);
  return { hot: nominalDays(hot) < nominalDays(whole) ? hot : whole, whole };
}

/** Of one resource's rows at one level. */
const inForce = (rows: readonly PolicyRow[], nowMs: number) =>
  rows.filter((row) => Date.parse(row.effectiveFrom) <= nowMs).sort((a, b) => b.version - a.version)[0];

/** A newer decision that begins no later takes the place of an older one. */
const pending = (rows: readonly PolicyRow[], nowMs: number) =>
  rows.filter(
    (row) =>
      Date.parse(row.effectiveFrom) > nowMs &&
      !rows.some(
        (newer) => newer.version > row.version && Date.parse(newer.effectiveFrom) <= Date.parse(row.effectiveFrom),
      ),
  );

/** Versions of rows that cannot be in force at `nowMs` or later, so that the rows of a resource stay few. */
export function outlived(rows: readonly PolicyRow[], nowMs: number): number[] {
  const groups = Map.groupBy(rows, (row) => `${row.domainId ?? ""} ${row.resource}`);
  const newest = Math.max(0, ...rows.map(({ version }) => version));
  return [...groups.values()].flatMap((own) => {
    const kept = new Set([inForce(own, nowMs), ...pending(own, nowMs)]);
    return own.filter((row) => !kept.has(row) && row.version !== newest).map(({ version }) => version);
  });
}

/** The rows of a resource that wait for their time. */
export const scheduledCount = (
  rows: readonly PolicyRow[],
  domainId: string | null,
  resource: ResourceName,
  nowMs: number,
) =>
  pending(
    rows.filter((row) => row.domainId === domainId && row.resource === resource),
    nowMs,
  ).length;

/** What an answer tells about it beside its policy. */
export const isChangeable = (resource: ResourceName): boolean => RESOURCES[resource].fixed !== true;
