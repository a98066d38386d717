/**
 * What every event of a client has to pass before it goes to its log: the tenant's schema, then the guard. It runs in the
 * Worker, after the shape (zod) was found right; the object that puts entries in order does none of it.
 */
import type { DomainSettings } from "../../core/domain-settings.ts";
import type { ErrorCode, FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { noted, type SchemaNote, unnoted } from "../../core/event-schema/note.ts";

/** Nothing of the event is stored. Pointers are relative to the event, details never hold a value of it. */
export interface Refusal {
  code: ErrorCode;
  errors: FieldError[];
  /** The version that it was checked against. */
  schemaVersion?: number;
}

export interface Passed {
  /** As it is to be stored: the guard may have replaced values. The same object when nothing was changed. */
  event: AuditEvent;
  /** Goes beside the event (`AppendCall.schemas`), so that a retry stays the same request. Absent: no schema holds for it. */
  schema?: SchemaNote;
  /** JSON Pointers of the values that the guard replaced: the receipt names them. */
  redacted?: string[];
}

export type EventCheck = (event: AuditEvent) => Passed | Refusal;

export const isRefusal = (result: Passed | Refusal): result is Refusal => "code" in result;

/**
 * The guard sees what will stand in clear: what the schema marks is among it. What the guard replaces is not checked against
 * the schema again: it was what it says when it came.
 */
export function composed(schema: EventCheck, guard: EventCheck): EventCheck {
  return (event) => {
    const checked = schema(event);
    if (isRefusal(checked)) return checked;
    const note = checked.schema ? { schema: checked.schema } : {};
    const shown = noted(event, checked.schema);
    const guarded = guard(shown);
    if (isRefusal(guarded)) return { ...guarded, ...(checked.schema ? { schemaVersion: checked.schema.version } : {}) };
    if (guarded.event === shown) return { event, ...note };
    const named = guarded.redacted ? { redacted: guarded.redacted } : {};
    return { event: unnoted(guarded.event, event, checked.schema), ...note, ...named };
  };
}

export interface CheckedDomain {
  tenantId: string;
  settings: Partial<DomainSettings>;
}

/** What an event is checked against: `CellServices` has it. */
export interface CheckServices {
  /**
   * The check of all events of a domain. Costs a read of the control database at most every `LIMITS.domainCacheMs`. Throws
   * `storage.unavailable` where schemas are required, were never read and cannot be read now.
   */
  checks: (domain: CheckedDomain) => Promise<EventCheck>;
}
