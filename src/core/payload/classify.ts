/** Takes an event apart by the classes of `fields.ts`: what stands in the payload, what is private, what is refused. */
import { type AuditEvent, isPersonActor, PERSON_TYPES, type Target } from "../event.ts";
import { type JsonValue, jsonPointer } from "../strict-json.ts";
import { findInClearValue, type GuardFinding } from "./guard.ts";
import type { ClearRef, EntryFields, PersonRef } from "./payload.ts";

/** A value that may not stand in the payload, and whom it is about (`null`: nobody). */
export interface PrivateValue {
  pointer: string;
  value: JsonValue;
  subject: string | null;
}

export interface ClassifiedEvent {
  fields: EntryFields;
  privateValues: PrivateValue[];
  refused: { pointer: string; finding: GuardFinding } | null;
}

/** `pseudonymOf` maps an identity id to its pseudonym in this domain (lower-case hex). */
export function classifyEvent(event: AuditEvent, pseudonymOf: (identityId: string) => string): ClassifiedEvent {
  const fields = clearFields(event, pseudonymOf);
  return { fields, privateValues: privateValues(event, fields), refused: refusedValue(event, fields) };
}

function clearFields(event: AuditEvent, pseudonymOf: (identityId: string) => string): EntryFields {
  const person = (type: string, id: string): PersonRef => ({ type, ref: pseudonymOf(id) });
  const target = ({ type, id }: Target) => (PERSON_TYPES.includes(type) ? person(type, id) : { type, id });
  const { actor, context } = event;
  const fields: EntryFields = {
    action: event.action,
    actor:
      isPersonActor(actor) && actor.id !== undefined
        ? { type: actor.type, ref: pseudonymOf(actor.id) }
        : { type: actor.type, ...(actor.id === undefined ? {} : { id: actor.id }) },
    outcome: event.outcome ?? "success",
  };
  if (event.occurred_at !== undefined) fields.occurred_at = new Date(event.occurred_at).toISOString();
  if (event.on_behalf_of) fields.on_behalf_of = person(event.on_behalf_of.type, event.on_behalf_of.id);
  if (event.targets?.length) fields.targets = event.targets.map(target);
  if (event.subjects?.length) {
    fields.subjects = event.subjects.map(({ type, id, role }) => ({
      ...person(type, id),
      ...(role === undefined ? {} : { role }),
    }));
  }
  if (event.changes?.length) fields.changes = event.changes.map(({ path }) => ({ path }));
  if (event.caveats?.length) fields.caveats = event.caveats;
  if (context?.request_id !== undefined) fields.request_id = context.request_id;
  if (context?.traceparent !== undefined) fields.traceparent = context.traceparent;
  const metadata = Object.entries(event.metadata ?? {}).filter(([key]) => isClearKey(event, key));
  if (metadata.length) fields.metadata = Object.fromEntries(metadata);
  return fields;
}

function privateValues(event: AuditEvent, fields: EntryFields): PrivateValue[] {
  const found: PrivateValue[] = [];
  const about = mainSubject(fields);
  const add = (subject: string | null, value: unknown, ...tokens: (string | number)[]) => {
    if (value !== undefined) found.push({ pointer: jsonPointer(...tokens), value: value as JsonValue, subject });
  };
  const actor = refOf(fields.actor);
  add(actor, event.actor.name, "actor", "name");
  add(actor, event.actor.email, "actor", "email");
  add(actor, event.actor.via, "actor", "via");
  add(refOf(fields.on_behalf_of), event.on_behalf_of?.name, "on_behalf_of", "name");
  add(refOf(fields.on_behalf_of), event.on_behalf_of?.email, "on_behalf_of", "email");
  event.targets?.forEach((target, i) => {
    add(refOf(fields.targets?.[i]) ?? about, target.name, "targets", i, "name");
  });
  event.changes?.forEach((change, i) => {
    add(about, change.from, "changes", i, "from");
    add(about, change.to, "changes", i, "to");
  });
  add(about, event.context?.ip, "context", "ip");
  add(about, event.context?.user_agent, "context", "user_agent");
  add(about, event.context?.location, "context", "location");
  add(about, event.context?.session, "context", "session");
  add(about, event.reason, "reason");
  for (const [key, value] of Object.entries(event.metadata ?? {})) {
    if (!isClearKey(event, key)) add(about, value, "metadata", key);
  }
  return found;
}

/** Whom a value is about that does not say so itself: the actor, else on whose behalf, else the first person named. */
function mainSubject(fields: EntryFields): string | null {
  const people = [fields.actor, fields.on_behalf_of, ...(fields.subjects ?? []), ...(fields.targets ?? [])];
  return people.map(refOf).find((ref) => ref !== null) ?? null;
}

function refOf(place: PersonRef | ClearRef | undefined): string | null {
  return place && "ref" in place ? place.ref : null;
}

function isClearKey(event: AuditEvent, key: string): boolean {
  return event.clear_metadata?.includes(key) ?? false;
}

/** Looks at everything that stands in clear, laid out as in the event so that the pointer is the caller's. */
function refusedValue(event: AuditEvent, fields: EntryFields): ClassifiedEvent["refused"] {
  const { request_id = null, traceparent = null, ...rest } = fields;
  const clear = { id: event.id ?? null, ...rest, context: { request_id, traceparent } };
  const hit = findInClearValue(clear as unknown as JsonValue, []);
  return hit && { pointer: jsonPointer(...hit.tokens), finding: hit.finding };
}
