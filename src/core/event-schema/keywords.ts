/** The keywords of draft 2020-12 that schemas of tenants may have, each with what may stand under it. */
import type { JsonValue } from "../strict-json.ts";
import { patternFault } from "./pattern-cost.ts";
import type { SchemaJson, SchemaOf } from "./vet.ts";

type Tokens = readonly (string | number)[];

export interface Vetting {
  root: SchemaJson;
  of: SchemaOf;
  fault(tokens: Tokens, detail: string): void;
  /** Vets a schema inside this one. */
  schema(value: JsonValue, tokens: Tokens): void;
}

type Vet = (value: JsonValue, tokens: Tokens, vetting: Vetting) => void;

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"];
/** Those whose check takes time in proportion to the text. */
const FORMATS = ["date-time", "date", "time", "uuid", "ipv4"];

const any: Vet = () => {};

const when =
  (fits: (value: JsonValue) => boolean, detail: string): Vet =>
  (value, tokens, { fault }) => {
    if (!fits(value)) fault(tokens, detail);
  };

const isText = (value: JsonValue): value is string => typeof value === "string";
const isNumber = (value: JsonValue): value is number => typeof value === "number";
const text = when(isText, "must be a string");
const flag = when((value) => typeof value === "boolean", "must be true or false");
const number = when(isNumber, "must be a number");
const count = when((value) => Number.isInteger(value) && (value as number) >= 0, "must be an integer from 0 on");

const schema: Vet = (value, tokens, vetting) => vetting.schema(value, tokens);

const schemas: Vet = (value, tokens, vetting) => {
  if (!Array.isArray(value) || value.length === 0)
    vetting.fault(tokens, "must be an array of schemas that is not empty");
  else for (const [i, each] of value.entries()) vetting.schema(each, [...tokens, i]);
};

const isNamed = (value: JsonValue): value is SchemaJson =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Names that every object of JavaScript answers to: a check could take the inherited one for the event's. */
const isUsable = (name: string) => !(name in Object.prototype);

const named: Vet = (value, tokens, vetting) => {
  if (!isNamed(value)) {
    vetting.fault(tokens, "must be an object of schemas");
    return;
  }
  for (const [name, each] of Object.entries(value)) {
    if (isUsable(name)) vetting.schema(each, [...tokens, name]);
    else vetting.fault([...tokens, name], "is a name that cannot be checked");
  }
};

const names: Vet = (value, tokens, { fault }) => {
  const isList = Array.isArray(value) && value.every((name) => isText(name) && isUsable(name));
  if (!isList || new Set(value).size !== value.length) fault(tokens, "must be an array of different names");
};

const dependent: Vet = (value, tokens, vetting) => {
  if (!isNamed(value)) vetting.fault(tokens, "must be an object of arrays of names");
  else for (const [name, each] of Object.entries(value)) names(each, [...tokens, name], vetting);
};

const types: Vet = (value, tokens, { fault }) => {
  const wanted = Array.isArray(value) ? value : [value];
  const areTypes = wanted.length > 0 && wanted.every((type) => isText(type) && TYPES.includes(type));
  if (!areTypes || new Set(wanted).size !== wanted.length) fault(tokens, `must be one or more of ${TYPES.join(", ")}`);
};

const pattern: Vet = (value, tokens, { fault }) => {
  const detail = isText(value) ? patternFault(value) : "must be a string";
  if (detail !== null) fault(tokens, detail);
};

/** Within this schema alone: nothing is fetched. */
const ref: Vet = (value, tokens, { fault, root }) => {
  const name = isText(value) ? /^#\/\$defs\/([A-Za-z0-9_-]{1,64})$/.exec(value)?.[1] : undefined;
  const isThere = name !== undefined && isNamed(root.$defs ?? null) && Object.hasOwn(root.$defs as SchemaJson, name);
  if (!isThere) fault(tokens, "must name a schema under $defs of this one: #/$defs/name");
};

const definitions: Vet = (value, tokens, vetting) => {
  if (tokens.length === 1) named(value, tokens, vetting);
  else vetting.fault(tokens, "must stand at the top");
};

const clear: Vet = (value, tokens, { fault, of }) => {
  if (typeof value !== "boolean") fault(tokens, "must be true or false");
  else if (of !== "metadata" || tokens.length !== 3 || tokens[0] !== "properties") {
    fault(tokens, "stands in the top-level properties of the metadata's schema only");
  }
};

export const KEYWORDS: Readonly<Record<string, Vet>> = {
  $schema: when((value) => value === DIALECT, `must be ${DIALECT}`),
  $comment: text,
  $defs: definitions,
  $ref: ref,
  title: text,
  description: text,
  default: any,
  examples: when(Array.isArray, "must be an array"),
  deprecated: flag,
  "x-clear": clear,
  type: types,
  enum: when((value) => Array.isArray(value) && value.length > 0, "must be an array that is not empty"),
  const: any,
  multipleOf: when((value) => isNumber(value) && value > 0, "must be a number above 0"),
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  minLength: count,
  maxLength: count,
  pattern,
  format: when((value) => isText(value) && FORMATS.includes(value), `must be one of ${FORMATS.join(", ")}`),
  properties: named,
  required: names,
  dependentRequired: dependent,
  additionalProperties: schema,
  minProperties: count,
  maxProperties: count,
  items: schema,
  prefixItems: schemas,
  minItems: count,
  maxItems: count,
  allOf: schemas,
  anyOf: schemas,
  oneOf: schemas,
  not: schema,
  if: schema,
  then: schema,
  else: schema,
};
