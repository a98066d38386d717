/** A log that is moved into a domain: what is asked and what is told. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { IMPORT_REFUSALS, IMPORT_STATUSES } from "../../services/imports/calls.ts";

const instant = z.string().openapi({ format: "date-time" });
const count = z.int().min(0);
const hash = z.string().openapi({
  description: "SHA-256, lower-case hex",
  example: "3f0a6d1c5b9e84720d6c1f3ab57e90124c8d2e6f70b1a3958e4d7c6b2a190f3e",
});

export const importQuerySchema = z.strictObject({
  key: z.string().min(1).max(500).openapi({
    description: "Verifier key of the old log, which signed the export: the only one that is trusted",
    example: "log.example/eu+619cea34+AWbhGCBiDJ0kC30N1yHN8hDMZpPyA6bLh0+ZQGzJbLgk",
  }),
  bytes: z.coerce.number().int().min(1).max(LIMITS.importBytes).openapi({
    description: "Length of the archive",
    example: 4_194_304,
  }),
});

export const importSchema = z
  .object({
    status: z.enum(IMPORT_STATUSES),
    sha256: hash,
    bytes: count,
    started_at: instant,
    finished_at: instant.nullable(),
    from: z
      .object({
        origin: z.string().openapi({ example: "log.example/dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" }),
        manifest_sha256: hash,
        first: count,
        last: count,
        head: z.object({
          size: count,
          root: z.string().openapi({ example: "PwptHFuehHINbB86tX6QEkyNLm9wsaOVjk18ayoZDz4=" }),
        }),
      })
      .nullable()
      .openapi({ description: "What the archive is of; null until it is proved" }),
    progress: z.object({ imported: count, total: count.nullable() }),
    private_values: z
      .object({ carried: count, left_behind: count })
      .nullable()
      .openapi({ description: "Those that came along in clear, and those of which only commitments did" }),
    refusal: z
      .object({
        code: z.enum(IMPORT_REFUSALS),
        detail: z.string().openapi({ example: "its log does not say that it moves" }),
      })
      .nullable()
      .openapi({ description: "Nothing was written into the log then" }),
  })
  .openapi("Import");

export const startedImportSchema = z.object({ import: importSchema });
export const importsSchema = z.object({ imports: z.array(importSchema).max(1) });
