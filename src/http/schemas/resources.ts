/** What the API answers and takes, besides events. Shared with the client through `z.infer`. */
import { z } from "@hono/zod-openapi";
import { idPattern, JURISDICTIONS } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseNetwork } from "../../services/access/networks.ts";
import { PERMISSION_NAMES, ROLES, TIERS } from "../../services/permissions.ts";
import { LIMIT_NAMES } from "../../services/tiers.ts";
import { ownerSchema } from "./people.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .openapi({ description: "SHA-256, lower-case hex" });
const seq = z.int().min(0).openapi({ description: "0-based index in the domain", example: 42 });

export const tenantIdSchema = z
  .string()
  .regex(idPattern("tenant"), "must be a tenant id")
  .openapi({
    param: { name: "tenantId", in: "path" },
    example: "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
  });
export const domainIdSchema = z
  .string()
  .regex(idPattern("domain"), "must be a domain id")
  .openapi({
    param: { name: "domainId", in: "path" },
    example: "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
  });
export const keyIdSchema = z
  .string()
  .regex(idPattern("apiKey"), "must be a key id")
  .openapi({
    param: { name: "keyId", in: "path" },
    example: "key_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
  });

export const label = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}@]+$/u, "must not contain control characters or @: a label is no place for personal data");

/** A line or two about a thing. */
export const words = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}@]+$/u, "must not contain control characters or @: this is no place for personal data");

export const tenantSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    jurisdiction: z.enum(JURISDICTIONS),
    tier: z.enum(TIERS),
    tenant_domain_id: z.string().openapi({ description: "The tenant's reserved domain: what happens at tenant level" }),
    created_at: instant,
    settings: z
      .object({
        retention_days: z.int().optional(),
        residency_lock: z.literal(true).optional(),
        cross_region_prevention: z.literal(true).optional(),
        limits: z.partialRecord(z.enum(LIMIT_NAMES), z.int()).optional(),
      })
      .openapi({ description: "What the tenant has set for itself; what is not there is as its tier says" }),
  })
  .openapi("Tenant");

export const domainSchema = z
  .object({
    id: z.string(),
    tenant_id: z.string(),
    name: z.string(),
    kind: z.enum(["client", "tenant", "platform"]),
    jurisdiction: z.enum(JURISDICTIONS),
    segment_entries: z.int().openapi({ description: "Entries of one archive object" }),
    created_at: instant,
  })
  .openapi("Domain");

export const apiKeySchema = z
  .object({
    id: z.string(),
    tenant_id: z.string(),
    name: z.string(),
    permissions: z.array(z.enum(PERMISSION_NAMES)),
    created_at: instant,
    expires_at: instant.nullable(),
    revoked_at: instant.nullable(),
    description: z.string().nullable(),
    allowed_networks: z.array(z.string()).nullable().openapi({ description: "Null: it may be used from anywhere" }),
    service_account_id: z.string().nullable(),
    replaces: z.string().nullable().openapi({ description: "The key whose place it took by rotation" }),
    last_used_at: instant.nullable().optional().openapi({
      description: "Right to within a minute. Null: never; absent: not known at the moment",
    }),
  })
  .openapi("ApiKey");

export const issuedKeySchema = apiKeySchema
  .extend({ key: z.string().openapi({ description: "The key itself. Shown in this answer and never again." }) })
  .openapi("IssuedApiKey");

export const createTenantSchema = z
  .strictObject({
    name: label.openapi({ example: "Acme" }),
    jurisdiction: z.enum(JURISDICTIONS).openapi({ description: "For life; there is no way to change it" }),
    tier: z.enum(TIERS),
    owner: ownerSchema.optional().openapi({ description: "Is invited by mail as the first owner" }),
  })
  .openapi("CreateTenant");

export const createdTenantSchema = z
  .object({ tenant: tenantSchema, api_key: issuedKeySchema })
  .openapi("CreatedTenant");

export const createDomainSchema = z
  .strictObject({
    name: label.openapi({ example: "production" }),
    segment_entries: z.int().min(1).max(LIMITS.segmentEntriesMax).optional(),
  })
  .openapi("CreateDomain");

