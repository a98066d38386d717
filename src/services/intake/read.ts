/** From a value of the request to an event that may be stored: mapped, its shape checked, then the tenant's checks. */
import type { FieldError } from "../../core/errors.ts";
import { type AuditEvent, isActionName } from "../../core/event.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import { type EventCheck, isRefusal } from "./checks.ts";
import { isObject, type Mapping, type Origin, pointerOfOrigin } from "./mapping.ts";
import type { AcceptedEvent, Reader, RefusedEvent } from "./offered.ts";

export interface ReaderParts {
  /** Of another format; null: what is sent are events already. */
  mapping: Mapping | null;
  /** What is wrong with the shape of an event; none: it is an `AuditEvent`. */
  shapeErrors: (value: JsonValue) => FieldError[];
  check: EventCheck;
}

export function readerOf({ mapping, shapeErrors, check }: ReaderParts): Reader {
  return (value) => {
    const mapped = mapping ? mapping(value) : null;
    if (mapped && "errors" in mapped) return { code: "request.invalid", errors: mapped.errors, action: null };
    const event = mapped ? mapped.event : value;
    const origin = mapped?.origin;
    const errors = shapeErrors(event);
    if (errors.length > 0) return refused({ code: "request.invalid", errors }, event, origin);
    return checked(event as unknown as AuditEvent, check, origin);
  };
}

function checked(event: AuditEvent, check: EventCheck, origin: Origin | undefined): AcceptedEvent | RefusedEvent {
  const result = check(event);
  if (isRefusal(result)) return refused(result, event as unknown as JsonValue, origin);
  return {
    event: result.event,
    changed: origin !== undefined || result.event !== event,
    schema: result.schema,
    redacted: result.redacted?.map((pointer) => pointerOfOrigin(origin, pointer)),
    origin,
  };
}

function refused(
  { code, errors, schemaVersion }: Pick<RefusedEvent, "code" | "errors" | "schemaVersion">,
  event: JsonValue,
  origin: Origin | undefined,
): RefusedEvent {
  return { code, errors: atOrigin(errors, origin), action: actionIn(event), schemaVersion };
}

export function atOrigin(errors: readonly FieldError[], origin: Origin | undefined): FieldError[] {
  return errors.map(({ pointer, detail }) => ({ pointer: pointerOfOrigin(origin, pointer), detail }));
}

/** Only what has the form of a name is kept of what was refused. */
function actionIn(event: JsonValue): string | null {
  const action = isObject(event) ? event.action : undefined;
  return typeof action === "string" && isActionName(action) ? action : null;
}
