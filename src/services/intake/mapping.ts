/**
 * Events of other formats, mapped field by field. A mapping gives the event and, for each place in it, where that stood in
 * what the client sent, so that whatever is wrong is named where the client can find it. What no row maps stays in the event
 * as private metadata: nothing is dropped.
 */
import type { FieldError } from "../../core/errors.ts";
import { type JsonValue, jsonPointer } from "../../core/strict-json.ts";

export type JsonObject = { [key: string]: JsonValue };
/** JSON Pointers: of the event → of what was sent. */
export type Origin = ReadonlyMap<string, string>;

export type Mapped = { event: JsonObject; origin: Origin } | { errors: FieldError[] };
export type Mapping = (value: JsonValue) => Mapped;

/** One field. The first of `from` whose value `as` accepts is taken, when nothing stands at `to` yet. */
export interface FieldMapping {
  /** JSON Pointers into what is sent. */
  from: readonly string[];
  /** JSON Pointer into the event. */
  to: string;
  /** How the value is taken over; undefined: it is no such value, and stays where it was. */
  as: Converter;
  /** The value stays among what is not mapped, too: what was taken from it does not hold all of it. */
  stays?: true;
}

export type Converter = (value: JsonValue) => JsonValue | undefined;

/** Where a field of the event stood in what was sent: by the longest pointer that is known to lead to it. */
export function pointerOfOrigin(origin: Origin | undefined, pointer: string): string {
  if (!origin) return pointer;
  for (let end = pointer.length; end > 0; end = pointer.lastIndexOf("/", end - 1)) {
    const source = origin.get(pointer.slice(0, end));
    if (source !== undefined) return source + pointer.slice(end);
  }
  return "";
}

/** Builds an event from a copy of what was sent; what is taken leaves the copy. */
export class Draft {
  readonly event: JsonObject = {};
  readonly rest: JsonObject;
  readonly origin = new Map<string, string>();
  /** Where `rest` stands in what was sent. */
  readonly base: string;

  constructor(sent: JsonObject, base = "") {
    this.rest = structuredClone(sent);
    this.base = base;
  }

  take(rows: readonly FieldMapping[]): void {
    for (const row of rows) this.#takeRow(row);
  }

  #takeRow({ from, to, as, stays }: FieldMapping): void {
    if (valueAt(this.event, to) !== undefined) return;
    for (const pointer of from) {
      const value = valueAt(this.rest, pointer);
      const taken = value === undefined || value === null ? undefined : as(value);
      if (taken === undefined) continue;
      this.put(to, taken, pointer);
      if (!stays) removeAt(this.rest, pointer);
      return;
    }
  }

  /** `from`: the pointer that the value was made of. */
  put(to: string, value: JsonValue, from: string): void {
    setAt(this.event, to, value);
    this.origin.set(to, this.base + from);
  }

  remove(pointer: string): void {
    removeAt(this.rest, pointer);
  }

  /** Keeps what no row has taken as one private value, unless nothing is left. */
  keepRest(metadataKey: string): void {
    if (isEmpty(this.rest)) return;
    const metadata = this.event.metadata as JsonObject | undefined;
    this.event.metadata = { ...metadata, [metadataKey]: this.rest };
    this.origin.set(jsonPointer("metadata", metadataKey), this.base);
  }
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  value !== null && typeof value === "object" && !Array.isArray(value);

export function valueAt(root: JsonObject, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const token of tokensOf(pointer)) {
    if (Array.isArray(value)) value = value[Number(token)];
    else value = isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
  }
  return value;
}

function setAt(root: JsonObject, pointer: string, value: JsonValue): void {
  const tokens = tokensOf(pointer);
  const last = tokens.pop() as string;
  let place = root;
  for (const token of tokens) {
    const next = place[token];
    if (isObject(next)) place = next;
    else {
      const made: JsonObject = {};
      place[token] = made;
      place = made;
    }
  }
  place[last] = value;
}

/** With the objects around it that are empty then. */
function removeAt(root: JsonObject, pointer: string): void {
  const tokens = tokensOf(pointer);
  const last = tokens.pop() as string;
  const parent = valueAt(root, jsonPointer(...tokens));
  if (!isObject(parent)) return;
  delete parent[last];
  if (tokens.length > 0 && isEmpty(parent)) removeAt(root, jsonPointer(...tokens));
}

const isEmpty = (value: JsonObject) => Object.keys(value).length === 0;

const tokensOf = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
