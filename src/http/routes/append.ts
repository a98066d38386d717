import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { settingsOf } from "../../core/domain-settings.ts";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { appendEach, type EachCall, textOf } from "../../services/intake/append-each.ts";
import { groupsOf } from "../../services/intake/groups.ts";
import { isRefused, type Offered, type Reader } from "../../services/intake/offered.ts";
import { readerOf } from "../../services/intake/read.ts";
import { appendStream } from "../../services/intake/stream.ts";
import { type ParsedBody, parseBody } from "../../services/log/body.ts";
import { bodyError } from "../body.ts";
import { bodyPieces, readEncodedText } from "../content-encoding.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { resultView, summaryView } from "../intake/answers.ts";
import { appendAll } from "../intake/append-all.ts";
import { domainChecks, noteRefused, refusedAmong, shapeErrors } from "../intake/check.ts";
import { CLOUDEVENT, CLOUDEVENT_BATCH, EVENT_FORMATS, inRequest, type SentAs, sentAs } from "../intake/forms.ts";
import { ingestPause, RESULTS, type Results, streamAnswer } from "../intake/stream-answer.ts";
import { scopeOf } from "../principal.ts";
import { limitEvents } from "../rate-limit.ts";
import { declareRoute, mount } from "../route.ts";
import { partialAnswerSchema } from "../schemas/append.ts";
import { eventSchema } from "../schemas/event.ts";
import { appendAnswerSchema, domainIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const EVENT = { $ref: "#/components/schemas/AuditEvent" };
const NDJSON = "application/x-ndjson";

const headers = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .openapi({
      description: `Makes a retry answer the first receipts, for ${LIMITS.idempotencyDays} days. 1 to ${LIMITS.idempotencyKeyChars} printable ASCII characters, bare or quoted.`,
    }),
  "content-encoding": z
    .string()
    .optional()
    .openapi({ description: "`gzip` or `zstd`; the limits hold for the body as it is decompressed" }),
  prefer: z.string().optional().openapi({
    description: "`wait=replicated` answers when the queryable copy holds the entries too, or after ten seconds",
  }),
});

const query = z.object({
  mode: z
    .enum(["atomic", "partial"])
    .optional()
    .openapi({
      description: `\`atomic\` (default): all events are stored or none. \`partial\`: each for itself, with a result each; a body of ${NDJSON} may then be a stream of any length up to ${LIMITS.ingestStreamBytes} bytes, and is answered line by line.`,
    }),
  format: z.enum(EVENT_FORMATS).optional().openapi({
    description:
      "What each event is: ours (default), a CloudEvent 1.0, or an OCSF 1.x event. docs/ingesting.md has the mappings.",
  }),
  results: z.enum(RESULTS).optional().openapi({
    description: "Of a stream: a line for `all` events (default), or only for those that are `refused`",
  }),
});

// The body is given as plain JSON Schema: it is validated event by event in the handler, with pointers into the array.
const appendEntries = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/entries",
  operationId: "appendEntries",
  summary: "Append audit events",
  description: `One event, or an array of at most ${LIMITS.appendEvents}; at most ${LIMITS.appendBodyBytes} bytes. All are stored or none, unless \`mode=partial\` says otherwise. A receipt means that the entry is committed. Private values are sealed and kept apart from the entry, which holds a commitment to each; those about somebody who was erased are dropped and named in the receipt.`,
  tag: "Entries",
  permission: "entry.append",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "schema.required",
    "schema.mismatch",
    "schema.withdrawn",
    "entry.refused",
    "entry.id_conflict",
    "idempotency.key_reused",
    "backlog.full",
    "domain.stopped",
    "domain.importing",
    "keys.unavailable",
    "ledger.guard_missing",
    "residency.unknown",
    "storage.unavailable",
  ],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    headers,
    query,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: { oneOf: [EVENT, { type: "array", items: EVENT, minItems: 1, maxItems: LIMITS.appendEvents }] },
        },
        [NDJSON]: { schema: { type: "string", description: "One event a line" } },
        [CLOUDEVENT]: { schema: { type: "object", description: "A CloudEvent 1.0" } },
        [CLOUDEVENT_BATCH]: { schema: { type: "array", items: { type: "object" }, description: "CloudEvents 1.0" } },
      },
    },
  },
  responses: {
    201: { description: "Committed", content: { "application/json": { schema: appendAnswerSchema } } },
    200: {
      description:
        "The whole request had been answered before: the first receipts, `Idempotency-Replayed: true`. With `mode=partial`: every event is stored, or the body is a stream and the summary in its last line says what is",
      content: {
        "application/json": { schema: z.union([appendAnswerSchema, partialAnswerSchema]) },
        [NDJSON]: {
          schema: z
            .string()
            .openapi({ description: 'A line `EventResult` an event; the last line is `{"summary": AppendSummary}`' }),
        },
      },
    },
    207: {
      description: "With `mode=partial`: some events were refused",
      content: { "application/json": { schema: partialAnswerSchema } },
    },
  },
});

