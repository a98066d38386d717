/** What a domain's self-check found (`GET /v1/domains/{domainId}/health`). */
import { z } from "@hono/zod-openapi";
import { ON_VIOLATIONS } from "../../core/domain-settings.ts";
import { CHECK_NAMES } from "../../services/self-check/checks.ts";

const instant = z.iso.datetime();
const size = z.int().min(0).nullable();

const state = z.enum(["ok", "bad", "unknown"]);

const findingSchema = z.object({
  store: z.enum(["object", "ledger", "archive", "mirror", "witness", "cell"]).openapi({
    description: "Where the culprit is: the domain's object, D1, segments in R2, tiles in R2, a witness, or the cell",
  }),
  fault: z.string().openapi({ example: "entry_hash_mismatch" }),
  first_bad_seq: z.int().min(0).nullable().openapi({ description: "null: it concerns no entry in particular" }),
});

const checkSchema = z.object({
  name: z.enum(CHECK_NAMES),
  says: z.string().openapi({ description: "What holds while it is `ok`" }),
  state: state.openapi({
    description: "`unknown`: nobody has looked yet or for two intervals, or a store did not answer",
  }),
  since: instant.openapi({ description: "In this state since then" }),
  last_run_at: instant.nullable(),
  note: z
    .string()
    .nullable()
    .openapi({ description: "Of what is unknown: since when nobody has looked", example: "never looked at" }),
  findings: z.array(findingSchema).openapi({ description: "What stands now; at most 16 of one check" }),
  verified_to: size.openapi({ description: "Entries that were read at least once; null: this check reads none" }),
  sample_size: size.openapi({ description: "Entries of the past that the last run read again" }),
  lag: size.openapi({ description: "Entries that were not read yet" }),
});

const readSchema = z.object({ entries: z.int().min(0), took_ms: z.number().min(0) });

export const healthSchema = z
  .object({
    domain_id: z.string(),
    state: state.openapi({
      description: "`bad`: some check is; `unknown`: something was not looked at, or for two intervals nothing was",
    }),
    status: z.enum(["running", "stopped"]),
    stopped_reason: z.string().nullable(),
    on_violation: z.enum(ON_VIOLATIONS),
    checks: z.array(checkSchema),
    last_run: z
      .object({
        started_at: instant,
        ended_at: instant,
        read: z.object({ ledger: readSchema, archive: readSchema, mirror: readSchema }).openapi({
          description: "Entries that were read and recomputed in each store, what grew and what is past",
        }),
      })
      .nullable(),
    next_run_at: instant.nullable(),
    unrecorded: z
      .object({
        waiting: z
          .int()
          .min(0)
          .openapi({ description: "Entries that wait for it; each try takes up the oldest first" }),
        dropped: z.int().min(0).openapi({ description: "Findings, ever, for whose entries there was no room" }),
        code: z.string().nullable().openapi({
          description: "Why it did not take the last one; null: it did",
          example: "ledger.guard_missing",
        }),
      })
      .openapi({ description: "What was found, and the platform's log has not taken. Its alerts stand all the same" }),
  })
  .openapi("DomainHealth");
