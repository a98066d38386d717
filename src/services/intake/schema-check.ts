/**
 * Events against their tenant's schemas. The judge is @cfworker/json-schema, which interprets and makes no code of strangers';
 * what it can cost is bounded by which schemas are taken (`core/event-schema/vet.ts`).
 */
import { Validator } from "@cfworker/json-schema";
import type { FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { schemaErrors } from "../../core/event-schema/fault.ts";
import { clearKeys, type SchemaJson } from "../../core/event-schema/vet.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { EventTypeVersion } from "../event-types/ports.ts";
import type { EventCheck, Refusal } from "./checks.ts";

/** What is known of one action of a tenant. */
export interface KnownType {
  withdrawn: boolean;
  newest: number;
  version(version: number): CompiledVersion | undefined;
}

/** The types of a tenant by action; null: they were never read, and cannot be read now. */
export type KnownTypes = ReadonlyMap<string, KnownType> | null;

/** A version that is ready to judge. */
export class CompiledVersion {
  readonly version: number;
  readonly clear: readonly string[];
  readonly #metadata: Judge;
  readonly #event: Judge | null;

  constructor({ version, metadataSchema, eventSchema }: EventTypeVersion) {
    this.version = version;
    this.clear = clearKeys(metadataSchema);
    this.#metadata = new Judge(metadataSchema);
    this.#event = eventSchema && new Judge(eventSchema);
  }

  faults(event: AuditEvent): FieldError[] {
    const inMetadata = this.#metadata.faults((event.metadata ?? {}) as JsonValue, "/metadata");
    const inEvent = this.#event?.faults(event as unknown as JsonValue, "") ?? [];
    return [...inMetadata, ...inEvent].slice(0, LIMITS.schemaErrors);
  }
}

/** `requireSchema`: an action without a type is refused. */
export function schemaCheck(types: KnownTypes, requireSchema: boolean): EventCheck {
  return (event) => {
    const asked = event.schema_version;
    if (types === null) {
      // An entry that names a version was checked against it: that it cannot be checked now is said, not passed over.
      if (asked === undefined && !requireSchema) return { event };
      return refusal("storage.unavailable", "/action", "the tenant's schemas cannot be read now");
    }
    const type = types.get(event.action);
    if (!type) {
      if (asked !== undefined)
        return refusal("schema.required", "/schema_version", "no schema is known for the action");
      return requireSchema ? refusal("schema.required", "/action", "no schema is known for the action") : { event };
    }
    if (type.withdrawn) return refusal("schema.withdrawn", "/action", "the type was withdrawn");
    const version = type.version(asked ?? type.newest);
    if (!version) return refusal("schema.required", "/schema_version", `the newest version is ${type.newest}`);
    const errors = version.faults(event);
    if (errors.length > 0) return { code: "schema.mismatch", errors, schemaVersion: version.version };
    return { event, schema: { version: version.version, clear: version.clear } };
  };
}

const refusal = (code: Refusal["code"], pointer: string, detail: string): Refusal => ({
  code,
  errors: [{ pointer, detail }],
});

/** Up to this much JSON all faults are looked for; past it the first one is told. Bytes, about. */
const SMALL = 4096;

class Judge {
  readonly #schema: SchemaJson;
  #validators: { first: Validator; all: Validator } | null = null;

  constructor(schema: SchemaJson) {
    this.#schema = schema;
  }

  faults(value: JsonValue, prefix: string): FieldError[] {
    this.#validators ??= { first: this.#validator(true), all: this.#validator(false) };
    const { first, all } = this.#validators;
    const verdict = first.validate(value);
    if (verdict.valid) return [];
    const { errors } = JSON.stringify(value).length <= SMALL ? all.validate(value) : verdict;
    return schemaErrors(errors, prefix);
  }

  /** It writes into the schema that it is given, so each has its own. */
  #validator(stopsAtFirst: boolean): Validator {
    return new Validator(structuredClone(this.#schema), "2020-12", stopsAtFirst);
  }
}
