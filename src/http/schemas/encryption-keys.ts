/** Versions of encryption keys and how their rotation goes. Never a byte of a key. */
import { z } from "@hono/zod-openapi";
import { SLOT_NAMES, type SlotName } from "../../crypto/key-registry.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const days = z.number().openapi({ description: "Age in days", example: 12.5 });
export const slotNameSchema = z.enum(SLOT_NAMES as [SlotName, ...SlotName[]]);

export const tenantKeysSchema = z
  .object({
    tenant_id: z.string(),
    rotates_at: instant
      .nullable()
      .openapi({ description: "When the present key is replaced; null: there is none yet" }),
    versions: z.array(
      z.object({
        version: z.int(),
        created_at: instant,
        age_days: days,
        retired_at: instant.nullable(),
        unused_since: instant.nullable().openapi({ description: "Since when nothing is sealed under it" }),
        destroyed_after: instant.nullable().openapi({ description: "Later while a legal hold is in force" }),
        service: z.int().nullable().openapi({ description: "The tenant's own key service that wraps it" }),
      }),
    ),
    rotation: z
      .object({
        id: z.string(),
        kind: z.enum(["rotate", "follow", "retire"]),
        version: z.int(),
        started_at: instant,
        values: z.int().openapi({ description: "Values sealed anew so far" }),
        key_pages: z.int().openapi({ description: "Pages of people's keys sealed anew so far" }),
        unreadable: z.int(),
        domains: z.int(),
        domains_done: z.int(),
        faults: z.array(z.object({ domain_id: z.string(), fault: z.string() })),
      })
      .nullable()
      .openapi({ description: "The rotation that is under way" }),
  })
  .openapi("TenantKeys");

export const keysSchema = z
  .object({
    slots: z
      .array(
        z.object({
          slot: slotNameSchema,
          holds: z.string(),
          versions: z.array(
            z.object({
              version: z.int(),
              newest: z.boolean(),
              seen_since: instant.openapi({ description: "When the cell first met this secret: a secret has no date" }),
              age_days: days,
            }),
          ),
        }),
      )
      .nullable()
      .openapi({ description: "The cell's slots, for its operator" }),
    tenant_keys: tenantKeysSchema.nullable().openapi({ description: "The caller's own tenant" }),
  })
  .openapi("Keys");

export const slotWishSchema = z.strictObject({ slot: slotNameSchema }).openapi("RotateSlot");
export const slotRetirementWishSchema = z
  .strictObject({
    slot: slotNameSchema,
    look_again: z.boolean().optional().openapi({ description: "Begin the last look; afterwards ask without it" }),
  })
  .openapi("RetireSlot");

export const slotRotationSchema = z
  .object({
    slot: slotNameSchema,
    version: z.int().openapi({ description: "What is sealed now is sealed under this" }),
    versions: z.array(z.int()),
    values: z.int(),
    walks: z.int(),
    domains: z.int().openapi({ description: "Domains that the present walk is through with" }),
    unreadable: z.int().openapi({ description: "Stale values that no key opens; they keep the older versions in use" }),
    stuck: z.boolean().openapi({ description: "A whole walk met nothing but such values" }),
    done: z.boolean().openapi({ description: "A whole walk met nothing under an older version" }),
  })
  .openapi("SlotRotation");

export const slotRetirementSchema = slotRotationSchema
  .extend({ retired: z.array(z.int()).nullable().openapi({ description: "Null: not yet, ask again" }) })
  .openapi("SlotRetirement");
