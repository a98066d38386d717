/**
 * Which JSON Schemas a tenant may have its events checked by: a part of draft 2020-12 whose cost is bounded by the schema's size
 * and the event's, whatever either holds. Everything else is refused with a JSON Pointer, so that nobody believes a rule to be
 * in force that is not.
 */
import { utf8 } from "../bytes.ts";
import type { FieldError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { findInClearValue } from "../payload/guard.ts";
import { type JsonValue, jsonPointer } from "../strict-json.ts";
import { KEYWORDS, type Vetting } from "./keywords.ts";

export type SchemaJson = { [keyword: string]: JsonValue };

/** What the schema is of: only the one of the metadata can mark keys as clear. */
export type SchemaOf = "metadata" | "event";

/**
 * Why an untrusted value is no schema that is taken; empty: it is. Pointers are relative to it. O(its size).
 * Not checked: whether any event can ever fit it.
 */
export function schemaFaults(schema: JsonValue, of: SchemaOf): FieldError[] {
  if (schema === null || typeof schema !== "object" || Array.isArray(schema)) {
    return [{ pointer: "", detail: "must be a JSON Schema that is an object" }];
  }
  if (utf8(JSON.stringify(schema)).length > LIMITS.eventSchemaBytes) {
    return [{ pointer: "", detail: `is larger than ${LIMITS.eventSchemaBytes} bytes of JSON` }];
  }
  // Schemas stand in clear.
  const found = findInClearValue(schema, []);
  if (found) return [{ pointer: jsonPointer(...found.tokens), detail: "must not hold personal data or a secret" }];
  const errors: FieldError[] = [];
  const vetting: Vetting = {
    root: schema,
    of,
    fault: (tokens, detail) => {
      if (errors.length < LIMITS.schemaErrors) errors.push({ pointer: jsonPointer(...tokens), detail });
    },
    schema: (value, tokens) => vetSchema(value, tokens, vetting),
  };
  vetSchema(schema, [], vetting);
  return errors.length > 0 ? errors : costFaults(schema);
}

function vetSchema(value: JsonValue, tokens: readonly (string | number)[], vetting: Vetting): void {
  if (typeof value === "boolean") return;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    vetting.fault(tokens, "must be a schema: an object, true or false");
    return;
  }
  // A schema inside another adds two tokens at most (`properties/name`, `allOf/0`).
  if (tokens.length > LIMITS.eventSchemaDepth * 2) {
    vetting.fault(tokens, `is nested deeper than ${LIMITS.eventSchemaDepth} schemas`);
    return;
  }
  for (const [keyword, given] of Object.entries(value)) {
    const vet = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    if (vet) vet(given, [...tokens, keyword], vetting);
    else vetting.fault([...tokens, keyword], "is not a keyword that is supported");
  }
}

/** Every `$ref` followed, it must come to an end, and to no more than `LIMITS.eventSchemaNodes` schemas. */
function costFaults(root: SchemaJson): FieldError[] {
  const known = new Map<string, number>();
  const open = new Set<string>();
  let fault: FieldError | null = null;
  const refTo = (ref: string, tokens: (string | number)[]): number => {
    if (open.has(ref)) {
      fault ??= { pointer: jsonPointer(...tokens), detail: "leads back to itself" };
      return 0;
    }
    const before = known.get(ref);
    if (before !== undefined) return before;
    open.add(ref);
    const name = ref.slice("#/$defs/".length);
    const cost = costOf((root.$defs as SchemaJson)[name] as JsonValue, ["$defs", name]);
    open.delete(ref);
    known.set(ref, cost);
    return cost;
  };
  /** `areNames`: what stands under `properties` and `$defs` are names of the tenant's, whatever keyword one is spelled like. */
  const costOf = (value: JsonValue, tokens: (string | number)[], areNames = false): number => {
    if (value === null || typeof value !== "object") return 0;
    if (Array.isArray(value)) return value.reduce<number>((sum, child, i) => sum + costOf(child, [...tokens, i]), 0);
    return Object.entries(value).reduce((sum, [key, child]) => {
      const at = [...tokens, key];
      if (areNames) return sum + costOf(child, at);
      if (NO_SCHEMAS.has(key)) return sum;
      if (key === "$ref" && typeof child === "string") return sum + refTo(child, at);
      return sum + costOf(child, at, NAMED.has(key));
    }, 1);
  };
  const nodes = costOf(root, []);
  if (fault) return [fault];
  if (nodes <= LIMITS.eventSchemaNodes) return [];
  return [{ pointer: "", detail: `is larger than ${LIMITS.eventSchemaNodes} schemas, with every $ref followed` }];
}

/** Their values are data. */
const NO_SCHEMAS: ReadonlySet<string> = new Set(["enum", "const", "default", "examples"]);
/** Their keys are names. */
const NAMED: ReadonlySet<string> = new Set(["properties", "$defs"]);

/** The top-level keys of the metadata that a vetted schema marks as free of personal data. */
export function clearKeys(metadataSchema: SchemaJson): string[] {
  const properties = (metadataSchema.properties ?? {}) as { [name: string]: JsonValue };
  return Object.keys(properties).filter((name) => (properties[name] as SchemaJson | undefined)?.["x-clear"] === true);
}