export const createKeySchema = z
  .strictObject({
    name: label.openapi({ example: "ingest" }),
    permissions: z
      .array(z.enum(PERMISSION_NAMES, { error: "is no permission; GET /v1/permissions lists them" }))
      .min(1)
      .max(PERMISSION_NAMES.length),
    expires_at: z.iso.datetime({ offset: true }).optional(),
    description: words.optional(),
    allowed_networks: z
      .array(
        z.string().refine((text) => parseNetwork(text) === text, {
          error:
            "must be a network in its shortest spelling with no bit behind the prefix, as 192.0.2.0/24 or 2001:db8::/32",
        }),
      )
      .min(1)
      .max(LIMITS.networksPerKey)
      .optional()
      .openapi({
        description: "IPv4 and IPv6 networks (CIDR). From anywhere else the key answers like one that does not exist.",
        example: ["192.0.2.0/24"],
      }),
    service_account_id: z.string().regex(idPattern("serviceAccount")).optional(),
  })
  .openapi("CreateApiKey");

export const receiptSchema = z
  .object({
    seq,
    id: z.string(),
    entry_hash: hash,
    prev_hash: hash,
    recorded_at: instant,
    replayed: z.literal(true).optional().openapi({ description: "This event was recorded before, under the same id" }),
    suppressed: z.literal(true).optional().openapi({
      description:
        "Somebody in the event was erased: the entry names their pseudonym, and nothing else was stored about them",
    }),
    dropped: z.array(z.string()).optional().openapi({
      description:
        "JSON Pointers of the private values that were not stored because they are about somebody who was erased",
    }),
    redacted: z.array(z.string()).optional().openapi({
      description: "JSON Pointers of the clear values that the domain's guard replaced, as in `[redacted:email]`",
    }),
  })
  .openapi("Receipt");

export const appendAnswerSchema = z
  .object({
    domain_id: z.string(),
    receipts: z.array(receiptSchema).openapi({ description: "One for each event, in the order of the request" }),
    replicated: z
      .boolean()
      .openapi({ description: "Whether the queryable copy holds them too (`Prefer: wait=replicated`)" }),
    evidence: z.string().openapi({
      description: "URI template: where the file that proves each entry will be, within a second",
      example: "/v1/domains/dom_eu_…/audit/entries/{seq}/evidence",
    }),
    idempotency_expires_at: instant.optional(),
  })
  .openapi("AppendAnswer");

export const entrySchema = z
  .object({
    seq,
    id: z.string(),
    prev_hash: hash,
    entry_hash: hash,
    payload: z.union([z.record(z.string(), z.unknown()), z.string()]).openapi({
      description: "The entry as JSON; with `payload=text` the exact canonical text that was hashed",
    }),
  })
  .openapi("Entry");

export const entryPageSchema = z
  .object({
    entries: z.array(entrySchema),
    next_cursor: z.string().nullable(),
    has_more: z.boolean(),
    first_seq: seq.optional().openapi({
      description:
        "There when the question reaches below it: the first entry whose payload is kept; those before are gone by policy",
    }),
  })
  .openapi("EntryPage");

const witnessSchema = z
  .object({
    name: z.string(),
    verifier_key: z.string(),
    independent: z.boolean().openapi({ description: "Run by somebody else than the operator, as the operator says" }),
    witnessed_size: z.int(),
    witnessed_at: instant.nullable(),
    lag: z.int().openapi({ description: "Entries that it has not seen yet" }),
    last_failure: z.object({ at: instant, code: z.string() }).nullable(),
  })
  .openapi("Witness");

export const headSchema = z
  .object({
    domain_id: z.string(),
    size: z.int().openapi({ description: "Entries in the log; the last one has seq size-1" }),
    entry_hash: hash.openapi({ description: "Entry hash of the last entry" }),
    recorded_at: instant,
    genesis: hash.openapi({ description: "Previous hash of entry 0" }),
    copied_size: z.int().openapi({ description: "Entries that the queryable copy (D1) holds" }),
    first_hot_seq: z.int().openapi({
      description:
        "First entry that the queryable copy holds: those before were pruned, and the archive has their payloads",
    }),
    first_kept_seq: z.int().openapi({
      description: "First entry whose payload is kept: of those before, hashes and tiles remain",
    }),
    indexed_size: z
      .int()
      .nullable()
      .openapi({ description: "Entries that queries find; null: the queryable copy does not answer now" }),
    archived_size: z.int().openapi({ description: "Entries that the archive (R2) holds" }),
    signed_size: z.int().openapi({ description: "Entries under a signed checkpoint" }),
    mirrored_size: z.int().openapi({ description: "Entries whose tree the archive (R2) serves" }),
    witnesses: z.array(witnessSchema).openapi({ description: "Who cosigns the checkpoints of this log" }),
    backlog_entries: z.int(),
    backlog_bytes: z.int(),
    oldest_uncopied_at: instant.nullable(),
    oldest_unarchived_at: instant
      .nullable()
      .openapi({ description: "Since when the archive (R2) lacks entries; null: it has all" }),
    status: z.enum(["running", "stopped"]),
    stopped_reason: z.string().nullable(),
  })
  .openapi("Head");

