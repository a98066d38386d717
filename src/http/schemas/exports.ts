/** Exports: what is asked and what is told. */
import { z } from "@hono/zod-openapi";
import { idPattern } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { EXPORT_FORMATS, EXPORT_STATUSES } from "../../services/exports/calls.ts";
import { askedFilterFields } from "./entry-filter.ts";
import { domainIdSchema } from "./resources.ts";
import { revealReasonSchema } from "./reveal.ts";

const instant = z.string().openapi({ format: "date-time" });
const count = z.int().min(0);
const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const exportIdSchema = z
  .string()
  .regex(idPattern("export"), "must be an export id")
  .openapi({ param: { name: "exportId", in: "path" }, example: "exp_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

export const exportLinkIdSchema = z
  .string()
  .regex(idPattern("exportLink"), "must be the id of a link")
  .openapi({ param: { name: "linkId", in: "path" }, example: "lnk_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" });

const wishFields = {
  ...askedFilterFields,
  from: seq.default(0).openapi({ description: "First seq", example: 0 }),
  to: seq.optional().openapi({ description: "Last seq. Default: the newest entry when the export begins" }),
  formats: z
    .array(z.enum(EXPORT_FORMATS))
    .min(1)
    .max(EXPORT_FORMATS.length)
    .default(["ndjson"])
    .openapi({
      description: `\`ndjson\` is always in it: the others are made of it. \`pdf\`: signed, to read; of at most ${LIMITS.pdfEntries} entries`,
      example: ["ndjson", "csv"],
    }),
  include_private: z.strictObject({ reason: revealReasonSchema }).optional().openapi({
    description:
      "Private values in clear, each with the salt of its commitment. Needs `entry.reveal` too. The reason stands, sealed, in an entry `audit.revealed` of this log. Any erasure in this domain deletes the export",
  }),
  expires_in: z.int().min(LIMITS.exportLifeMinS).max(LIMITS.exportLifeMaxS).default(LIMITS.exportLifeS).openapi({
    description: "Seconds that the file is kept from when it is ready; then it is deleted",
    example: LIMITS.exportLifeS,
  }),
};

export const exportWishSchema = z.strictObject(wishFields).openapi("ExportRequest");
export const exportOfDomainSchema = z
  .strictObject({
    domain_id: z.string().regex(idPattern("domain"), "must be a domain id").openapi({
      description: "A domain of the credential's own tenant",
      example: "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
    }),
    ...wishFields,
  })
  .openapi("ExportOfDomainRequest");

export const exportLinkWishSchema = z.strictObject({
  expires_in: z.int().min(1).max(LIMITS.exportLinkMaxS).default(LIMITS.exportLinkS).openapi({
    description: "Seconds that the link is good for; never longer than the file is kept",
    example: LIMITS.exportLinkS,
  }),
});

export const exportLinkSchema = z
  .object({
    id: exportLinkIdSchema,
    created_at: instant,
    expires_at: instant,
    revoked_at: instant.nullable(),
    used_at: instant.nullable().openapi({ description: "When it was used first" }),
  })
  .openapi("ExportLink");

export const newExportLinkSchema = exportLinkSchema
  .extend({
    url: z.string().openapi({
      description: "Shown once. Whoever has it downloads the export, without any other credential",
      format: "uri",
    }),
  })
  .openapi("NewExportLink");

export const exportSchema = z
  .object({
    id: exportIdSchema,
    domain_id: domainIdSchema,
    status: z.enum(EXPORT_STATUSES),
    created_at: instant,
    from: seq,
    to: seq.nullable(),
    filter: z.string().nullable().openapi({
      description: "In the query language; people are pseudonyms. Null: every entry of the range, provably complete",
    }),
    formats: z.array(z.enum(EXPORT_FORMATS)),
    include_private: z.boolean().openapi({ description: "Private values are in it" }),
    progress: z.object({
      entries: count.openapi({ description: "In the export so far" }),
      scanned: count.openapi({ description: "Looked through so far" }),
      total: count.nullable().openapi({ description: "To be looked through; null until it has begun" }),
    }),
    bytes: count,
    finished_at: instant.nullable(),
    expires_at: instant.nullable().openapi({ description: "When the file is deleted" }),
    failure: z
      .string()
      .nullable()
      .openapi({ description: "An error code: why it has failed. The page `/problems/{code}` says what to do" }),
    links: z.array(exportLinkSchema),
  })
  .openapi("Export");

export const exportsSchema = z.object({ exports: z.array(exportSchema) });
export const startedExportSchema = z.object({ export: exportSchema });
