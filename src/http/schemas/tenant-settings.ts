import { z } from "@hono/zod-openapi";
import { TIERS } from "../../services/permissions.ts";
import { LIMIT_NAMES, type LimitName } from "../../services/tiers.ts";
import { label } from "./resources.ts";

/** `retention_days` has a place of its own. */
type OwnLimit = Exclude<LimitName, "retention_days">;
const OWN_LIMITS = LIMIT_NAMES.filter((name) => name !== "retention_days");
const own = z.int().min(1).nullable().optional();
const limits = z
  .strictObject(Object.fromEntries(OWN_LIMITS.map((name) => [name, own])) as Record<OwnLimit, typeof own>)
  .openapi({ description: "Limits of the tenant's own; enterprise. `null`: as the tier says again" });
const lock = z.literal(true).optional();

export const updateTenantSchema = z
  .strictObject({
    name: label.optional(),
    settings: z
      .strictObject({
        retention_days: z.int().min(1).nullable().optional().openapi({
          description: "What retention policies start from. Nothing is removed by this alone. `null`: as the tier says",
        }),
        residency_lock: lock.openapi({
          description:
            "The promise never to move, as an entry of the tenant's log; enterprise. Every tenant is pinned for life; this says so where auditors read. Never taken back",
        }),
        cross_region_prevention: lock.openapi({
          description:
            "The promise that nothing of the tenant is processed outside its jurisdiction, likewise; enterprise",
        }),
        limits: limits.optional(),
      })
      .optional(),
  })
  .openapi("UpdateTenant");

export const changeTierSchema = z.strictObject({ tier: z.enum(TIERS) }).openapi("ChangeTier");

const used = z.object({
  limit: z.enum(LIMIT_NAMES),
  used: z.int().nullable().openapi({ description: "null: a rate or a time, which is not counted" }),
  included: z.int(),
});

export const usageSchema = z
  .object({
    tenant_id: z.string(),
    tier: z.enum(TIERS),
    entries: z.int().openapi({ description: "Recorded in all its domains, as the queryable copy has them" }),
    limits: z.array(used),
  })
  .openapi("Usage");
