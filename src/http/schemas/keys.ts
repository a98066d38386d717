/** What the API answers and takes about the life of keys, service accounts and rate limits. */
import { z } from "@hono/zod-openapi";
import { API_KEY_PATTERN } from "../../core/api-key.ts";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { apiKeySchema, issuedKeySchema, label, words } from "./resources.ts";

const instant = z.string().openapi({ format: "date-time" });

export const serviceAccountIdSchema = z
  .string()
  .regex(idPattern("serviceAccount"), "must be the id of a service account")
  .openapi({ param: { name: "serviceAccountId", in: "path" }, example: "svc_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

export const rotateKeySchema = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(LIMITS.keyOverlapS)
      .openapi({ description: "How long the old key goes on working beside the new one" }),
  })
  .openapi("RotateApiKey");

export const rotatedKeySchema = z.object({ api_key: issuedKeySchema, replaced: apiKeySchema }).openapi("RotatedApiKey");

export const createServiceAccountSchema = z
  .strictObject({ name: label.openapi({ example: "billing export" }), description: words.optional() })
  .openapi("CreateServiceAccount");

export const describeServiceAccountSchema = z
  .strictObject({ name: label.optional(), description: words.nullable().optional() })
  .openapi("DescribeServiceAccount");

export const serviceAccountSchema = z
  .object({
    id: z.string(),
    tenant_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    created_at: instant,
    removed_at: instant.nullable(),
  })
  .openapi("ServiceAccount");

export const serviceAccountWithKeysSchema = serviceAccountSchema
  .extend({ keys: z.array(apiKeySchema) })
  .openapi("ServiceAccountWithKeys");

export const leakSchema = z
  .strictObject({
    key: z.string().regex(API_KEY_PATTERN, "must be spelled like an API key, see /v1/key-format"),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .optional()
      .openapi({
        description: "Where it was found. Of it the host alone is kept, sealed.",
      }),
  })
  .openapi("LeakReport");

export const keyFormatSchema = z
  .object({
    api_key: z.object({ prefix: z.string(), pattern: z.string() }),
    operator_secret: z.object({ prefix: z.string(), pattern: z.string() }),
    checksum: z.string(),
    report: z.string(),
  })
  .openapi("KeyFormat");

const quota = z
  .strictObject({
    per_minute: z.int().min(1),
    burst: z.int().min(1).openapi({ description: "The most at once; it comes back at `per_minute`" }),
  })
  .openapi("Quota");
const quotas = z.strictObject({ requests: quota.optional(), events: quota.optional() });
const allQuotas = z.object({ requests: quota, events: quota });

export const rateSettingsSchema = z
  .strictObject({
    keys: quotas.optional().openapi({ description: "Each API key by itself" }),
    members: quotas.optional().openapi({ description: "Each person by themselves" }),
    tenant: quotas.optional().openapi({ description: "Everybody of the tenant together" }),
    clients: z
      .array(
        quotas.extend({
          id: z.union([z.string().regex(idPattern("apiKey")), z.string().regex(idPattern("member"))]),
        }),
      )
      .max(LIMITS.rateLimitedClients)
      .refine((clients) => new Set(clients.map(({ id }) => id)).size === clients.length, "names a client twice")
      .optional()
      .openapi({ description: "Single keys and members, instead of what all of their kind have" }),
  })
  .openapi("RateSettings");

const shares = z.object({ keys: allQuotas, members: allQuotas, tenant: allQuotas });

export const rateLimitsSchema = z
  .object({
    in_force: shares.openapi({ description: "What holds, without the limits of single clients" }),
    set: rateSettingsSchema.openapi({ description: "What the tenant has set; what is absent is as the tier says" }),
    most: shares.openapi({ description: "The most that the tier allows to set" }),
  })
  .openapi("RateLimits");
