/**
 * What an entry has in each field that can be asked for. Both the index's terms and the judgement of `match.ts` come from here,
 * so that they cannot disagree. Reads untrusted payloads: what is not of its type is not there.
 */
import { PERSON_TYPES } from "../event.ts";
import { LIMITS } from "../limits.ts";
import type { Payload } from "../payload/payload.ts";
import type { QueryField } from "./filter.ts";
import { wordsOf } from "./words.ts";

/** A place of the payload that names somebody or something. */
interface Named {
  type: string;
  id: string | null;
  ref: string | null;
}

const TRACE = /^00-([0-9a-f]{32})-/;

/** Each value once. `category`: of the entry's action, null when nobody knows it. */
export function valuesOf(field: QueryField, payload: Payload, category: string | null): string[] {
  switch (field) {
    case "actor":
      return actorValues(named(payload.actor));
    case "action":
      return typeof payload.action === "string" ? [payload.action, ...prefixes(payload.action)] : [];
    case "target":
      return [...new Set(list(payload.targets).flatMap(targetValues))];
    case "person":
      return [...new Set(people(payload))];
    case "outcome":
      return texts([payload.outcome]);
    case "category":
      return category === null ? [] : [category];
    case "trace":
      return texts([TRACE.exec(String(payload.traceparent))?.[1]]);
    case "request":
      return texts([payload.request_id]);
    case "caveat":
      return [...new Set(texts(array(payload.caveats)))];
    case "text":
      return clearWords(payload);
  }
}

/** How an actor that is no person is written: `service:ci`; an id that begins with its type says it once, `system:moonseal`. */
export const clearActor = (type: string, id: string): string => (id.startsWith(`${type}:`) ? id : `${type}:${id}`);

/** Types of actors whose id stands in clear. */
export const CLEAR_ACTOR_TYPES = ["service", "system"] as const;

/** `id:ci` is for queries that do not say the type; the index knows it by the types that it can be. */
function actorValues(actor: Named | null): string[] {
  if (!actor) return [];
  const { type, id, ref } = actor;
  const who = ref !== null ? [`person:${ref}`] : id !== null ? clearForms(type, id) : [];
  return [...who, `type:${type}`, ...(type === "anonymous" ? ["anonymous"] : [])];
}

/** The id without its type is the same whether the entry says the type in it or not. */
function clearForms(type: string, id: string): string[] {
  const actor = clearActor(type, id);
  return [actor, `id:${actor.slice(type.length + 1)}`];
}

function targetValues({ type, id, ref }: Named): string[] {
  return [...(ref !== null ? [`person:${ref}`] : id !== null ? [`${type}:${id}`] : []), `${type}:*`];
}

/** `iam.create_user.dry`: `iam.*`, `iam.create_user.*`. */
function prefixes(action: string): string[] {
  const segments = action.split(".");
  return segments.slice(0, -1).map((_, i) => `${segments.slice(0, i + 1).join(".")}.*`);
}

function people(payload: Payload): string[] {
  const places = [
    named(payload.actor),
    named(payload.on_behalf_of),
    ...list(payload.subjects),
    ...list(payload.targets),
  ];
  return places.flatMap((place) => (place?.ref ? [place.ref] : []));
}

/** Words of what stands in clear, at most `LIMITS.entryWords`, those of the action first and of metadata last. */
function clearWords(payload: Payload): string[] {
  const words = new Set<string>();
  for (const text of clearTexts(payload)) {
    for (const word of wordsOf(text)) {
      if (words.size >= LIMITS.entryWords) return [...words];
      words.add(word);
    }
  }
  return [...words];
}

function* clearTexts(payload: Payload): Generator<string> {
  yield* texts([payload.action, payload.request_id]);
  const actor = named(payload.actor);
  if (actor?.id) yield actor.id;
  for (const { type, id, ref } of list(payload.targets)) {
    if (ref !== null || PERSON_TYPES.includes(type)) continue;
    yield type;
    if (id !== null) yield id;
  }
  yield* texts(array(payload.caveats));
  for (const change of array(payload.changes)) yield* texts([(change as { path?: unknown } | null)?.path]);
  yield* textsWithin(payload.metadata);
}

/** Not the keys: those of one kind of entry are all the same. */
function* textsWithin(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  if (value === null || typeof value !== "object") return;
  for (const inner of Object.values(value)) yield* textsWithin(inner);
}

function named(place: unknown): Named | null {
  const { type, id, ref } = (place ?? {}) as { type?: unknown; id?: unknown; ref?: unknown };
  if (typeof type !== "string") return null;
  return { type, id: typeof id === "string" ? id : null, ref: typeof ref === "string" ? ref : null };
}

const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const list = (value: unknown): Named[] =>
  array(value)
    .map(named)
    .filter((place) => place !== null);
const texts = (values: readonly unknown[]): string[] => values.filter((value) => typeof value === "string");
