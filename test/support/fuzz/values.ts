/** Values from the schemas of the API description: what they accept, what they nearly accept, and what nobody should send. */
import fc from "fast-check";
import { type ApiDocument, componentOf, type Media, type Schema } from "../../../src/http/document/schema.ts";

/** Deeper objects get no optional fields. */
const MAX_DEPTH = 3;
/** Longer texts only make the run slow. Characters. */
const MAX_TEXT = 64;

/** What has broken parsers, stores or pages before. */
export const ODD_TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\u202e\u200d",
  "👩‍👩‍👧",
  "é".normalize("NFD"),
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "' OR 1=1 --",
  '"; DROP TABLE audit_log; --',
  "%00%0d%0a",
  "<script>",
  "=1+1",
  "null",
  "-0",
  "1e999",
  "9007199254740993",
  "0x10",
  "2026-02-30T25:61:61Z",
  "x".repeat(5000),
];

export const oddText = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ unit: "binary", maxLength: MAX_TEXT }));

const oddValue = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[]], [null], { a: {} }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that the schema accepts, as far as it says. */
export function accepted(schema: Schema, document: ApiDocument, depth = 0): fc.Arbitrary<unknown> {
  const component = componentOf(schema);
  if (component !== null) return accepted(document.components.schemas[component] ?? {}, document, depth);
  const said = [schema.example, ...(schema.examples ?? []), schema.default].filter((value) => value !== undefined);
  const made = madeFrom(schema, document, depth);
  return said.length === 0 ? made : fc.oneof(fc.constantFrom(...said), made);
}

function madeFrom(schema: Schema, document: ApiDocument, depth: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return fc.oneof(...choices.map((choice) => accepted(choice, document, depth)));
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => accepted(part, document, depth));
    return fc.tuple(...parts).map((values) => Object.assign({}, ...values) as unknown);
  }
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return fc.jsonValue({ maxDepth: 2 });
  return fc.oneof(...types.map((type) => ofType(type, schema, document, depth)));
}

function ofType(type: string, schema: Schema, document: ApiDocument, depth: number): fc.Arbitrary<unknown> {
  if (type === "null") return fc.constant(null);
  if (type === "boolean") return fc.boolean();
  if (type === "string") return text(schema);
  if (type === "integer" || type === "number") {
    const min = schema.minimum ?? 0;
    return fc.oneof(
      fc.integer({ min, max: Math.max(min, Math.min(schema.maximum ?? 1000, min + 1000)) }),
      fc.constantFrom(min, schema.maximum ?? 1000),
    );
  }
  if (type === "array") {
    const minLength = schema.minItems ?? 0;
    const maxLength = Math.max(minLength, Math.min(schema.maxItems ?? 3, depth >= MAX_DEPTH ? 1 : 3));
    return fc.array(accepted(schema.items ?? {}, document, depth + 1), { minLength, maxLength });
  }
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required);
  const kept = fields.filter(([name]) => depth < MAX_DEPTH || required.has(name));
  const values = kept.map(([name, property]) => [name, accepted(property, document, depth + 1)] as const);
  if (fields.length === 0)
    return fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
  return fc.record(Object.fromEntries(values), {
    requiredKeys: kept.map(([name]) => name).filter((name) => required.has(name)),
  });
}

function text(schema: Schema): fc.Arbitrary<string> {
  if (schema.format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (schema.format === "email") return fc.emailAddress();
  if (schema.format === "uri") return fc.webUrl();
  if (schema.format === "uuid") return fc.uuid();
  if (schema.pattern !== undefined) {
    try {
      return fc.stringMatching(new RegExp(schema.pattern, "u"), { size: "small" });
    } catch {
      // A pattern with something that fast-check cannot make texts of: the example is all there is.
    }
  }
  const minLength = schema.minLength ?? 0;
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(schema.maxLength ?? MAX_TEXT, MAX_TEXT)) });
}

/** A value with one place in it that is odd, missing or too much. */
export function nearly(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.nat(), oddValue, fc.constantFrom("replace", "drop", "add")).map(([whole, at, odd, how]) => {
    const copy = structuredClone(whole);
    const places = placesIn(copy);
    const place = places[at % (places.length || 1)];
    if (place === undefined) return odd;
    const holder = place.holder as Record<string, unknown>;
    if (how === "replace") holder[place.key] = odd;
    else if (how === "drop") delete holder[place.key];
    else holder[`${place.key}_x`] = odd;
    return copy;
  });
}

function placesIn(value: unknown): { holder: object; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [{ holder: value, key }, ...placesIn(inner)]);
}

/** Bodies: mostly right or nearly so, sometimes any JSON at all. `example` is the description's, which gets furthest. */
export const bodies = ({ schema, example }: Media, document: ApiDocument): fc.Arbitrary<unknown> => {
  const made = accepted(schema, document);
  const right = example === undefined ? made : fc.oneof(fc.constant(example), made);
  return fc.oneof(
    { weight: 5, arbitrary: right },
    { weight: 4, arbitrary: nearly(right) },
    { weight: 1, arbitrary: oddValue },
  );
};
