/** Live connections: entries as they are committed, over a WebSocket or as server-sent events. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ACTION_CATEGORIES } from "../../core/actions/action.ts";
import { AppError } from "../../core/errors.ts";
import { OUTCOMES } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clause, EntryFilter, QueryField } from "../../core/query/filter.ts";
import { recordRead } from "../../services/query/record-read.ts";
import type { TailKind } from "../../services/tail/calls.ts";
import type { TailHolder } from "../../services/tail/holder.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { seqQuery } from "../schemas/query.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const EVENT_STREAM = "text/event-stream";
const PROTOCOL = "moonseal.tail.v1";
/** Of one parameter. */
const MAX_VALUES = 20;

const listOf = <T extends z.ZodType<string, string>>(value: T) =>
  z
    .union([value, z.array(value).max(MAX_VALUES)])
    .transform((given) => [given].flat() as string[])
    .optional();
const ACTION = z
  .string()
  .max(128)
  .regex(/^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\.\*)?$/, "must be an action, or the beginning of one with .* behind it");

const tailEntries = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/tail",
  operationId: "tailEntries",
  summary: "Follow the log: entries as they are committed",
  description: `Each entry from \`from\` on once, in order of \`seq\`, sent only when it is committed; without \`from\` those that come from now on. People stand here as pseudonyms and private values as commitments, as in \`listEntries\`. With several parameters an entry has to match all of them, and one of the values of each. Making a connection is itself an entry \`audit.read\` unless the domain's setting \`record_reads\` says otherwise.

**With \`Upgrade: websocket\`** a WebSocket of JSON messages: \`{"type":"entry","entry":…}\`; \`{"type":"mark","next":n}\` after at most ${LIMITS.tailWindowEntries} entries, to be sent back exactly as it came, or no more than two such windows are sent; \`{"type":"position","next":n}\` where entries were passed over; and \`{"type":"end","reason":…,"next":n}\` before the server closes. \`next\` is the \`from\` to connect again with. A client may send \`ping\` and is answered \`pong\`. Who cannot set headers, as browsers, offers the subprotocols \`${PROTOCOL}\` and \`bearer.<credential>\`; a credential never stands in an address. A page of another origin is refused.

**Otherwise** server-sent events (WHATWG HTML §9.2): \`data\` is the entry as \`listEntries\` shows it, \`id\` its \`seq\`; \`Last-Event-ID\` goes on behind it, and counts more than \`from\`. A comment every ${LIMITS.tailLookMs / 1000} s. A stream lasts ${LIMITS.tailStreamLifeMs / 60_000} minutes at most, a WebSocket ${LIMITS.tailSocketLifeMs / 3_600_000} hours: connect again.

The server ends a connection with \`life_over\`, \`lagging\` (the reader took nothing for ${LIMITS.tailStallMs / 1000} s), \`credential_ended\` (within ${LIMITS.tailTrustMs / 1000} s of it), \`domain_stopped\` or \`domain_gone\`, named in the event or message \`end\`. A domain may have ${LIMITS.tailsPerDomain} connections at a time, a tenant ${LIMITS.tailsPerTenant}; past that \`rate.limited\`.`,
  tag: "Entries",
  permission: "entry.read",
  problems: ["domain.stopped", "storage.unavailable", "auth.cross_site", "entry.expired"],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    query: z.strictObject({
      from: seqQuery.optional().openapi({ description: "First seq. Default: the head, so what is still to come" }),
      action: listOf(ACTION).openapi({
        type: "array",
        items: { type: "string" },
        description: "`invoice.paid`, or all that begins so: `invoice.*`",
      }),
      outcome: listOf(z.enum(OUTCOMES)).openapi({ type: "array", items: { type: "string", enum: [...OUTCOMES] } }),
      category: listOf(z.enum(ACTION_CATEGORIES)).openapi({
        type: "array",
        items: { type: "string", enum: [...ACTION_CATEGORIES] },
        description: "Of the registry (`/v1/event-types`)",
      }),
      payload: z.enum(["json", "text"]).default("json").openapi({
        description: "`text`: the exact canonical text that was hashed, as a string",
      }),
    }),
    headers: z.object({
      "last-event-id": seqQuery.optional().openapi({ description: "Seq of the last event that was received" }),
    }),
  },
  responses: {
    101: { description: "A WebSocket" },
    200: {
      description: "The events",
      content: { [EVENT_STREAM]: { schema: z.string().openapi({ description: "Server-sent events" }) } },
    },
  },
});

