/**
 * CloudEvents 1.0 (JSON format §2 to §4, HTTP binding §3): an envelope becomes an event. docs/ingesting.md prints the table
 * below, and a test compares the two.
 *
 * What `data` is: with `dataschema` = `DATA_IS_EVENT` an event of ours, whose own fields come first; with another format
 * asked for, an event of that one; else anything, kept as the private value `/metadata/data`.
 */
import type { FieldError } from "../../core/errors.ts";
import { ACTION_PATTERN } from "../../core/event.ts";
import { type JsonValue, jsonPointer } from "../../core/strict-json.ts";
import { dateTime, derivedId, foreignAction, identityId, lineOf, segment, traceparent } from "./converters.ts";
import { Draft, type FieldMapping, isObject, type JsonObject, type Mapped, type Mapping } from "./mapping.ts";

/** `dataschema` of an envelope whose `data` is an event as `POST …/audit/entries` takes it. */
export const DATA_IS_EVENT = "urn:moonseal:audit-event:1";

/** Attributes with a place of their own in an event. `authtype` and `authid` are those of the Auth Context extension. */
export const CLOUDEVENTS_FIELDS: readonly FieldMapping[] = [
  { from: ["/time"], to: "/occurred_at", as: dateTime },
  { from: ["/traceparent"], to: "/context/traceparent", as: traceparent },
  { from: ["/subject"], to: "/targets/0/id", as: identityId },
];

/** Types of actors by the Auth Context extension; with another one, and without: the source, as a service. */
export const AUTH_TYPES: Readonly<Record<string, "user" | "service" | "system" | "anonymous">> = {
  app_user: "user",
  user: "user",
  service_account: "service",
  api_key: "service",
  system: "system",
  unauthenticated: "anonymous",
};

/** Key of metadata for what no row has taken. */
const REST = "cloudevents";
const MAX_SEGMENTS = 5;
const MAX_ATTRIBUTE_CHARS = 64;
const ownEvent: Mapping = (value) =>
  isObject(value)
    ? {
        event: structuredClone(value),
        origin: new Map(Object.keys(value).map((key) => [jsonPointer(key), jsonPointer(key)])),
      }
    : { errors: [{ pointer: "", detail: "must be an event" }] };

/** The mapping of envelopes; `inner` reads `data` where another format was asked for. */
export const cloudEvents =
  (inner: Mapping | null): Mapping =>
  (value) => {
    const errors = envelopeErrors(value);
    if (errors.length > 0 || !isObject(value)) return { errors };
    const reader = value.dataschema === DATA_IS_EVENT ? ownEvent : inner;
    return reader ? aroundEvent(value, reader) : fromEnvelope(value);
  };

/** No data is understood: the envelope alone says what happened. */
function fromEnvelope(envelope: JsonObject): Mapped {
  const draft = new Draft(envelope);
  const action = actionOf(envelope.type as string);
  if (action === null)
    return { errors: [{ pointer: "/type", detail: "gives no action: it has neither letters nor digits" }] };
  draft.put("/action", action, "/type");
  putId(draft, envelope);
  putActor(draft, envelope);
  draft.take(CLOUDEVENTS_FIELDS);
  const target = draft.event.targets as JsonObject | undefined;
  if (target) {
    // A target is an array's element; the table can only say what is in it.
    draft.event.targets = [{ type: "subject", id: (target["0"] as JsonObject).id as string }];
  }
  keepData(draft);
  draft.keepRest(REST);
  return { event: draft.event, origin: draft.origin };
}

/** `data` is an event; what it does not say itself, the envelope does. */
function aroundEvent(envelope: JsonObject, reader: Mapping): Mapped {
  if (envelope.data === undefined) return { errors: [{ pointer: "/data", detail: "must be the event" }] };
  const read = reader(envelope.data);
  if ("errors" in read) {
    return { errors: read.errors.map(({ pointer, detail }) => ({ pointer: `/data${pointer}`, detail })) };
  }
  const taken = ownPlaceTaken(read.event);
  if (taken)
    return { errors: [{ pointer: `/data${taken}`, detail: "is where the attributes of the envelope are kept" }] };
  const draft = new Draft(envelope);
  draft.remove("/data");
  Object.assign(draft.event, read.event);
  for (const [to, from] of read.origin) draft.origin.set(to, `/data${from}`);
  if (draft.event.id === undefined) putId(draft, envelope);
  if (draft.event.action === undefined) {
    const action = actionOf(envelope.type as string);
    if (action !== null) draft.put("/action", action, "/type");
  }
  // Not the subject: the event has targets of its own.
  draft.take(CLOUDEVENTS_FIELDS.filter(({ to }) => !to.startsWith("/targets") && fits(draft.event, to)));
  const { metadata } = draft.event;
  if (metadata === undefined || isObject(metadata)) draft.keepRest(REST);
  return { event: draft.event, origin: draft.origin };
}

