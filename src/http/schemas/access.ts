/** Access of the operator's people to a tenant: as it is asked for, answered and shown. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { ACCESS_STATES } from "../../services/access/grants/grant.ts";
import { READABLE_BY_STAFF } from "../../services/access/grants/readable.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const seconds = (minMs: number, maxMs: number) =>
  z
    .int()
    .min(minMs / 1000)
    .max(maxMs / 1000);
const inDomain = z.string().regex(idPattern("domain"), "must be a domain id");
const permissions = z.array(z.enum(READABLE_BY_STAFF)).min(1).max(READABLE_BY_STAFF.length);
const domainIds = z.array(inDomain).min(1).max(LIMITS.domainsPerTenant);
const domains = z.union([z.literal("all"), domainIds]);

export const reasonSchema = z
  .string()
  .trim()
  .min(LIMITS.accessReasonChars, `must say why, in at least ${LIMITS.accessReasonChars} characters`)
  .max(LIMITS.reasonChars)
  .regex(/^[^\p{Cc}]*$/u, "must not contain control characters");

export const accessIdSchema = z
  .string()
  .regex(idPattern("accessGrant"), "must be the id of an access")
  .openapi({ param: { name: "accessId", in: "path" }, example: "acc_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

const wish = {
  reason: reasonSchema.openapi({
    description: "Why, for the tenant to read; kept sealed, and in the tenant's log",
    example: "Ticket 4711: the export of 12 November lacks entries",
  }),
  permissions: permissions.openapi({
    description: "What of reading; `entry.reveal` is granted only by an approval that names it",
  }),
  domains: domains.openapi({ description: "Of which domains; `all`: of every one, and the tenant's settings" }),
};

export const requestAccessSchema = z
  .strictObject({
    ...wish,
    duration_seconds: seconds(LIMITS.accessMinMs, LIMITS.accessMs).openapi({
      description: "How long from the approval on; at most 8 hours",
      example: 3600,
    }),
    answer_within_seconds: seconds(LIMITS.accessMinMs, LIMITS.accessAnswerMaxMs).optional().openapi({
      description: "Without an answer the request times out after this; 24 hours when it is left out, at most 7 days",
    }),
  })
  .openapi("RequestAccess");

export const breakGlassSchema = z
  .strictObject({
    ...wish,
    duration_seconds: seconds(LIMITS.accessMinMs, LIMITS.breakGlassMs).openapi({
      description: "How long from now on; at most 4 hours",
      example: 3600,
    }),
  })
  .refine(({ permissions }) => !permissions.includes("entry.reveal"), {
    path: ["permissions"],
    message: "what is private needs an approval",
  })
  .openapi("BreakGlass");

export const approveAccessSchema = z
  .strictObject({
    permissions: permissions
      .optional()
      .openapi({ description: "Less than was asked for. Left out: all of it, except `entry.reveal`" }),
    domains: domainIds.optional().openapi({ description: "Fewer than were asked for" }),
    duration_seconds: seconds(LIMITS.accessMinMs, LIMITS.accessMs)
      .optional()
      .openapi({ description: "Shorter than was asked for" }),
  })
  .openapi("ApproveAccess");

const reach = {
  permissions: z.array(z.enum(READABLE_BY_STAFF)),
  domains: z.union([z.literal("all"), z.array(z.string())]),
};

export const accessSchema = z
  .object({
    id: z.string(),
    kind: z.enum(["request", "break_glass"]),
    state: z.enum(ACCESS_STATES),
    staff_id: z.string().openapi({ description: "Whose it is; nobody else can use it" }),
    reason: z.string().nullable(),
    asked: z.object({ ...reach, duration_seconds: z.int() }),
    answer_by: instant.nullable(),
    granted: z.object({ ...reach, from: instant, until: instant }).nullable(),
    first_used_at: instant.nullable(),
    changes: z.array(
      z.object({
        kind: z.enum([...ACCESS_STATES, "break_glass", "used"]),
        at: instant,
        by: z.string(),
      }),
    ),
  })
  .openapi("Access");
