/**
 * From events to what waits for its place in the log. Synchronous and pure, given the domain's keys: classification,
 * pseudonyms. Throws `AppError` naming every event that is not accepted; nothing is stored then.
 */
import { canonicalJson } from "../../core/canonical.ts";
import { AppError, type ErrorCode, type FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import { noted, type SchemaNote } from "../../core/event-schema/note.ts";
import { LIMITS } from "../../core/limits.ts";
import { classifyEvent, type FindInClear, type PrivateValue } from "../../core/payload/classify.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import type { EntryFields } from "../../core/payload/payload.ts";
import { jsonPointer } from "../../core/strict-json.ts";
import type { DomainKeys } from "../../crypto/tenant-keys.ts";
import type { Clock } from "../ports.ts";
import { type Sighting, sightingsOf } from "./sealing/sightings.ts";

export interface PlannedEntry {
  /** JSON Pointer of the event in the request. */
  pointer: string;
  fields: EntryFields;
  /** The client's own id. */
  id: string | undefined;
  /** Digest of the whole event, to tell a retry from another event under the same id. Only with an id. */
  eventMac: Uint8Array | undefined;
  privateValues: PrivateValue[];
  /** The people of the event, as it names them. */
  people: Sighting[];
}

export interface PlanContext {
  keys: Pick<DomainKeys, "pseudonymOf" | "digest16">;
  clock: Clock;
}

/** `single`: the request was one event, so pointers carry no index. */
export function planEntries(
  events: readonly AuditEvent[],
  single: boolean,
  context: PlanContext,
  schemas: readonly (SchemaNote | null)[] = [],
  find: FindInClear = findInClearText,
): PlannedEntry[] {
  const faults: { code: ErrorCode; error: FieldError }[] = [];
  const planned = events.map((event, i) => {
    const at = single ? "" : jsonPointer(i);
    const fault = (code: ErrorCode, pointer: string, detail: string) =>
      faults.push({ code, error: { pointer: at + pointer, detail } });
    return { pointer: at, ...planEntry(event, schemas[i] ?? null, find, context, fault) };
  });
  const first = faults[0];
  if (first) {
    throw new AppError(first.code, {
      errors: faults.filter(({ code }) => code === first.code).map(({ error }) => error),
    });
  }
  return planned;
}

function planEntry(
  event: AuditEvent,
  schema: SchemaNote | null,
  find: FindInClear,
  { keys, clock }: PlanContext,
  fault: (code: ErrorCode, pointer: string, detail: string) => void,
): Omit<PlannedEntry, "pointer"> {
  const { fields, privateValues, refused } = classifyEvent(noted(event, schema), keys.pseudonymOf, find);
  if (refused) {
    fault("entry.refused", refused.pointer, `holds what looks like ${FINDINGS[refused.finding]}`);
  }
  if (fields.occurred_at && Date.parse(fields.occurred_at) > clock() + LIMITS.clockSkewMs) {
    fault("request.invalid", "/occurred_at", "is more than 24 hours in the future");
  }
  return {
    fields,
    id: event.id,
    eventMac: event.id === undefined ? undefined : keys.digest16("event", canonicalJson(event)),
    privateValues,
    people: sightingsOf(event, keys.pseudonymOf),
  };
}

const FINDINGS = { card_number: "a card number", email_address: "an e-mail address", secret: "a secret" } as const;
