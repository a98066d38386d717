/** Action types of a tenant's own, as they are sent and shown. */
import { z } from "@hono/zod-openapi";
import { ACTION_CATEGORIES, ACTION_SENSITIVITIES, PERSON_FIELDS } from "../../core/actions/action.ts";
import { isProductsOwn } from "../../core/actions/product.ts";
import { ACTION_PATTERN, MAX_ACTION_CHARS } from "../../core/event.ts";
import type { SchemaJson } from "../../core/event-schema/vet.ts";
import { LIMITS } from "../../core/limits.ts";

const instant = z.string().openapi({ format: "date-time", example: "2026-11-21T09:14:03.221Z" });
const actionName = z
  .string()
  .max(MAX_ACTION_CHARS)
  .regex(ACTION_PATTERN, "must be noun.verb in lower snake case, for example order.approved");

export const actionParam = actionName.openapi({ param: { name: "action", in: "path" }, example: "order.approved" });
export const versionParam = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, "must be a version")
  .openapi({ param: { name: "version", in: "path" }, example: "1" });

/** `schemaFaults` looks at what is in it. */
const jsonSchema = z.looseObject({}).openapi({ type: "object" }) as unknown as z.ZodType<SchemaJson>;

const described = {
  description: z
    .string()
    .min(1)
    .max(300)
    .regex(/^[^\p{Cc}@]+$/u, "must not contain control characters or @: this is no place for personal data")
    .openapi({ description: "One sentence, for an auditor who does not know the software" }),
  category: z.enum(ACTION_CATEGORIES),
  does: z.enum(["read", "write"]),
  sensitivity: z.enum(ACTION_SENSITIVITIES),
};
const people = z.array(z.enum(PERSON_FIELDS)).max(PERSON_FIELDS.length);
const metadataSchema = jsonSchema.openapi({
  description: `JSON Schema (a part of draft 2020-12) of the event's \`metadata\`, \`{}\` where it has none; at most ${LIMITS.eventSchemaBytes} bytes. \`"x-clear": true\` in a top-level property marks its key as free of personal data: it stands in clear without \`clear_metadata\`.`,
});
const eventSchema = jsonSchema.openapi({ description: "Likewise of the whole event as it is sent" });
/** Said again: a type that is set by hand does not become nullable by itself. */
const orNull = eventSchema.nullable().openapi({ type: ["object", "null"] });

const words = {
  ...described,
  people: people.default([]).openapi({ description: "Fields of its events that may be about people" }),
  metadata_schema: metadataSchema,
  event_schema: orNull.default(null),
};

export const addEventTypeSchema = z
  .strictObject({
    action: actionName.refine((action) => !isProductsOwn(action), "is reserved for what the product itself writes"),
    ...words,
  })
  .openapi("AddEventType");

export const addVersionSchema = z.strictObject(words).openapi("AddEventTypeVersion");

const shownVersion = {
  action: z.string(),
  version: z.int().min(1),
  ...described,
  people: z.array(z.string()),
  metadata_schema: metadataSchema,
  event_schema: orNull,
  created_at: instant,
};

export const eventTypeVersionSchema = z.object(shownVersion).openapi("EventTypeVersion");

const own = {
  action: z.string(),
  newest: z.int().min(1).openapi({ description: "The newest version, which events are checked against" }),
  created_at: instant,
  withdrawn_at: instant.nullable().openapi({ description: "Since when its events are refused; null: they are not" }),
};

export const ownEventTypeSchema = z
  .object({
    ...own,
    current: eventTypeVersionSchema,
    versions: z
      .array(z.object({ version: z.int(), created_at: instant, sha256: z.string() }))
      .openapi({ description: "Oldest first, each with the hash that its entry in the tenant's log names" }),
  })
  .openapi("OwnEventType");

export const ownEventTypesSchema = z
  .object({
    event_types: z.array(z.object({ ...own, ...described, people: z.array(z.string()) })),
    known: z
      .array(
        z.object({
          action: z.string(),
          ...described,
          people: z.array(z.string()),
          written_by: z.enum(["product", "tenant"]),
        }),
      )
      .optional()
      .openapi({ description: "With `all=true`: what every deployment knows, as `GET /v1/event-types` tells it" }),
  })
  .openapi("OwnEventTypes");
