/** What the deletion of a tenant takes and answers. */
import { z } from "@hono/zod-openapi";
import { DELETION_PHASES } from "../../services/deletion/state.ts";
import { tenantIdSchema } from "./resources.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const deleteTenantSchema = z
  .strictObject({
    confirm: tenantIdSchema.openapi({ param: {}, description: "The tenant's id once more" }),
    request_reference: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}$/, "must be a reference: letters, digits and . _ : / # -")
      .optional()
      .openapi({
        description: "The operator's own reference; it stays in the log and in the certificate",
        example: "DEL-2026-114",
      }),
  })
  .openapi("DeleteTenant");

export const finalHeadSchema = z
  .object({
    domain_id: z.string(),
    size: z.int().openapi({ description: "Entries that the domain had" }),
    entry_hash: hash.nullable().openapi({ description: "Entry hash of the last one" }),
    genesis: hash.nullable().openapi({ description: "Previous hash of entry 0" }),
    recorded_at: instant.nullable(),
  })
  .openapi("FinalHead");

export const tenantDeletionSchema = z
  .object({
    tenant_id: z.string(),
    status: z.enum(["deleting", "deleted"]),
    phase: z.enum(DELETION_PHASES).nullable().openapi({ description: "What is being done now; null when it is over" }),
    requested_at: instant,
    due_at: instant.openapi({ description: "It is over by then" }),
    overdue: z.boolean(),
    deleted_at: instant.nullable(),
    certificate: z
      .object({
        note: z.string().openapi({
          description: "C2SP signed note, `moonseal/deletion-certificate/v1`, by the cell's log key",
        }),
        heads: z.array(finalHeadSchema).openapi({ description: "The note holds the digest of these" }),
      })
      .nullable(),
  })
  .openapi("TenantDeletion");