export function appendRoutes(app: CellApp): void {
  app.openAPIRegistry.register("AuditEvent", eventSchema);

  mount(app, appendEntries, async (c) => {
    const { domainId } = c.req.valid("param");
    const { mode = "atomic", format = "event", results = "all" } = c.req.valid("query");
    if (c.get("domain").kind !== "client") {
      throw new AppError("auth.forbidden", { detail: "this domain is reserved: only the product itself writes to it" });
    }
    const sent = sentAs(c, format);
    const idempotencyKey = readIdempotencyKey(c.req.header("Idempotency-Key"));
    if (mode === "partial" && sent.form === "ndjson") {
      const lines = await ingestStream(c, sent, idempotencyKey, results);
      return c.body(lines, 200, {
        "Content-Type": NDJSON,
        "Cache-Control": "no-store",
        // The type of a declared answer with several media types knows only the JSON among them.
      }) as never;
    }
    const waitForCopy = prefersReplicated(c.req.header("Prefer"));
    const body = await readEncodedText(c, LIMITS.appendBodyBytes);
    const parsed = parse(body, sent);
    demandSize(parsed);
    const reader = await readerFor(c, sent);
    const call = { scope: scopeOf(c), idempotencyKey, waitForCopy, personalData: guardOf(c) };
    c.header("Cache-Control", "no-store");
    if (mode === "partial") {
      const answer = await appendPartial(c, sent, parsed, reader, call);
      if (waitForCopy && answer.replicated) c.header("Preference-Applied", "wait=replicated");
      return answer.summary.refused > 0 ? c.json(answer, 207) : c.json(answer, 200);
    }
    const result = await appendAll(c, { sent, body, parsed, reader, call });
    if (waitForCopy && result.replicated) c.header("Preference-Applied", "wait=replicated");
    if (result.replayed) c.header("Idempotency-Replayed", "true");
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

const guardOf = (c: Context<HttpEnv>) => settingsOf(c.get("domain")).personal_data_guard;

async function appendPartial(c: Context<HttpEnv>, sent: SentAs, parsed: ParsedBody, reader: Reader, call: EachCall) {
  const { id: domainId } = c.get("domain");
  await limitEvents(c, parsed.values.length);
  const offered = parsed.values.map((value, index): Offered => {
    const read = reader(value);
    return isRefused(read) ? { index, refused: read } : { index, accepted: read, text: textOf(read) };
  });
  const { results, replicated } = await appendEach(c.get("services").log(domainId), offered, call);
  noteRefused(c, refusedAmong(results));
  const count = (status: string) => results.filter((result) => result.status === status).length;
  const [stored, replayed, refused] = ["stored", "replayed", "refused"].map(count) as [number, number, number];
  return {
    domain_id: domainId,
    results: results.map((result) => resultView(result, (errors) => inRequest(sent, errors))),
    summary: summaryView({ events: results.length, stored, replayed, refused, stopped: null }),
    replicated,
  };
}

/** The preference to wait for the copy is not honoured: a stream may be long. */
async function ingestStream(
  c: Context<HttpEnv>,
  sent: SentAs,
  idempotencyKey: string | null,
  results: Results,
): Promise<ReadableStream<Uint8Array>> {
  const input = bodyPieces(c);
  const reader = await readerFor(c, sent);
  const log = c.get("services").log(c.get("domain").id);
  const call = { scope: scopeOf(c), idempotencyKey, waitForCopy: false, personalData: guardOf(c) };
  const steps = appendStream(groupsOf(input, reader, ingestPause), async ({ events }) => {
    await limitEvents(c, events.length);
    const appended = await appendEach(log, events, call);
    noteRefused(c, refusedAmong(appended.results));
    return appended;
  });
  return streamAnswer(steps, results, () => input.cancel());
}

async function readerFor(c: Context<HttpEnv>, { mapping }: SentAs): Promise<Reader> {
  return readerOf({ mapping, shapeErrors, check: await domainChecks(c) });
}

function parse(body: string, { form, wrap }: SentAs): ParsedBody {
  const parsed = wrap ? wrap(body) : parseBody(body, form);
  if (!parsed.ok) {
    throw new AppError("request.malformed", { errors: [{ pointer: parsed.pointer, detail: parsed.detail }] });
  }
  return parsed.body;
}

function demandSize({ values }: ParsedBody): void {
  if (values.length === 0) throw invalid([{ pointer: "", detail: "must hold at least one event" }]);
  if (values.length > LIMITS.appendEvents) {
    throw bodyError("request.too_large", `a request may hold ${LIMITS.appendEvents} events`);
  }
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
