/** Legal holds, as they are placed and shown. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { RESOURCE_NAMES } from "../../core/retention/resources.ts";
import { askedFilterFields, partsSchema } from "./entry-filter.ts";
import { identityId } from "./identity.ts";

const instant = z.string().openapi({ format: "date-time", example: "2027-05-21T00:00:00.000Z" });
const words = z
  .string()
  .min(1)
  .max(LIMITS.reasonChars)
  .regex(/^[^\p{Cc}]*$/u, "must not contain control characters");
const seq = z.int().min(0);
const inDomain = z.string().regex(idPattern("domain"), "must be a domain id");

/** What a hold by query asks for, and where. */
export const heldQuery = z
  .strictObject({
    ...askedFilterFields,
    all_domains: z.boolean().optional().openapi({ description: "In every domain, also those that are still to come" }),
    domains: z.array(inDomain).max(LIMITS.holdQueryDomains).optional(),
  })
  .refine(({ q, filter }) => q !== undefined || filter !== undefined, "must ask for something: `q`, `filter` or both")
  .refine(
    ({ all_domains, domains = [] }) => (all_domains === true) !== domains.length > 0,
    "must name domains, or `all_domains`",
  )
  .openapi({
    description:
      "Entries that it asks for, those that are there and those that come later; kept sealed. Times such as `-7d` count from the placement",
  });

export const holdIdSchema = z
  .string()
  .regex(idPattern("legalHold"), "must be the id of a legal hold")
  .openapi({ param: { name: "holdId", in: "path" }, example: "hld_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

export const placeHoldSchema = z
  .strictObject({
    reason: words.openapi({ description: "Why; kept sealed", example: "Litigation Acme ./. Example, 3 O 112/26" }),
    owner: z
      .string()
      .min(1)
      .max(LIMITS.nameChars)
      .regex(/^[^\p{Cc}]*$/u, "must not contain control characters")
      .optional()
      .openapi({ description: "Who answers for it; kept sealed. Without it: the key that placed it" }),
    review_at: z.iso.datetime({ offset: true }).openapi({ description: "When somebody has to look at it again" }),
    scope: z
      .strictObject({
        all_domains: z
          .boolean()
          .optional()
          .openapi({ description: "Every domain of the tenant, also those that are still to come" }),
        domains: z.array(inDomain).max(LIMITS.domainsPerTenant).optional().openapi({ description: "Whole domains" }),
        ranges: z
          .array(
            z.strictObject({
              domain_id: inDomain,
              from: seq,
              to: seq.optional().openapi({ description: "Without it: the newest entry" }),
            }),
          )
          .max(LIMITS.holdRanges)
          .optional(),
        people: z
          .array(identityId)
          .max(LIMITS.holdPeople)
          .optional()
          .openapi({ description: "Identity ids; kept sealed. They are held in every domain of the tenant" }),
        resources: z
          .array(z.enum(RESOURCE_NAMES))
          .max(RESOURCE_NAMES.length)
          .optional()
          .openapi({ description: "What the tenant has beside its logs, wholly, before which retention stops" }),
        query: heldQuery.optional(),
      })
      .refine(
        ({ all_domains, domains = [], ranges = [], people = [], resources = [], query }) =>
          all_domains === true ||
          query !== undefined ||
          domains.length + ranges.length + people.length + resources.length > 0,
        "must name something",
      ),
  })
  .openapi("PlaceLegalHold");

export const previewHoldSchema = z.strictObject({ query: heldQuery }).openapi("PreviewLegalHold");

export const holdPreviewSchema = z
  .object({
    entries: z.int().min(0).openapi({ description: "That the hold would cover now" }),
    exact: z.boolean().openapi({ description: "False: there are at least so many" }),
    domains: z.array(
      z.object({
        domain_id: z.string(),
        entries: z.int().min(0),
        exact: z.boolean(),
        searchable_through: z.int().min(-1).openapi({ description: "Seq of the newest entry that was counted" }),
      }),
    ),
  })
  .openapi("LegalHoldPreview");

export const reviewHoldSchema = z
  .strictObject({ note: words, review_at: z.iso.datetime({ offset: true }) })
  .openapi("ReviewLegalHold");

export const releaseHoldSchema = z.strictObject({ reason: words }).openapi("ReleaseLegalHold");

export const holdSchema = z
  .object({
    id: z.string(),
    status: z.enum(["placing", "active", "releasing", "released"]).openapi({
      description:
        "`active` only when every domain concerned has confirmed. A domain that has confirmed already holds meanwhile.",
    }),
    reason: z.string().nullable().openapi({ description: "Null: a restored database lacks the words" }),
    owner: z.string().nullable(),
    placed_at: instant,
    placed_by: z.string(),
    review_at: instant,
    released_at: instant.nullable(),
    scope: z.object({
      all_domains: z.boolean(),
      domains: z.array(z.string()),
      ranges: z.array(z.object({ domain_id: z.string(), from: seq, to: seq })),
      people: z.array(z.string()).nullable().openapi({ description: "Null after the release" }),
      resources: z.array(z.enum(RESOURCE_NAMES)),
      query: z
        .object({
          q: z
            .string()
            .nullable()
            .openapi({ description: "In the language; null when it was asked as fields, or is lost" }),
          filter: partsSchema.nullable(),
          all_domains: z.boolean(),
          domains: z.array(z.string()),
        })
        .nullable()
        .openapi({ description: "What it asks for goes with the release" }),
    }),
    changes: z.array(
      z.object({
        change: z.int(),
        kind: z.enum(["placed", "reviewed", "released"]),
        at: instant,
        by: z.string(),
        review_at: instant,
        note: z.string().nullable(),
        correlation_id: z.string(),
      }),
    ),
    domains: z.array(
      z.object({
        domain_id: z.string(),
        confirmed: z.boolean(),
        fault: z.string().nullable().openapi({ description: "Why this domain has not confirmed yet" }),
      }),
    ),
  })
  .openapi("LegalHold");
