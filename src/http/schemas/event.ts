/** The event of `core/event.ts` as a zod schema: what a client may send, field by field. Strict: unknown fields are refused. */
import { z } from "@hono/zod-openapi";
import { isProductsOwn } from "../../core/actions/product.ts";
import { utf8 } from "../../core/bytes.ts";
import {
  ACTION_PATTERN,
  ACTOR_TYPES,
  type AuditEvent,
  CAVEAT_PATTERN,
  ENTRY_ID_PATTERN,
  LOG_MADE_ID_PATTERN,
  MAX_ACTION_CHARS,
  OUTCOMES,
  SYSTEM_ACTOR_ID,
  TRACEPARENT_PATTERN,
} from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import { identityId, line } from "./identity.ts";

/** The mark of a list of names whose values are never accepted nor stored (S4-37): .spectral.yaml demands it. */
export const NAMES_ONLY = "x-names-only";

const typeName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "must be lower snake case, at most 64 characters");
const name = line(LIMITS.nameChars);
/** Values come out of `parseStrictJson`, so they are JSON already. */
const json = z.unknown() as z.ZodType<JsonValue>;

const action = z
  .string()
  .max(MAX_ACTION_CHARS)
  .regex(ACTION_PATTERN, "must be noun.verb in lower snake case, for example invoice.exported")
  .openapi({ description: "What happened, `noun.verb`", example: "invoice.exported" });

const actor = z
  .strictObject({
    type: z.enum(ACTOR_TYPES),
    id: identityId.optional(),
    name: name.optional(),
    email: name.optional(),
    idp_claim_names: z
      .array(line(LIMITS.nameChars))
      .max(LIMITS.idpClaimNames)
      .optional()
      .openapi({
        description: "Names of the claims that the identity provider sent. Names only, and private.",
        [NAMES_ONLY]: true,
      }),
    via: z
      .strictObject({ type: typeName, id: identityId })
      .optional()
      .openapi({ description: "The credential that was used. Private." }),
  })
  .superRefine((value, context) => {
    const person = value.type === "user" || value.type === "support";
    if (person && value.id === undefined) {
      context.addIssue({ code: "custom", path: ["id"], message: `is required for an actor of type ${value.type}` });
    }
    if (value.type === "anonymous" && value.id !== undefined) {
      context.addIssue({ code: "custom", path: ["id"], message: "an anonymous actor has no id" });
    }
    if (value.id === SYSTEM_ACTOR_ID) {
      context.addIssue({ code: "custom", path: ["id"], message: "is reserved for what the product itself does" });
    }
  })
  .openapi("Actor", {
    description:
      "Who did it. The id of a user or of support staff enters the log only as a pseudonym; that of a service or system stands in clear. Names and e-mail addresses are private.",
  });

const person = z.strictObject({
  type: z.enum(["user", "person"]),
  id: identityId,
  name: name.optional(),
  email: name.optional(),
});

