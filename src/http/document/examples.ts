/**
 * Examples of bodies and answers, made from their schemas: what a schema says itself (`example`, `const`, `enum`) comes first, then the
 * word of `example-values.ts` for the name of the field. A field without either leaves its operation without an example, and
 * test/http/openapi.test.ts names the field; the same test holds every example against its schema.
 */
import { ANSWER_TEXTS, COMPONENT_VALUES, FIELD_VALUES, SAMPLES } from "./example-values.ts";
import { type ApiDocument, componentOf, operationsOf, type Schema } from "./schema.ts";

/** Where an example could not be made: the operation, and the place in its body or answer. */
export interface MissingExample {
  operationId: string;
  /** JSON Pointer into the value, after `request` or the status. */
  at: string;
}

/** What has no bytes that would tell a reader something: pages and binary files. */
export const WITHOUT_EXAMPLE = /^(?:text\/html|application\/(?:octet-stream|x-tar|zip|gzip))\b/;

/** Writes `example` into every media type that has none. Returns what is missing; empty when every operation has its examples. */
export function addExamples(document: ApiDocument): MissingExample[] {
  const missing: MissingExample[] = [];
  for (const { operation } of operationsOf(document)) {
    const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
      ([type, media]) => ["request", type, media] as const,
    );
    const answers = Object.entries(operation.responses).flatMap(([status, { content }]) =>
      Object.entries(content ?? {}).map(([type, media]) => [status, type, media] as const),
    );
    for (const [place, type, media] of [...bodies, ...answers]) {
      if (media.example !== undefined || media.examples !== undefined || WITHOUT_EXAMPLE.test(type)) continue;
      const made = exampleOf(media.schema, document, place === "request", ANSWER_TEXTS[operation.operationId]);
      if (made.missing.length === 0) media.example = made.value;
      missing.push(
        ...made.missing.map((at) => ({ operationId: operation.operationId, at: `${place}${at} (${type})` })),
      );
    }
  }
  return missing;
}

/**
 * One value that the schema accepts, and the places for which there was no word: null where that is allowed. A request has only what is
 * required or has an example of its own.
 */
export function exampleOf(schema: Schema, document: ApiDocument, isRequest: boolean, text?: string) {
  const missing: string[] = [];
  /** `owner.field`: the nearest component and the field's name in it; `depth` bounds schemas that contain themselves. */
  const make = (at: Schema, owner: string, field: string, pointer: string, depth: number): unknown => {
    const component = componentOf(at);
    const own = component === null ? at : (document.components.schemas[component] ?? {});
    if (component !== null) {
      if (Object.hasOwn(COMPONENT_VALUES, component)) return COMPONENT_VALUES[component];
      return make(own, component, field, pointer, depth);
    }
    const said = saidBy(own);
    if (said !== undefined) return said;
    for (const name of [`${owner}.${field}`, field]) {
      if (Object.hasOwn(FIELD_VALUES, name) && fits(FIELD_VALUES[name], own)) return FIELD_VALUES[name];
    }
    const choices = own.oneOf ?? own.anyOf;
    if (choices?.[0]) return make(choices[0], owner, field, pointer, depth);
    if (own.allOf) {
      return Object.assign({}, ...own.allOf.map((part) => make(part, owner, field, pointer, depth))) as object;
    }
    const type = [own.type].flat().find((candidate) => candidate !== "null");
    if (own.properties || type === "object") return objectOf(own, owner, field, pointer, depth);
    if (type === "array") {
      if (depth > 8 || !own.items) return [];
      return [make(own.items, owner, `${field}[]`, `${pointer}/0`, depth + 1)];
    }
    if (type === "boolean") return false;
    if (type === "integer" || type === "number") return Math.max(own.minimum ?? 1, 1);
    if (type === "string") return stringOf(own, pointer);
    return { note: "any JSON value" };
  };
  const objectOf = (own: Schema, owner: string, field: string, pointer: string, depth: number): object => {
    const required = new Set(own.required);
    const fields = Object.entries(own.properties ?? {}).filter(
      ([name, property]) => required.has(name) || !isRequest || saidBy(property) !== undefined,
    );
    if (fields.length === 0 && typeof own.additionalProperties === "object" && own.additionalProperties.type) {
      const key = FIELD_VALUES[`${field}{}`];
      const name = typeof key === "string" ? key : "example";
      return { [name]: make(own.additionalProperties, owner, `${field}{}`, `${pointer}/${name}`, depth + 1) };
    }
    return Object.fromEntries(
      fields.map(([name, property]) => [name, make(property, owner, name, `${pointer}/${name}`, depth + 1)]),
    );
  };
  const stringOf = (own: Schema, pointer: string): unknown => {
    if (pointer === "" && text !== undefined) return text;
    const sample = SAMPLES.find((candidate) => (own.format || own.pattern) && fits(candidate.value, own, candidate));
    if (sample) return sample.value;
    if ([own.type].flat().includes("null")) return null;
    missing.push(pointer);
    return "";
  };
  return { value: make(schema, "", "", "", 0), missing };
}

/** The example that a schema states itself. */
function saidBy(schema: Schema): unknown {
  return schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.default ?? schema.enum?.[0];
}

/** Whether a word may stand where the schema is. A first sieve: the test validates the whole example. */
function fits(value: unknown, schema: Schema, { format }: { format?: string } = {}): boolean {
  const types = [schema.type ?? []].flat();
  if (schema.oneOf || schema.anyOf || types.length === 0) return false;
  if (value === null) return types.includes("null");
  const is = Array.isArray(value) ? "array" : typeof value;
  if (!types.some((type) => type === is || (type === "integer" && Number.isInteger(value)))) return false;
  if (typeof value !== "string") return true;
  if (schema.format !== undefined && format !== undefined && schema.format !== format) return false;
  if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? value.length)) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value);
}
