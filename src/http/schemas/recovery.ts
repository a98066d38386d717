/** Recoveries of a tenant, as they are asked for and shown. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { EMAIL_CHARS, EMAIL_PATTERN } from "../../services/access/people/address.ts";
import { RECOVERY_STATES } from "../../services/access/recovery/recovery.ts";
import { reasonSchema } from "./access.ts";
import { line } from "./identity.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-22T09:14:03.221Z" });

export const recoverTenantSchema = z
  .strictObject({
    reason: reasonSchema.openapi({
      description: "Why, for the tenant to read; kept sealed, and in the tenant's log",
      example: "The only owner has left; the managing director asked in writing on 20 November",
    }),
    owner: z
      .strictObject({
        email: z.string().max(EMAIL_CHARS).regex(EMAIL_PATTERN, "must be an e-mail address"),
        name: line(LIMITS.nameChars),
      })
      .openapi({ description: "Who is to be invited as owner; kept sealed, and forgotten when it is over" }),
  })
  .openapi("RecoverTenant");

export const recoverySchema = z
  .object({
    id: z.string(),
    state: z.enum(RECOVERY_STATES),
    reason: z.string().nullable(),
    owner: z.object({ email: z.string(), name: z.string() }).nullable(),
    requested_at: instant,
    requested_by: z.string(),
    works_at: instant.openapi({ description: "When the invitation goes out unless the tenant has stopped it" }),
    closed_at: instant.nullable(),
    closed_by: z.string().nullable(),
    invitation_id: z.string().nullable(),
  })
  .openapi("Recovery");
