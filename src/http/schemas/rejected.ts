/** Which events a domain refused. */
import { z } from "@hono/zod-openapi";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });

export const rejectedSchema = z
  .object({
    domain_id: z.string(),
    rejected: z.array(
      z.object({
        code: z
          .string()
          .openapi({ description: "The problem that the client was answered", example: "schema.mismatch" }),
        action: z.string().nullable().openapi({ description: "null: what came was no action's name" }),
        pointer: z.string().openapi({
          description: "Where the first fault was; indexes, and names that may be content, are `*`",
          example: "/metadata/amount",
        }),
        schema_version: z.int().nullable(),
        credential_id: z.string().nullable().openapi({ description: "The key; null for people" }),
        count: z.int().openapi({ description: "At least so many" }),
        first_at: instant,
        last_at: instant,
      }),
    ),
  })
  .openapi("RejectedEvents");
