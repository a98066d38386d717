/** What an append may be sent as: its media type, the format of its events, and the headers of a binary CloudEvent. */
import { Buffer } from "node:buffer";
import type { Context } from "hono";
import type { FieldError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { cloudEvents } from "../../services/intake/cloudevents.ts";
import type { JsonObject, Mapping } from "../../services/intake/mapping.ts";
import { ocsf } from "../../services/intake/ocsf/map.ts";
import { type BodyForm, type BodyResult, parseBody } from "../../services/log/body.ts";
import { mediaType, unsupportedMediaType } from "../body.ts";
import type { HttpEnv } from "../environment.ts";
import { invalid } from "../validation.ts";

export const EVENT_FORMATS = ["event", "cloudevents", "ocsf"] as const;
export type EventFormat = (typeof EVENT_FORMATS)[number];

export const CLOUDEVENT = "application/cloudevents+json";
export const CLOUDEVENT_BATCH = "application/cloudevents-batch+json";
const SPECVERSION = "ce-specversion";
const ACCEPTED = `application/json, application/x-ndjson, ${CLOUDEVENT} or ${CLOUDEVENT_BATCH}`;

export interface SentAs {
  form: BodyForm;
  /** Null: the events are our own. */
  mapping: Mapping | null;
  /** Reads a body that is no plain JSON or NDJSON of events. */
  wrap: ((body: string) => BodyResult) | null;
  /** Pointers into the request, for those into the event that `wrap` made. */
  pointer: (pointer: string) => string;
}

/** Throws `request.unsupported_media_type`. */
export function sentAs(c: Context<HttpEnv>, format: EventFormat): SentAs {
  const type = mediaType(c);
  const whole = (pointer: string) => pointer;
  if (c.req.header(SPECVERSION) !== undefined) return binaryCloudEvent(c, type, format);
  if (type === CLOUDEVENT || type === CLOUDEVENT_BATCH) {
    const mapping = cloudEvents(format === "ocsf" ? ocsf : null);
    const wrap = (body: string) => oneOrMany(parseBody(body, "json"), type === CLOUDEVENT);
    return { form: "json", mapping, wrap, pointer: whole };
  }
  const mapping = { event: null, cloudevents: cloudEvents(null), ocsf }[format];
  if (type === "application/json") return { form: "json", mapping, wrap: null, pointer: whole };
  if (type === "application/x-ndjson") return { form: "ndjson", mapping, wrap: null, pointer: whole };
  throw unsupportedMediaType(ACCEPTED);
}

/** A batch is an array, and one event is none (JSON format of CloudEvents §3, §4). */
function oneOrMany(parsed: BodyResult, one: boolean): BodyResult {
  if (!parsed.ok || parsed.body.single === one) return parsed;
  throw invalid([{ pointer: "", detail: one ? "must be one event" : "must be an array of events" }]);
}

/** HTTP binding of CloudEvents §3.1: attributes are headers `ce-…`, percent-encoded; the body is the data. */
function binaryCloudEvent(c: Context<HttpEnv>, type: string, format: EventFormat): SentAs {
  const isJson = type === "application/json" || type.endsWith("+json");
  if (!isJson && !type.startsWith("text/")) throw unsupportedMediaType("JSON or text in a binary CloudEvent");
  const attributes: JsonObject = {};
  c.req.raw.headers.forEach((value, name) => {
    if (name.startsWith("ce-")) attributes[name.slice("ce-".length)] = percentDecoded(value);
  });
  if (type !== "application/json") attributes.datacontenttype = type;
  return {
    form: "json",
    mapping: cloudEvents(format === "ocsf" ? ocsf : null),
    wrap(body) {
      if (body === "") return { ok: true, body: { values: [attributes], single: true } };
      const data = isJson ? parseStrictJson(body, LIMITS.jsonDepth) : { ok: true as const, value: body };
      if (!data.ok) return data;
      return { ok: true, body: { values: [{ ...attributes, data: data.value }], single: true } };
    },
    pointer(pointer) {
      if (pointer === "/data" || pointer.startsWith("/data/")) return pointer.slice("/data".length);
      const [, name] = pointer.split("/");
      return name === undefined ? "" : name === "datacontenttype" ? "header:Content-Type" : `header:ce-${name}`;
    },
  };
}

/** Of UTF-8; where that is broken, as it came. */
function percentDecoded(value: string): string {
  const bytes = value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const text = Buffer.from(bytes, "latin1").toString("utf8");
  return text.includes("\ufffd") ? value : text;
}

export const inRequest = (sent: SentAs, errors: readonly FieldError[]): FieldError[] =>
  errors.map(({ pointer, detail }) => ({ pointer: sent.pointer(pointer), detail }));
