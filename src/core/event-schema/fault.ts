/** What a judge of JSON Schema found, in words that may leave the house: the place and the rule, never the value. */
import type { FieldError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** As judges put out (JSON Schema 2020-12 core, §12.4.2, "basic"). */
export interface SchemaFinding {
  keyword: string;
  keywordLocation: string;
  instanceLocation: string;
  error: string;
}

/** Keywords whose own fault only says that there is one below; alternatives are told as one. */
const ABOVE = new Set(["properties", "additionalProperties", "items", "prefixItems", "allOf", "if", "$ref"]);
const isTold = ({ keyword, keywordLocation }: SchemaFinding) =>
  !ABOVE.has(keyword) && !/\/(?:anyOf|oneOf)\/\d/.test(keywordLocation);

/** At most `LIMITS.schemaErrors`; `prefix`: of the pointers. */
export function schemaErrors(findings: readonly SchemaFinding[], prefix: string): FieldError[] {
  const told = findings.filter(isTold);
  return (told.length > 0 ? told : findings).slice(0, LIMITS.schemaErrors).map((found) => fieldError(found, prefix));
}

/** Of the judge's own words none goes out but a name that stands in the schema. */
function fieldError({ keyword, instanceLocation, error }: SchemaFinding, prefix: string): FieldError {
  const pointer = prefix + decodeURI(instanceLocation.slice(1));
  const lacking = keyword === "required" ? /property "(.*)"\.$/.exec(error)?.[1] : undefined;
  if (lacking !== undefined) return { pointer, detail: `lacks "${lacking}", which the schema requires` };
  if (keyword === "false") return { pointer, detail: "is nothing that the schema knows" };
  return { pointer, detail: `does not fit the rule "${keyword}" of the schema` };
}
