/** What searching for a person and revealing take and answer. In bodies, because addresses end in logs. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";
import { NAMES_ONLY } from "./event.ts";
import { identityId } from "./identity.ts";
import { entrySchema } from "./resources.ts";

const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const ref = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .openapi({ description: "Pseudonym, as it stands in the payload" });
const personId = identityId.openapi({
  description: "The id under which the person was named in events",
  example: "usr_42",
});

const range = {
  order: z.enum(["asc", "desc"]).optional().openapi({ description: "By seq. Default `asc`" }),
  from: seq.optional().openapi({ description: "First seq of the range" }),
  to: seq.optional().openapi({ description: "Last seq of the range" }),
  cursor: z.string().max(1000).optional().openapi({ description: "`next_cursor` of the page before" }),
  payload: z.enum(["json", "text"]).default("json").openapi({
    description: "`text`: the exact canonical text that was hashed, as a string",
  }),
};

export const searchSchema = z
  .strictObject({
    identity_id: personId,
    ...range,
    limit: z.int().min(1).max(LIMITS.pageEntries).default(LIMITS.pageEntriesDefault),
  })
  .openapi("SearchEntries");

export const revealReasonSchema = z
  .string()
  .max(LIMITS.reasonChars)
  .regex(/\S/, "must say something")
  .openapi({ description: "Why. It is kept in the entry that this makes, sealed", example: "request DSR-17" });

export const revealSchema = z
  .strictObject({
    reason: revealReasonSchema,
    identity_id: personId.optional().openapi({ description: "Only entries that name this person" }),
    seqs: z
      .array(seq)
      .min(1)
      .max(LIMITS.revealEntries)
      .optional()
      .openapi({ description: "Exactly these entries; excludes every other choice" }),
    ...range,
    limit: z.int().min(1).max(LIMITS.revealEntries).optional().openapi({ default: LIMITS.revealEntriesDefault }),
  })
  .openapi("RevealEntries");

const status = z.enum(["revealed", "erased", "unreadable"]).openapi({
  description:
    "`erased`: gone for good, everything beside it is null. `unreadable`: what is stored is lost or damaged, or was never stored",
});

const revealedPersonSchema = z
  .object({
    ref,
    status,
    identity_id_ref: z.string().nullable().openapi({ description: "Who the pseudonym is; null once erased" }),
    email_claim: z.string().nullable().openapi({ description: "As first seen, like the two below" }),
    source_ip: z.string().nullable(),
    idp_claim_names: z
      .array(z.string())
      .nullable()
      .openapi({ [NAMES_ONLY]: true }),
  })
  .openapi("RevealedPerson");

const revealedValueSchema = z
  .object({
    pointer: z.string().openapi({ description: "JSON Pointer in the event", example: "/actor/email" }),
    subject: ref.nullable().openapi({ description: "Whom it is about; null: nobody" }),
    status,
    value: z.unknown().openapi({ description: "null unless `status` is `revealed`" }),
    salt: z
      .string()
      .nullable()
      .openapi({ description: "With it anybody can check the value against its commitment; 32 bytes in hex" }),
    commitment: z.string().openapi({ description: "As it stands in the payload" }),
  })
  .openapi("RevealedValue");

export const revealedEntrySchema = entrySchema
  .extend({ people: z.array(revealedPersonSchema), private: z.array(revealedValueSchema) })
  .openapi("RevealedEntry");

export const revealedPageSchema = z
  .object({
    domain_id: z.string(),
    entries: z.array(revealedEntrySchema),
    next_cursor: z.string().nullable(),
    has_more: z.boolean(),
  })
  .openapi("RevealedPage");
