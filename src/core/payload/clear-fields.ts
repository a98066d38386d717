/**
 * Everything in an event that the client wrote and that will stand in clear in the payload, whatever looks at it: the object's
 * last line (`classify.ts`) and the guard at the door (`services/intake/guard.ts`) walk the same places. Pseudonyms are ours
 * and private values stand elsewhere, so neither is among them.
 */
import { type AuditEvent, isPersonActor, PERSON_TYPES } from "../event.ts";
import type { JsonValue } from "../strict-json.ts";

export interface ClearPlace {
  /** Of the JSON Pointer in the event. Reused by the walk: copy what is to be kept. */
  tokens: readonly (string | number)[];
  /** What the text is called: the key that it stands under, or the type beside an id. */
  called: string;
  /** A value of metadata or the request id, which can be replaced; ids, types, paths and keys cannot without meaning another thing. */
  replaceable: boolean;
}

/** Says whether the walk is over. The text of a JSON number is its decimal form. */
export type LookAtClear = (text: string, place: ClearPlace) => boolean;

interface Walk {
  tokens: (string | number)[];
  called: string;
  replaceable: boolean;
}

/**
 * Calls `look` for every clear text in the order of the fields; true when `look` ended it. The pointer of a key is that of its
 * object, so that it does not repeat the key. Not walked: `occurred_at`, which is rewritten from its time, and `schema_version`, a number. O(clear text).
 */
export function walkClear(event: AuditEvent, look: LookAtClear): boolean {
  const at: Walk = { tokens: [], called: "", replaceable: false };
  const text = (value: string | undefined, called: string, ...tokens: (string | number)[]): boolean => {
    if (value === undefined) return false;
    at.tokens = tokens;
    at.called = called;
    at.replaceable = tokens[1] === "request_id";
    return look(value, at);
  };
  const { actor, context } = event;
  return (
    text(event.id, "id", "id") ||
    text(event.action, "action", "action") ||
    text(actor.type, "type", "actor", "type") ||
    (!isPersonActor(actor) && text(actor.id, actor.type, "actor", "id")) ||
    text(event.outcome, "outcome", "outcome") ||
    text(event.on_behalf_of?.type, "type", "on_behalf_of", "type") ||
    some(
      event.targets,
      ({ type, id }, i) =>
        text(type, "type", "targets", i, "type") ||
        (!PERSON_TYPES.includes(type) && text(id, type, "targets", i, "id")),
    ) ||
    some(
      event.subjects,
      ({ type, role }, i) => text(type, "type", "subjects", i, "type") || text(role, "role", "subjects", i, "role"),
    ) ||
    some(event.changes, ({ path }, i) => text(path, "path", "changes", i, "path")) ||
    some(event.caveats, (name, i) => text(name, "caveat", "caveats", i)) ||
    text(context?.request_id, "request_id", "context", "request_id") ||
    text(context?.traceparent, "traceparent", "context", "traceparent") ||
    walkMetadata(event, at, look)
  );
}

/** The values of the keys that are declared clear, then every key: that of a private value stands beside its commitment. */
function walkMetadata({ metadata, clear_metadata: clear }: AuditEvent, at: Walk, look: LookAtClear): boolean {
  if (metadata === undefined) return false;
  at.tokens = ["metadata"];
  for (const key of clear ?? []) {
    if (Object.hasOwn(metadata, key) && walkMember(metadata[key] as JsonValue, key, key, at, look)) return true;
  }
  return Object.keys(metadata).some((key) => lookAtKey(key, at, look));
}

function walkMember(value: JsonValue, token: string | number, called: string, at: Walk, look: LookAtClear): boolean {
  at.tokens.push(token);
  const over = walkValue(value, called, at, look);
  at.tokens.pop();
  return over;
}

function walkValue(value: JsonValue, called: string, at: Walk, look: LookAtClear): boolean {
  if (typeof value === "string" || typeof value === "number") {
    at.called = called;
    at.replaceable = true;
    return look(String(value), at);
  }
  if (value === null || typeof value === "boolean") return false;
  if (Array.isArray(value)) return value.some((element, i) => walkMember(element, i, called, at, look));
  return Object.keys(value).some(
    (key) => lookAtKey(key, at, look) || walkMember(value[key] as JsonValue, key, key, at, look),
  );
}

function lookAtKey(key: string, at: Walk, look: LookAtClear): boolean {
  at.called = "";
  at.replaceable = false;
  return look(key, at);
}

function some<T>(values: readonly T[] | undefined, look: (value: T, i: number) => boolean): boolean {
  return values?.some(look) ?? false;
}