export function tailRoutes(app: CellApp): void {
  mount(app, tailEntries, async (c) => {
    const services = c.get("services");
    const { keeper } = services;
    const { domainId } = c.req.valid("param");
    const { from, payload: form, ...asked } = c.req.valid("query");
    const { "last-event-id": lastId } = c.req.valid("header");
    const kind = kindOf(c);
    const filter = filterOf(asked);
    const start = lastId === undefined ? (from ?? null) : lastId + 1;
    const { tenantId } = c.get("domain");
    const call = { tenantId, from: start, filter, form, holder: holderOf(c) };
    const opened = await keeper(domainId).tail(call, kind);
    // Nothing has left yet: what cannot be recorded is not shown.
    const more = { connection: kind, ...(start === null ? {} : { from: start }) };
    await recordRead(services, askedBy(c), c.get("domain"), { kind: "tail", filter, more }).catch(async (error) => {
      await leave(opened);
      throw error;
    });
    return kind === "socket" ? upgraded(c, opened) : streamed(c, opened);
  });
}

/** Throws `auth.cross_site` for a page of another origin: a browser says where a WebSocket comes from and asks nobody first. */
function kindOf(c: Context<HttpEnv>): TailKind {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") return "stream";
  const origin = c.req.header("Origin");
  if (origin !== undefined && origin !== new URL(c.req.url).origin) throw new AppError("auth.cross_site");
  const offered = protocolsOf(c);
  if (offered.length > 0 && !offered.includes(PROTOCOL)) {
    throw invalid([{ pointer: "header:sec-websocket-protocol", detail: `must offer ${PROTOCOL}` }]);
  }
  return "socket";
}

const protocolsOf = (c: Context<HttpEnv>): string[] =>
  (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").flatMap((name) => name.trim() || []);

function filterOf(asked: Partial<Record<"action" | "outcome" | "category", string[] | undefined>>): EntryFilter {
  const clauses = Object.entries(asked).flatMap(([field, anyOf]): Clause[] =>
    anyOf === undefined || anyOf.length === 0 ? [] : [{ field: field as QueryField, anyOf, not: false }],
  );
  return { clauses, afterMs: null, beforeMs: null };
}

/** Who listens, as the keeper finds them again. */
function holderOf(c: Context<HttpEnv>): TailHolder {
  const { kind, keyId, person } = c.get("principal");
  if (keyId !== null) return { kind: "api_key", keyId };
  if (!person) return { kind: "operator" };
  const { id: personId, sessionId } = person;
  if (kind === "member") return { kind, personId, sessionId };
  return { kind: "staff", personId, sessionId, approved: c.get("accessId") !== undefined };
}

async function leave({ webSocket, body }: Response): Promise<void> {
  webSocket?.accept();
  webSocket?.close();
  await body?.cancel();
}

function upgraded(c: Context<HttpEnv>, { webSocket }: Response): Response {
  const headers = new Headers({ "X-Request-Id": c.get("requestId") });
  if (protocolsOf(c).includes(PROTOCOL)) headers.set("Sec-WebSocket-Protocol", PROTOCOL);
  return new Response(null, { status: 101, webSocket, headers });
}

function streamed(c: Context<HttpEnv>, { body }: Response): Response {
  return c.body(body as ReadableStream<Uint8Array>, 200, {
    "Content-Type": EVENT_STREAM,
    "Cache-Control": "no-store, no-transform",
    // For proxies that would gather what they pass on.
    "X-Accel-Buffering": "no",
  });
}
