/**
 * What the check of an event against its tenant's schema adds to the entry. It travels beside the event and never inside it:
 * a retry under the same idempotency key or id stays the same request when the schema has a newer version meanwhile.
 */
import type { AuditEvent } from "../event.ts";

export interface SchemaNote {
  /** The version that the event fits, 1, 2, …: `schema_version` of the entry. */
  version: number;
  /** Top-level keys of the event's metadata that the schema marks as free of personal data (`x-clear`). */
  clear: readonly string[];
}

/** The event as it is classified: with the version that it fits, and what the schema marks among what is clear. */
export function noted(event: AuditEvent, note: SchemaNote | null | undefined): AuditEvent {
  if (!note) return event;
  const marked = note.clear.filter((key) => event.metadata !== undefined && Object.hasOwn(event.metadata, key));
  const clear = [...new Set([...(event.clear_metadata ?? []), ...marked])];
  return { ...event, schema_version: note.version, ...(clear.length > 0 ? { clear_metadata: clear } : {}) };
}

/** Takes back what `noted` has added, from an event that was changed after it: `sent` is as it came. */
export function unnoted(changed: AuditEvent, sent: AuditEvent, note: SchemaNote | null | undefined): AuditEvent {
  if (!note) return changed;
  const marked = new Set(note.clear.filter((key) => !sent.clear_metadata?.includes(key)));
  const { clear_metadata: all, schema_version: _, ...others } = changed;
  const own = all?.filter((key) => !marked.has(key)) ?? [];
  return {
    ...others,
    ...(sent.schema_version === undefined ? {} : { schema_version: sent.schema_version }),
    ...(own.length > 0 ? { clear_metadata: own } : {}),
  };
}
