/** The schemas of one version of a type, ready to judge: the same judge and the same words as the server's. */
import { Validator } from "@cfworker/json-schema";
import type { FieldError } from "../../core/errors.ts";
import { schemaErrors } from "../../core/event-schema/fault.ts";
import type { SchemaJson } from "../../core/event-schema/vet.ts";
import type { JsonValue } from "../../core/strict-json.ts";

export type Judge = (event: { [field: string]: JsonValue }) => FieldError[];

/** Of schemas that were vetted (`schemaFaults`, or the server): what judging costs is bounded by that. */
export function judgeOf(metadataSchema: SchemaJson, eventSchema: SchemaJson | null): Judge {
  // It writes into the schema that it is given.
  const validator = (schema: SchemaJson) => new Validator(structuredClone(schema), "2020-12", false);
  const metadata = validator(metadataSchema);
  const whole = eventSchema && validator(eventSchema);
  return (event) => [
    ...schemaErrors(metadata.validate(event.metadata ?? {}).errors, "/metadata"),
    ...(whole ? schemaErrors(whole.validate(event).errors, "") : []),
  ];
}
