/** What asks for evidence for many entries. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";

const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const evidenceSetSchema = z
  .strictObject({
    range: z
      .strictObject({
        from: seq.openapi({ description: "First seq" }),
        to: seq.openapi({ description: `Last seq; at most ${LIMITS.evidenceSetEntries} entries` }),
      })
      .optional()
      .openapi({ description: "Every entry from one seq to another, provably complete" }),
    selection: z
      .array(seq)
      .min(1)
      .max(LIMITS.evidenceSetEntries)
      .optional()
      .openapi({ description: "These entries; nothing is said about others", example: [3, 17] }),
  })
  .openapi("EvidenceSetRequest", { description: "Either `range` or `selection`" });