export const verificationSchema = z
  .object({
    domain_id: z.string(),
    verdict: z.enum(["verified", "refuted", "incomplete"]).openapi({
      description: "`incomplete`: nothing wrong so far; ask again with `cursor` to go on",
    }),
    from: seq,
    to: seq.openapi({ description: "Last seq of the run: what was asked for, at most the head" }),
    verified_through: z.int().min(-1).openapi({ description: "Last seq that was recomputed without a fault" }),
    first_seq: seq.openapi({
      description: "First entry of the run that could be recomputed: the payloads of those before are gone by policy",
    }),
    entries: z.int().openapi({ description: "Entries recomputed so far, over all requests of this run" }),
    progress: z.number().min(0).max(1),
    first_bad_seq: seq.nullable(),
    fault: z.string().nullable().openapi({ example: "entry_hash_mismatch" }),
    detail: z.string().nullable(),
    not_checked: z.array(z.string()).openapi({ description: "What this verdict does not say" }),
    next_cursor: z.string().nullable(),
  })
  .openapi("Verification");

const observedSchema = z.object({ observed: z.string(), how: z.string(), observed_at: instant.nullable() });

export const residencySchema = z
  .object({
    cells: z.array(
      z.object({
        jurisdiction: z.enum(JURISDICTIONS),
        durable_objects: observedSchema,
        databases: z.record(z.string(), observedSchema),
        buckets: z.record(z.string(), observedSchema),
        signer: z.string().openapi({ description: "Verifier key of the note" }),
        note: z.string().openapi({ description: "The report as a C2SP signed note" }),
      }),
    ),
  })
  .openapi("Residency");

export const cellStatusSchema = z
  .object({
    jurisdiction: z.enum(JURISDICTIONS),
    shards: z.array(
      z.object({
        shard: z.string(),
        bytes: z.int(),
        limit_bytes: z.int(),
        used: z.number().openapi({ description: "Share of the limit" }),
        warning: z.boolean().openapi({ description: "At 70 % of the limit" }),
        entries_left: z.int().nullable().openapi({ description: "Entries that still fit, by the size of those there" }),
        days_left: z.number().nullable().openapi({ description: "At the rate since `rate_since`" }),
        rate_since: instant.nullable(),
      }),
    ),
    domains: z.int().openapi({ description: "Domains that cron has seen; the figures below are theirs, as last seen" }),
    entries: z.int(),
    backlog_entries: z.int(),
    backlog_bytes: z.int(),
    oldest_uncopied_at: instant.nullable(),
    stopped_domains: z.array(z.string()),
  })
  .openapi("CellStatus");

export const principalSchema = z
  .object({
    kind: z.enum(["api_key", "operator", "member", "staff"]),
    jurisdiction: z.enum(JURISDICTIONS),
    tenant_id: z.string().nullable(),
    key_id: z.string().nullable(),
    service_account_id: z.string().nullable().openapi({ description: "Whose key it is" }),
    permissions: z.array(z.enum(PERMISSION_NAMES)),
    person: z
      .object({
        id: z.string(),
        session_id: z.string(),
        role: z.enum(ROLES).nullable(),
        second_factor_at: instant.nullable(),
      })
      .nullable()
      .openapi({ description: "Of members and of the operator's people" }),
  })
  .openapi("Principal");

export const problemSchema = z
  .object({
    type: z.string().openapi({ description: "Address of the page about this problem" }),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    error: z.string().optional().openapi({ description: "Of problems of a device: the code of RFC 8628 §3.5" }),
    detail: z.string().optional(),
    instance: z.string().openapi({ description: "Request id" }),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
    continue: z
      .string()
      .optional()
      .openapi({ description: "Method and path of the request that brings what is missing" }),
    needs: z
      .object({ tier: z.string(), feature: z.string().optional(), limit: z.string().optional() })
      .optional()
      .openapi({ description: "What the tenant's tier lacks, and the least tier that has it" }),
  })
  .openapi("Problem");
