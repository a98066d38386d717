/** Erasures: what is asked and what is told. Who the person is stands in the request's body alone. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { DEFAULT_LAW, ERASURE_REASONS, LAW_PATTERN, REFERENCE_PATTERN } from "../../services/erasure/erasure.ts";
import { identityId } from "./identity.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const instant = z.string().openapi({ format: "date-time" });
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

export const erasureIdSchema = z
  .string()
  .regex(UUID)
  .openapi({ param: { name: "erasureId", in: "path" }, example: "01a1fdfb-3c03-7575-83c4-dd445bba977e" });

export const eraseIdentitySchema = z
  .strictObject({
    identity_id: identityId.openapi({
      description: "The id under which the person was named in events",
      example: "usr_42",
    }),
    reason: z
      .enum(ERASURE_REASONS)
      .default("data_subject_request")
      .openapi({ description: "Ground of Art. 17(1), as a code: free text would be a place for personal data" }),
    request_reference: z
      .string()
      .regex(REFERENCE_PATTERN, "must be a code without spaces and without personal data")
      .optional()
      .openapi({ description: "Your own reference of the request; stands in the log and in the certificate" }),
    law: z.string().regex(LAW_PATTERN, "must be a short code").default(DEFAULT_LAW),
    requested_at: z.iso
      .datetime({ offset: true })
      .optional()
      .openapi({ description: "When the person asked. Default: now" }),
    verified_at: z.iso
      .datetime({ offset: true })
      .optional()
      .openapi({ description: "When you made sure that it is this person who asks" }),
  })
  .openapi("EraseIdentity");

export const erasureSchema = z
  .object({
    erasure_id: z.string(),
    domain_id: z.string(),
    status: z.enum(["executed", "finishing", "already_erased"]).openapi({
      description:
        "`executed`: every store is through and the certificate is there. `finishing`: the person is suppressed, so nothing about them is stored or shown any more; the log's object does the rest by itself. `already_erased`: an earlier request had been executed; nothing was done or appended for this one",
    }),
    pseudonym: hash.openapi({ description: "It stays in the entries, so that the chain still verifies" }),
    known: z.boolean().openapi({ description: "Whether this log had seen the person" }),
    correlation_id: z.string().openapi({ description: "The same for all domains that one decision concerns" }),
    requested_at: instant,
    suppressed_at: instant,
    key_destroyed_at: instant.nullable(),
    rows_deleted_at: instant.nullable(),
    pages_rewritten_at: instant.nullable(),
    final_at: instant.nullable(),
    counts: z.object({
      object_rows: count,
      object_mappings: count,
      keys: count,
      ledger_rows: count,
      ledger_mappings: count,
      archive_pages: count,
      entries: count.openapi({ description: "Entries that name the person; they stay, under the pseudonym" }),
    }),
    entry: z
      .object({ seq: z.int(), id: z.string(), entry_hash: hash, prev_hash: hash, recorded_at: instant })
      .nullable()
      .openapi({ description: "Receipt of the entry `audit.identity_erased`" }),
    certificate_url: z.string().nullable(),
  })
  .openapi("Erasure");

export const erasedEverywhereSchema = z
  .object({
    tenant_id: z.string(),
    decision: z.literal("all").openapi({
      description:
        "All domains or none: a legal hold in one of them, or one that does not answer, and nothing is erased anywhere",
    }),
    correlation_id: z.string(),
    status: z.enum(["executed", "finishing", "already_erased"]),
    erasures: z.array(erasureSchema),
  })
  .openapi("ErasedEverywhere");

export const replayErasuresSchema = z
  .strictObject({ from: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0) })
  .openapi("ReplayErasures");

export const replayedSchema = z
  .object({
    domain_id: z.string(),
    erasures: count.openapi({ description: "Erasures that this part of the log tells of; each is executed again" }),
    next_from: z.int().nullable().openapi({ description: "Where to go on; null: this was the end of the log" }),
    unfinished: count.openapi({ description: "Erasures of this domain that some store has still to confirm" }),
  })
  .openapi("ReplayedErasures");
