/** Takes an event apart by the classes of `fields.ts`: what stands in the payload, what is private, what is refused. */
import { type AuditEvent, isPersonActor, PERSON_TYPES, type Target } from "../event.ts";
import { type JsonValue, jsonPointer } from "../strict-json.ts";
import { walkClear } from "./clear-fields.ts";
import { findInClearText, type GuardFinding } from "./guard.ts";
import type { EntryFields, PersonRef } from "./payload.ts";
import { mainSubject, refOf } from "./people.ts";

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

/** What must not stand in one clear text; `null`: nothing. */
export type FindInClear = (text: string) => GuardFinding | null;

/** `pseudonymOf` maps an identity id to its pseudonym in this domain (lower-case hex). */
export function classifyEvent(
  event: AuditEvent,
  pseudonymOf: (identityId: string) => string,
  find: FindInClear = findInClearText,
): ClassifiedEvent {
  const fields = clearFields(event, pseudonymOf);
  return { fields, privateValues: privateValues(event, fields), refused: refusedValue(event, find) };
}

/** Members are put in in the order of their names, the canonical one: what is in order need not be sorted again. */
function clearFields(event: AuditEvent, pseudonymOf: (identityId: string) => string): EntryFields {
  const person = (type: string, id: string): PersonRef => ({ ref: pseudonymOf(id), type });
  const target = ({ type, id }: Target) => (PERSON_TYPES.includes(type) ? person(type, id) : { id, type });
  const { actor, context } = event;
  const fields: EntryFields = {
    action: event.action,
    actor:
      isPersonActor(actor) && actor.id !== undefined
        ? { ref: pseudonymOf(actor.id), type: actor.type }
        : actor.id === undefined
          ? { type: actor.type }
          : { id: actor.id, type: actor.type },
    outcome: event.outcome ?? "success",
  };
  if (event.occurred_at !== undefined) fields.occurred_at = new Date(event.occurred_at).toISOString();
  if (event.on_behalf_of) fields.on_behalf_of = person(event.on_behalf_of.type, event.on_behalf_of.id);
  if (event.targets?.length) fields.targets = event.targets.map(target);
  if (event.subjects?.length) {
    fields.subjects = event.subjects.map(({ type, id, role }) =>
      role === undefined ? person(type, id) : { ref: pseudonymOf(id), role, type },
    );
  }
  if (event.changes?.length) fields.changes = event.changes.map(({ path }) => ({ path }));
  if (event.caveats?.length) fields.caveats = event.caveats;
  if (context?.request_id !== undefined) fields.request_id = context.request_id;
  if (context?.traceparent !== undefined) fields.traceparent = context.traceparent;
  if (event.schema_version !== undefined) fields.schema_version = event.schema_version;
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
  add(actor, event.actor.idp_claim_names, "actor", "idp_claim_names");
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

function isClearKey(event: AuditEvent, key: string): boolean {
  return event.clear_metadata?.includes(key) ?? false;
}

function refusedValue(event: AuditEvent, find: FindInClear): ClassifiedEvent["refused"] {
  let refused: ClassifiedEvent["refused"] = null;
  walkClear(event, (text, { tokens }) => {
    const finding = find(text);
    if (finding) refused = { pointer: jsonPointer(...tokens), finding };
    return finding !== null;
  });
  return refused;
}
