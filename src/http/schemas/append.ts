/** What an append answers with `mode=partial`. */
import { z } from "@hono/zod-openapi";
import { receiptSchema } from "./resources.ts";

const eventProblem = z
  .object({
    code: z.string().openapi({ description: "As in a problem document; `/problems/{code}` explains it" }),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .openapi({ description: "JSON Pointers into the event as it was sent" }),
  })
  .openapi("EventProblem");

export const eventResultSchema = z
  .object({
    index: z.number().int().openapi({ description: "Of the event in the request, from 0; empty lines do not count" }),
    line: z.number().int().optional().openapi({ description: "Of the body, from 1; with NDJSON" }),
    status: z.enum(["stored", "replayed", "refused"]),
    receipt: receiptSchema.optional().openapi({ description: "Unless it was refused" }),
    problem: eventProblem.optional().openapi({ description: "Why it was refused. Nothing of it is stored" }),
  })
  .openapi("EventResult");

export const summarySchema = z
  .object({
    events: z.number().int().openapi({ description: "Whose fate is known" }),
    stored: z.number().int(),
    replayed: z.number().int(),
    refused: z.number().int(),
    complete: z.boolean().openapi({ description: "Whether the request was read to its end" }),
    stopped: z
      .object({
        index: z.number().int().openapi({ description: "Send again from this event on" }),
        line: z.number().int().openapi({ description: "From this line on it is looked for" }),
        problem: eventProblem,
        retry_after_s: z.number().int().optional(),
      })
      .optional(),
  })
  .openapi("AppendSummary");

export const partialAnswerSchema = z
  .object({
    domain_id: z.string(),
    results: z.array(eventResultSchema).openapi({ description: "One for each event, in the order of the request" }),
    summary: summarySchema,
    replicated: z.boolean(),
  })
  .openapi("PartialAppendAnswer");
