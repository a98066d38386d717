/**
 * An entry of one log as an event for another (SPEC.md §17). The same bytes in give the same event: a second run of an import
 * repeats the first, and an auditor who holds both logs makes the translation again (`verifier/move.ts`).
 *
 * Kept: id, action, `occurred_at`, outcome, targets, changes, caveats, metadata, and the private values that came along. People are
 * known here by their old pseudonym, which is pseudonymised again: the identity ids stayed behind. Beside it, in clear metadata,
 * stands where the entry comes from. What the product wrote about the old log is told under a name of its own: here it did not happen.
 */
import { isProductsOwn } from "../actions/product.ts";
import type { AuditEvent } from "../event.ts";
import { LIMITS } from "../limits.ts";
import { walkClear } from "../payload/clear-fields.ts";
import { findCardOrSecret } from "../payload/guard.ts";
import type { ClearRef, Payload, PersonRef } from "../payload/payload.ts";
import type { JsonValue } from "../strict-json.ts";

/** The key of the metadata that says where an entry comes from. */
export const ORIGIN_KEY = "imported_from";
/** Of an entry that the product wrote about the old log, or that cannot be told again as it was. */
export const TOLD_ACTION = "domain.imported_entry";

/** An entry of the old log, verified. Hashes in lower-case hex. */
export interface OldEntry {
  entryHash: string;
  payload: Payload;
  /** Of the payload's text. */
  byteLength: number;
}

/** A private value that came along, found to be what the entry committed to. */
export interface CarriedValue {
  pointer: string;
  value: JsonValue;
}

/** What the reference adds to a payload, and more. Bytes. */
const REFERENCE_BYTES = 4096;

export function translateEntry(old: OldEntry, values: readonly CarriedValue[]): AuditEvent {
  if (old.byteLength > LIMITS.payloadBytes - REFERENCE_BYTES) return bare(old);
  const event = whole(old, values);
  // The guard of today is stricter than the one that let it in.
  return walkClear(event, (text) => findCardOrSecret(text) !== null) ? bare(old) : event;
}

function whole({ entryHash, payload }: OldEntry, values: readonly CarriedValue[]): AuditEvent {
  const { action, actor, on_behalf_of, subjects, targets, changes, caveats, metadata, outcome } = payload;
  const isOwn = isProductsOwn(action);
  const was = metadata?.[ORIGIN_KEY];
  const origin: { [key: string]: JsonValue } = {
    ...referenceTo(payload, entryHash),
    ...(isOwn && { action }),
    ...(payload.schema_version !== undefined && { schema_version: payload.schema_version }),
    // Moved before: the reference of the move before stays in it.
    ...(was !== undefined && { before: was }),
  };
  const event: AuditEvent = {
    id: payload.id,
    action: isOwn ? TOLD_ACTION : action,
    occurred_at: payload.occurred_at,
    actor: { type: actor.type, ...idOf(actor) },
    outcome,
    ...(on_behalf_of && { on_behalf_of: { type: on_behalf_of.type, id: on_behalf_of.ref } }),
    ...(subjects && {
      subjects: subjects.map(({ type, ref, role }) => ({ type, id: ref, ...(role !== undefined && { role }) })),
    }),
    ...(targets && { targets: targets.map((target) => ({ type: target.type, id: idOf(target).id ?? "" })) }),
    ...(changes && { changes: changes.map(({ path }) => ({ path })) }),
    ...(caveats && { caveats }),
    ...contextOf(payload),
    metadata: { ...metadata, [ORIGIN_KEY]: origin },
    clear_metadata: [...new Set([...Object.keys(metadata ?? {}), ORIGIN_KEY])],
  };
  for (const { pointer, value } of values) carry(event, pointer, value);
  return event;
}

/** When nothing of it may be told but that it was there. Its payload is kept with the evidence. */
function bare({ entryHash, payload }: OldEntry): AuditEvent {
  return {
    id: payload.id,
    action: TOLD_ACTION,
    occurred_at: payload.occurred_at,
    actor: { type: "system", id: IMPORTER },
    outcome: payload.outcome,
    metadata: { [ORIGIN_KEY]: { ...referenceTo(payload, entryHash), left_out: true } },
    clear_metadata: [ORIGIN_KEY],
  };
}

const IMPORTER = "system:import";

const referenceTo = ({ domain, seq, recorded_at }: Payload, entryHash: string) => ({
  domain,
  entry_hash: entryHash,
  recorded_at,
  seq,
});

const idOf = (place: PersonRef | ClearRef): { id?: string } => {
  const id = "ref" in place ? place.ref : place.id;
  return id === undefined ? {} : { id };
};

function contextOf({ request_id, traceparent }: Payload): Pick<AuditEvent, "context"> {
  if (request_id === undefined && traceparent === undefined) return {};
  return {
    context: { ...(request_id !== undefined && { request_id }), ...(traceparent !== undefined && { traceparent }) },
  };
}

/** Puts a value back where the event had it. A pointer that no event has is left out: commitments name no other. */
function carry(event: AuditEvent, pointer: string, value: JsonValue): void {
  const [, first = "", ...rest] = pointer.split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const named = rest.at(-1) ?? "";
  const holder =
    first === "metadata" && rest.length === 1 && named !== ORIGIN_KEY
      ? event.metadata
      : HOLDERS[`${first}/${rest.length}`]?.(event, Number(rest[0]));
  if (pointer === "/reason") put(event, "reason", value);
  else if (holder) put(holder, named, value);
}

const HOLDERS: Readonly<Record<string, (event: AuditEvent, index: number) => object | undefined>> = {
  "actor/1": ({ actor }) => actor,
  "on_behalf_of/1": (event) => event.on_behalf_of,
  "targets/2": ({ targets }, i) => targets?.[i],
  "changes/2": ({ changes }, i) => changes?.[i],
  "context/1": (event) => {
    event.context ??= {};
    return event.context;
  },
};

/** As an own property, whatever its name. */
const put = (holder: object, name: string, value: JsonValue): void => {
  Object.defineProperty(holder, name, { value, enumerable: true, writable: true, configurable: true });
};