const eventShape = z.strictObject({
  id: z
    .string()
    .regex(ENTRY_ID_PATTERN, "must be a UUID or 1 to 64 characters of A-Z a-z 0-9 -")
    .refine((id) => !LOG_MADE_ID_PATTERN.test(id), "UUIDs of version 8 are made by the log; use version 4 or 7")
    .refine((id) => !/^\d+$/.test(id), "must not be a number: that would be read as a seq")
    .optional()
    .openapi({
      description: "Your own id. Sending the same event under the same id again answers the first receipt.",
      example: "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11",
    }),
  action,
  occurred_at: z.iso
    .datetime({ offset: true, error: "must be an RFC 3339 date and time with an offset" })
    .refine(hasFourDigitYearInUtc, "must have a year from 0000 to 9999 in UTC")
    .optional()
    .openapi({
      description: "When it happened; kept in UTC with milliseconds. Default: when it was recorded.",
      example: "2026-11-21T09:14:03.221Z",
    }),
  actor,
  on_behalf_of: person.optional().openapi({ description: "Required when support acts: for whom." }),
  targets: z
    .array(z.strictObject({ type: typeName, id: identityId, name: name.optional() }))
    .max(LIMITS.targets)
    .optional(),
  outcome: z.enum(OUTCOMES).optional().openapi({ description: "Default `success`" }),
  reason: z.string().min(1).max(LIMITS.reasonChars).optional().openapi({ description: "Why. Private." }),
  changes: z
    .array(
      z.strictObject({
        path: z
          .string()
          .max(512)
          .regex(/^(?:\/(?:[^\p{Cc}/~]|~[01])*)*$/u, "must be a JSON Pointer (RFC 6901)"),
        from: json.optional(),
        to: json.optional(),
      }),
    )
    .max(LIMITS.changes)
    .optional()
    .openapi({ description: "What changed. Paths stand in clear, values are private." }),
  context: z
    .strictObject({
      ip: z.union([z.ipv4(), z.ipv6()], { error: "must be an IP address" }).optional(),
      user_agent: line(1024).optional(),
      location: z.record(z.string().max(LIMITS.metadataKeyChars), json).optional(),
      session: line(256).optional(),
      request_id: line(128).optional(),
      traceparent: z.string().regex(TRACEPARENT_PATTERN, "must be a W3C traceparent of version 00").optional(),
    })
    .optional()
    .openapi({ description: "request_id and traceparent stand in clear; the others are private." }),
  subjects: z
    .array(z.strictObject({ type: typeName, id: identityId, role: typeName.optional() }))
    .max(LIMITS.subjects)
    .optional()
    .openapi({ description: "The people the event is about. They enter the log as pseudonyms." }),
  metadata: z.record(z.string().min(1).max(LIMITS.metadataKeyChars), json).optional(),
  clear_metadata: z
    .array(z.string().max(LIMITS.metadataKeyChars))
    .max(LIMITS.metadataKeys)
    .optional()
    .openapi({ description: "Top-level keys of `metadata` that hold nothing about people. All others are private." }),
  caveats: z
    .array(z.string().regex(CAVEAT_PATTERN, "must be a caveat's name; its value is never accepted"))
    .max(LIMITS.caveats)
    .optional()
    .openapi({ description: "Names of the caveats that applied. Names only.", [NAMES_ONLY]: true }),
  schema_version: z.int().min(1).max(LIMITS.eventTypeVersions).optional().openapi({
    description:
      "Which version of your schema for this action the event is checked against. Default: the newest. The entry says which one it fits.",
  }),
});

/** An event from a client. */
export const eventSchema = eventShape
  .superRefine((event, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    if (event.actor.type === "support" && !event.on_behalf_of) {
      issue(["on_behalf_of"], "is required when support acts: for whom");
    }
    if (isProductsOwn(event.action)) issue(["action"], "is reserved for what the product itself writes");
    if (event.metadata) checkMetadata(event.metadata, issue);
    for (const key of event.clear_metadata ?? []) {
      if (!event.metadata || !Object.hasOwn(event.metadata, key))
        issue(["clear_metadata"], "names a key that metadata lacks");
    }
    event.changes?.forEach((change, i) => {
      checkSize(change.from, ["changes", i, "from"], issue);
      checkSize(change.to, ["changes", i, "to"], issue);
    });
    checkSize(event.context?.location, ["context", "location"], issue);
  })
  .openapi("AuditEvent") satisfies z.ZodType<AuditEvent>;

/** The payload holds the time in UTC, where an offset can push it out of the years that RFC 3339 can write. */
function hasFourDigitYearInUtc(text: string): boolean {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) || time.toISOString().length === "2026-11-21T09:14:03.221Z".length;
}

type Issue = (path: (string | number)[], message: string) => void;

function checkMetadata(metadata: { [key: string]: JsonValue }, issue: Issue): void {
  const keys = Object.keys(metadata).length;
  if (keys > LIMITS.metadataKeys) issue(["metadata"], `has ${keys} keys; at most ${LIMITS.metadataKeys} are accepted`);
  checkSize(metadata, ["metadata"], issue);
}

/** Bounds one free value: its depth first, so that nothing deep is ever serialised. */
function checkSize(value: JsonValue | undefined, path: (string | number)[], issue: Issue): void {
  if (value === undefined) return;
  if (depthOf(value) > LIMITS.metadataDepth) issue(path, `is nested deeper than ${LIMITS.metadataDepth} levels`);
  else if (utf8(JSON.stringify(value)).length > LIMITS.metadataBytes) {
    issue(path, `is larger than ${LIMITS.metadataBytes} bytes of JSON`);
  }
}

function depthOf(value: JsonValue): number {
  if (value === null || typeof value !== "object") return 0;
  return 1 + Object.values(value).reduce<number>((deepest, child) => Math.max(deepest, depthOf(child)), 0);
}
