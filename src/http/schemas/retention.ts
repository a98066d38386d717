/** How long things are kept, and what retention removed. */
import { z } from "@hono/zod-openapi";
import { parseDuration } from "../../core/retention/duration.ts";
import { RESOURCE_NAMES } from "../../core/retention/resources.ts";
import { TIERS } from "../../services/permissions.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const count = z.int().min(0).openapi({ example: 25 });

export const durationSchema = z
  .string()
  .max(32)
  .refine((text) => parseDuration(text) !== null, "must be years, months and days as in P7Y, P1Y6M or P90D, or forever")
  .openapi({
    description: "Years, months and days of the calendar in UTC (ISO 8601-1 §5.5.2), or `forever`",
    example: "P1Y",
  });

export const resourceSchema = z
  .enum(RESOURCE_NAMES)
  .openapi({ param: { name: "resource", in: "path" }, example: "sessions" });

const effectiveFrom = z.iso.datetime({ offset: true }).optional().openapi({
  description: "When it begins to hold, at most a year ahead. Without it: now",
  example: "2099-01-01T00:00:00.000Z",
});

export const setRetentionSchema = z
  .strictObject({ duration: durationSchema, effective_from: effectiveFrom })
  .openapi("SetRetention");

export const setDomainRetentionSchema = z
  .strictObject({
    policies: z.strictObject({
      audit_entries: durationSchema
        .nullable()
        .optional()
        .openapi({ description: "`null`: as the tenant's policy says again" }),
      hot_entries: durationSchema.nullable().optional().openapi({ description: "As above", example: "P90D" }),
    }),
    effective_from: effectiveFrom,
  })
  .openapi("SetDomainRetention");

const source = z.enum(["default", "settings", "tenant", "domain"]);

const policySchema = z
  .object({
    resource: z.enum(RESOURCE_NAMES),
    about: z.string().openapi({ example: "Sessions of members, after their end" }),
    counted_from: z.string().openapi({ example: "when it ends by itself" }),
    duration: durationSchema,
    source: source.openapi({
      description: "Whose decision it is: the tier's, `retention_days` of the settings, the tenant's, the domain's own",
    }),
    effective_from: instant.nullable().openapi({ description: "Null: it was never changed" }),
    scheduled: z.array(
      z.object({
        duration: durationSchema.nullable().openapi({ description: "Null: as if nobody had decided" }),
        effective_from: instant,
        source: z.enum(["tenant", "domain"]),
      }),
    ),
    default: durationSchema.openapi({ description: "What the tier says" }),
    least: durationSchema.nullable().openapi({ description: "No policy may be shorter" }),
    longest: durationSchema.openapi({ description: "No policy may be longer in this tier" }),
    changeable: z.boolean(),
    enforced_by: z.enum(["keeper", "desk"]).nullable().openapi({
      description:
        "What lets it go by its alarm: the domain's object or the tenant's. Null: nothing does yet, or nothing of it is stored yet",
    }),
    personal_data: z.string().openapi({ example: "Ids of members" }),
    legal_basis: z.string().openapi({ example: "GDPR Art. 6(1)(f)" }),
  })
  .openapi("RetentionPolicy");

export const retentionSchema = z
  .object({ tenant_id: z.string(), tier: z.enum(TIERS), policies: z.array(policySchema) })
  .openapi("Retention");

export const confirmationSchema = z
  .object({
    duration: durationSchema.openapi({
      description: "How long entries are in the hot store. A policy that is shorter needs another confirmation",
    }),
    kept_for: durationSchema.openapi({ description: "How long they are kept at all. As above" }),
    to_seq: z.int().min(0).openapi({ description: "The dry run named the entries before it", example: 1000 }),
    dry_run_at: instant,
    confirmed_at: instant,
    confirmed_by: z.string().openapi({ example: "key_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" }),
  })
  .openapi("RetentionConfirmation");

export const domainRetentionSchema = z
  .object({
    domain_id: z.string(),
    policies: z.array(policySchema),
    confirmed: confirmationSchema
      .nullable()
      .openapi({ description: "Null: nothing is removed from the log until somebody confirms a dry run" }),
  })
  .openapi("DomainRetention");

const ofResource = {
  resource: z.enum(RESOURCE_NAMES),
  duration: durationSchema,
  before: instant.nullable().openapi({ description: "What is older may go. Null: it is kept for ever" }),
  planned: count.openapi({ description: "Rows that may go" }),
  held: count.openapi({ description: "Rows that a legal hold keeps" }),
};

export const dryRunSchema = z
  .object({ tenant_id: z.string(), at: instant, resources: z.array(z.object(ofResource)) })
  .openapi("RetentionDryRun");

export const runSchema = z
  .object({
    number: z.int().min(1).openapi({ example: 17 }),
    domain_id: z
      .string()
      .nullable()
      .openapi({ description: "Of one domain's entries; null: of what the tenant has beside them" }),
    first_seq: z
      .int()
      .min(0)
      .nullable()
      .openapi({ description: "Of a domain: entries from it on were to leave the hot store" }),
    to_seq: z.int().min(0).nullable().openapi({ description: "Exclusive" }),
    cause: z.enum(["clock", "asked"]),
    by: z.string().nullable().openapi({ description: "Who asked; null: the clock", example: null }),
    status: z.enum(["running", "done", "failed", "refused"]).openapi({
      description:
        "`failed`: something that was to go is still there. `refused`: the clock was not believed, nothing went",
    }),
    fault: z.enum(["clock_ahead", "clock_behind"]).nullable(),
    started_at: instant,
    ended_at: instant.nullable(),
    late_seconds: count.openapi({ description: "How much later than it was due it began" }),
    batches: count,
    planned: count,
    done: count,
    held: count,
    failed: count,
    resources: z.array(
      z.object({
        ...ofResource,
        done: count,
        state: z.enum(["waiting", "done", "failed"]),
        fault: z.string().nullable().openapi({ description: "Code of the last try that failed", example: null }),
      }),
    ),
  })
  .openapi("RetentionRun");

export const runsSchema = z
  .object({ runs: z.array(runSchema), next_cursor: z.string().nullable().openapi({ example: null }) })
  .openapi("RetentionRuns");

export const domainDryRunSchema = z
  .object({
    domain_id: z.string(),
    at: instant,
    duration: durationSchema.openapi({ description: "How long entries are in the hot store" }),
    kept_for: durationSchema.openapi({ description: "How long they are kept at all" }),
    before: instant.nullable().openapi({ description: "Entries recorded before it may go. Null: kept for ever" }),
    expired_before: instant.nullable().openapi({
      description: "What entries recorded before it say goes from every store, segment by segment. Null: nothing does",
    }),
    from_seq: z.int().min(0).openapi({ example: 0 }),
    to_seq: z.int().min(0).openapi({ description: "Exclusive", example: 1000 }),
    entries: count,
    ends_because: z.enum(["policy", "hold", "newest", "archive"]).openapi({
      description:
        "Why the range ends: the next entry is younger, a legal hold begins, it is the newest one (which stays), or it is not archived and under a published checkpoint yet",
    }),
    token: z.string().nullable().openapi({
      description: "Confirms this range. Shown once. Null: the range is empty, there is nothing to confirm",
      example: "c0ffee",
    }),
    token_expires_at: instant.nullable(),
  })
  .openapi("DomainRetentionDryRun");

export const confirmSchema = z
  .strictObject({ token: z.string().min(1).max(128).openapi({ example: "c0ffee" }) })
  .openapi("ConfirmRetention");
