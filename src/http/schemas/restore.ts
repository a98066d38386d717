/** Restores: what is asked and what is told. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { RESTORE_PHASES, RESTORE_REFUSALS, type RestoreRefusal } from "../../services/restore/calls.ts";

const instant = z.string().openapi({ format: "date-time" });
const count = z.int().min(0);
const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Not `domainId`: the log may be known to no database of this cell. */
export const lostLogIdSchema = z
  .string()
  .regex(idPattern("domain"), "must be a domain id")
  .openapi({ param: { name: "logId", in: "path" }, example: "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

const refusedSchema = z
  .object({
    code: z.enum(Object.keys(RESTORE_REFUSALS) as [RestoreRefusal, ...RestoreRefusal[]]),
    says: z.string().openapi({ example: "An object of the archive is not what was archived" }),
    seq: seq.nullable().openapi({ description: "Where" }),
  })
  .nullable()
  .openapi({ description: "Why it goes no further" });

export const archiveKeySchema = z
  .string()
  .max(200)
  .regex(
    /^(?:audit|sealed|tlog)\/dom_[a-z]{2}_[0-9a-z]{26}\/[0-9a-zA-Z./]+$/,
    "must be the name of an object of an archive",
  )
  .openapi({ example: "audit/dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv/00000000000000000000.json.zst" });

export const putBackSchema = z.object({
  stored: z.boolean().openapi({ description: "False: the bucket has one of this name, or it was refused" }),
  refused: refusedSchema,
});

export const restoreWishSchema = z
  .strictObject({
    until_seq: seq.optional().openapi({ description: "Last entry that comes back; for a log whose object is lost" }),
    until: z.iso.datetime({ offset: true }).optional().openapi({
      description: "Nothing that was recorded later comes back; likewise",
      example: "2026-11-21T09:14:03Z",
    }),
    drill: z.boolean().default(false).openapi({
      description: "It is a rehearsal: how fast it was stands in the cell's status",
    }),
  })
  .openapi("RestoreRequest");

export const restoreSchema = z
  .object({
    domain_id: z.string(),
    phase: z.enum(RESTORE_PHASES),
    log: z.enum(["living", "lost"]).openapi({
      description:
        "`lost`: the object of the log was gone and is made anew from the archive. Such a log is read only, for good: entries that were committed and not archived yet are missing from it",
    }),
    drill: z.boolean(),
    started_at: instant,
    ended_at: instant.nullable(),
    from: seq.openapi({ description: "The first entry that comes back; those before were pruned, or have expired" }),
    seq: seq.openapi({ description: "Entries are looked through up to here" }),
    size: count.openapi({ description: "Entries that the archive has" }),
    entries: count.openapi({
      description:
        "Entries that the log has; those from `size` on are not archived yet: they are in its object, which brings them to D1 itself",
    }),
    archived_by: instant.nullable().openapi({
      description: "When the archive takes these, at the latest; null: there are none",
    }),
    inserted: count.openapi({ description: "Rows that were written to D1" }),
    compared: count.openapi({ description: "Rows that were compared with the archive, byte for byte" }),
    entries_per_s: z.int().nullable(),
    checkpoint_size: count.nullable().openapi({
      description: "Size of the signed checkpoint to which a lost log's entries lead; null: none was found, or not yet",
    }),
    checkpoint_ours: z.boolean().openapi({
      description:
        "A log key of this cell has signed it, the present one or one of earlier; what none of them signed is not shown again",
    }),
    lost: count.openapi({ description: "Entries under that checkpoint that the archive does not have" }),
    refused: refusedSchema,
  })
  .openapi("Restore");

export const startedRestoreSchema = restoreSchema
  .extend({
    api_key: z.string().nullable().openapi({
      example: null,
      description:
        "Where the tenant itself was lost, and this restore has made it anew: a key that reads its logs. It stands in this answer and never again",
    }),
  })
  .openapi("StartedRestore");
