import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError, type FieldError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import { type BodyForm, type ParsedBody, parseBody } from "../../services/log/body.ts";
import { bodyError, mediaType, readText, unsupportedMediaType } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { scopeOf } from "../principal.ts";
import { limitEvents } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { eventSchema } from "../schemas/event.ts";
import { appendAnswerSchema, domainIdSchema } from "../schemas/resources.ts";
import { fieldErrors, invalid } from "../validation.ts";

const EVENT = { $ref: "#/components/schemas/AuditEvent" };

const headers = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .openapi({
      description: `Makes a retry answer the first receipts, for ${LIMITS.idempotencyDays} days. 1 to ${LIMITS.idempotencyKeyChars} printable ASCII characters, bare or quoted.`,
    }),
  prefer: z.string().optional().openapi({
    description: "`wait=replicated` answers when the queryable copy holds the entries too, or after ten seconds",
  }),
});

// The body is given as plain JSON Schema: it is validated event by event in the handler, with pointers into the array.
const appendEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/entries",
  operationId: "appendEntries",
  summary: "Append audit events",
  description: `One event, or an array of at most ${LIMITS.appendEvents}; at most ${LIMITS.appendBodyBytes} bytes. All are stored or none. A receipt means that the entry is committed. Private values are sealed and kept apart from the entry, which holds a commitment to each; those about somebody who was erased are dropped and named in the receipt.`,
  tag: "Entries",
  permission: "entry.append",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "entry.refused",
    "entry.id_conflict",
    "idempotency.key_reused",
    "backlog.full",
    "domain.stopped",
    "keys.unavailable",
    "ledger.guard_missing",
    "residency.unknown",
    "storage.unavailable",
  ],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    headers,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: { oneOf: [EVENT, { type: "array", items: EVENT, minItems: 1, maxItems: LIMITS.appendEvents }] },
        },
        "application/x-ndjson": { schema: { type: "string", description: "One event a line" } },
      },
    },
  },
  responses: {
    201: { description: "Committed", content: { "application/json": { schema: appendAnswerSchema } } },
    200: {
      description: "The whole request had been answered before: the first receipts, `Idempotency-Replayed: true`",
      content: { "application/json": { schema: appendAnswerSchema } },
    },
  },
});

export function appendRoutes(app: CellApp): void {
  app.openAPIRegistry.register("AuditEvent", eventSchema);

  mount(app, appendEntries, async (c) => {
    const { domainId } = c.req.valid("param");
    if (c.get("domain").kind !== "client") {
      throw new AppError("auth.forbidden", { detail: "this domain is reserved: only the product itself writes to it" });
    }
    const form = bodyForm(c);
    const idempotencyKey = readIdempotencyKey(c.req.header("Idempotency-Key"));
    const waitForCopy = prefersReplicated(c.req.header("Prefer"));
    const body = await readText(c, LIMITS.appendBodyBytes);
    const parsed = parse(body, form);
    demandEvents(parsed);
    await limitEvents(c, parsed.values.length);
    const call = { body, form, scope: scopeOf(c), idempotencyKey, waitForCopy };
    const result = await c.get("services").log(domainId).append(call);
    if (waitForCopy && result.replicated) c.header("Preference-Applied", "wait=replicated");
    if (result.replayed) c.header("Idempotency-Replayed", "true");
    c.header("Cache-Control", "no-store");
    const answer = {
      domain_id: domainId,
      receipts: result.receipts,
      replicated: result.replicated,
      evidence: `/v1/domains/${domainId}/audit/entries/{seq}/evidence`,
      ...(result.idempotencyExpiresAt === null ? {} : { idempotency_expires_at: result.idempotencyExpiresAt }),
    };
    return result.replayed ? c.json(answer, 200) : c.json(answer, 201);
  });
}

function bodyForm(c: Context<HttpEnv>): BodyForm {
  const type = mediaType(c);
  if (type === "application/json") return "json";
  if (type === "application/x-ndjson") return "ndjson";
  throw unsupportedMediaType("application/json or application/x-ndjson");
}

function parse(body: string, form: BodyForm): ParsedBody {
  const parsed = parseBody(body, form);
  if (!parsed.ok) {
    throw new AppError("request.malformed", { errors: [{ pointer: parsed.pointer, detail: parsed.detail }] });
  }
  return parsed.body;
}

/** Throws unless every value is an event. */
function demandEvents({ values, single }: ParsedBody): void {
  if (values.length === 0) throw invalid([{ pointer: "", detail: "must hold at least one event" }]);
  if (values.length > LIMITS.appendEvents) {
    throw bodyError("request.too_large", `a request may hold ${LIMITS.appendEvents} events`);
  }
  const errors = values.flatMap((value, i) => eventErrors(value, single ? [] : [i]));
  if (errors.length > 0) throw invalid(errors);
}

function eventErrors(value: JsonValue, prefix: (string | number)[]): FieldError[] {
  const result = eventSchema.safeParse(value);
  return result.success ? [] : fieldErrors(result.error, ...prefix);
}

/** The header in either spelling, bare or as a quoted string. */
function readIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= LIMITS.idempotencyKeyChars) return key;
  const detail = `must be 1 to ${LIMITS.idempotencyKeyChars} printable ASCII characters without spaces`;
  throw invalid([{ pointer: "header:Idempotency-Key", detail }]);
}

/** RFC 7240; preferences that are not known are ignored, as it demands. */
function prefersReplicated(header: string | undefined): boolean {
  return (header ?? "").split(/[,;]/).some((preference) => preference.trim().toLowerCase() === "wait=replicated");
}
