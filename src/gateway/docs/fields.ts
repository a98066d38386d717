/** Schemas as rows of a table: one row a field, those of objects and arrays in it below with their path. */
import { type ApiDocument, componentOf, type Schema } from "../../http/document/schema.ts";

export interface FieldRow {
  path: string;
  type: string;
  required: boolean;
  description: string;
}

/** Deeper fields are the reader's to look up in the document. */
const MAX_DEPTH = 4;

/** Every field of the schema to a bounded depth. A choice lists the fields of each of its objects, once a path. */
export function fieldRows(schema: Schema, document: ApiDocument): FieldRow[] {
  const rows = new Map<string, FieldRow>();
  const walk = (at: Schema, prefix: string, depth: number): void => {
    const own = resolved(at, document);
    if (depth > MAX_DEPTH) return;
    for (const choice of [...(own.oneOf ?? []), ...(own.anyOf ?? []), ...(own.allOf ?? [])])
      walk(choice, prefix, depth);
    if (own.items) walk(own.items, `${prefix}[]`, depth);
    if (typeof own.additionalProperties === "object" && prefix !== "")
      walk(own.additionalProperties, `${prefix}.*`, depth);
    for (const [name, property] of Object.entries(own.properties ?? {})) {
      const path = prefix === "" || prefix === "[]" ? name : `${prefix}.${name}`;
      const its = resolved(property, document);
      const required = own.required?.includes(name) ?? false;
      const description = property.description ?? its.description ?? "";
      if (!rows.has(path)) rows.set(path, { path, type: typeName(its, document), required, description });
      walk(property, path, depth + 1);
    }
  };
  walk(schema, "", 0);
  return [...rows.values()];
}

/** What a value may be, in a few words. */
export function typeName(schema: Schema, document: ApiDocument): string {
  const own = resolved(schema, document);
  const values = own.const === undefined ? own.enum : [own.const];
  if (values) {
    const shown = values.slice(0, 6).map((value) => `\`${String(value)}\``);
    return [...shown, ...(values.length > shown.length ? [`${values.length - shown.length} more`] : [])].join(", ");
  }
  const choices = own.oneOf ?? own.anyOf;
  if (choices) return [...new Set(choices.map((choice) => typeName(choice, document)))].join(" or ");
  const types = [own.type ?? "any JSON"].flat();
  if (types.includes("array") && own.items) return `array of ${typeName(own.items, document)}${bounds(own)}`;
  const base = types.map((type) => (type === "string" && own.format ? own.format : type)).join(" or ");
  return `${base}${bounds(own)}`;
}

function bounds(schema: Schema): string {
  const low = schema.minimum ?? schema.minItems ?? schema.minLength;
  const high = schema.maximum ?? schema.maxItems ?? schema.maxLength;
  if (high === undefined || high === Number.MAX_SAFE_INTEGER) return "";
  const unit = schema.maxLength === undefined ? "" : " characters";
  return low === undefined ? `, at most ${high}${unit}` : `, ${low} to ${high}${unit}`;
}

function resolved(schema: Schema, document: ApiDocument): Schema {
  const component = componentOf(schema);
  return component === null ? schema : (document.components.schemas[component] ?? {});
}