/** The event's own value would be lost there, and what it declares clear would show the envelope. Null: the place is free. */
function ownPlaceTaken({ metadata, clear_metadata: clear }: JsonObject): string | null {
  if (isObject(metadata) && Object.hasOwn(metadata, REST)) return jsonPointer("metadata", REST);
  return Array.isArray(clear) && clear.includes(REST) ? jsonPointer("clear_metadata", clear.indexOf(REST)) : null;
}

/** Nothing is put inside of what is no object: the check of the event names that. */
function fits(event: JsonObject, to: string): boolean {
  return !to.startsWith("/context") || event.context === undefined || isObject(event.context);
}

/** Unique for a source only (§3.1.1), so the source is part of it. Both stay in the private rest. */
function putId(draft: Draft, { source, id }: JsonObject): void {
  draft.put("/id", derivedId("ce", source as string, id as string), "/id");
}

function putActor(draft: Draft, { authtype, authid, source }: JsonObject): void {
  const type = typeof authtype === "string" && Object.hasOwn(AUTH_TYPES, authtype) ? AUTH_TYPES[authtype] : undefined;
  if (type === "anonymous") {
    draft.put("/actor/type", type, "/authtype");
    return;
  }
  const id = authid === undefined || authid === null ? undefined : identityId(authid);
  if (type !== undefined && id !== undefined) {
    draft.put("/actor/type", type, "/authtype");
    draft.put("/actor/id", id, "/authid");
    draft.remove("/authtype");
    draft.remove("/authid");
    return;
  }
  draft.put("/actor/type", "service", "/source");
  draft.put("/actor/id", source as string, "/source");
}

function keepData(draft: Draft): void {
  for (const key of ["data", "data_base64"]) {
    const value = draft.rest[key];
    if (value === undefined || value === null) continue;
    draft.put(`/metadata/${key}`, value, `/${key}`);
    // Where all metadata together is too large, that is why.
    draft.origin.set("/metadata", `/${key}`);
    draft.remove(`/${key}`);
  }
}

/**
 * `com.example.invoice.Exported` → `com.example.invoice.exported`: each part in lower snake case. Of more than five the last
 * five; one alone stands after `event`. What only the product writes gets the prefix `ce_`. The type itself stays in the private rest.
 */
export function actionOf(type: string): string | null {
  const segments = type.split(".").flatMap((part) => segment(part, "n") ?? []);
  if (segments.length === 0) return null;
  const named = segments.length === 1 ? ["event", ...segments] : segments.slice(-MAX_SEGMENTS);
  const action = foreignAction(named.join("."), "ce");
  return ACTION_PATTERN.test(action) ? action : null;
}

const nonEmpty = lineOf(1024);

/** §3.1: what every envelope has; attributes are scalars with names of lower-case letters and digits (§3, §4). */
function envelopeErrors(value: JsonValue): FieldError[] {
  if (!isObject(value)) return [{ pointer: "", detail: "must be a CloudEvent" }];
  const errors: FieldError[] = [];
  if (value.specversion !== "1.0") errors.push({ pointer: "/specversion", detail: "must be 1.0" });
  for (const name of ["id", "type"]) {
    if (nonEmpty(value[name] ?? null) === undefined) {
      errors.push({ pointer: `/${name}`, detail: "is required: text of one line, at most 1024 characters" });
    }
  }
  if (identityId(value.source ?? null) === undefined) {
    errors.push({ pointer: "/source", detail: "is required: text of one line, at most 256 characters" });
  }
  if (value.data !== undefined && value.data_base64 !== undefined) {
    errors.push({ pointer: "/data_base64", detail: "and data cannot both be there" });
  }
  if (value.authclaims !== undefined) {
    errors.push({ pointer: "/authclaims", detail: "values of claims are never accepted; send the event without" });
  }
  for (const [name, attribute] of Object.entries(value)) {
    if (name === "data" || name === "data_base64") continue;
    if (!/^[a-z0-9]+$/.test(name) || name.length > MAX_ATTRIBUTE_CHARS) {
      errors.push({ pointer: jsonPointer(name), detail: "must be named with lower-case letters and digits" });
    } else if (attribute !== null && typeof attribute === "object") {
      errors.push({ pointer: jsonPointer(name), detail: "must be a string, a number or a boolean" });
    }
  }
  return errors;
}
