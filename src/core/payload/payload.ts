/** Payload v1: the canonical bytes of an entry, the ones that are hashed (SPEC.md §2). */
import { canonicalJson, parseCanonicalJson } from "../canonical.ts";
import type { ActorType, Outcome } from "../event.ts";
import { LIMITS } from "../limits.ts";
import type { JsonValue } from "../strict-json.ts";

export const PAYLOAD_VERSION = 1;

export interface PersonRef {
  type: string;
  /** The subject's pseudonym, lower-case hex. */
  ref: string;
}

export interface ClearRef {
  type: string;
  id?: string;
}

/** What an event becomes before it has its place in the log. */
export interface EntryFields {
  action: string;
  actor: ({ type: ActorType } & PersonRef) | ({ type: ActorType } & ClearRef);
  caveats?: string[];
  changes?: { path: string }[];
  metadata?: { [key: string]: JsonValue };
  occurred_at?: string;
  on_behalf_of?: PersonRef;
  outcome: Outcome;
  /** JSON Pointer in the event → commitment, lower-case hex. */
  private?: { [pointer: string]: string };
  request_id?: string;
  subjects?: (PersonRef & { role?: string })[];
  targets?: (PersonRef | ClearRef)[];
  traceparent?: string;
}

/** What the log adds. */
export interface EntryPlace {
  domain: string;
  seq: number;
  id: string;
  /** RFC 3339, UTC, milliseconds; never earlier than the entry before. */
  recorded_at: string;
  /** 16 random bytes, lower-case hex, so that an entry hash cannot be guessed from a likely event. */
  salt: string;
}

export type Payload = { v: typeof PAYLOAD_VERSION } & EntryFields & EntryPlace;

/** The canonical text of an entry. `occurred_at` defaults to `recorded_at`. */
export function encodePayload(fields: EntryFields, place: EntryPlace): string {
  return canonicalJson({ v: PAYLOAD_VERSION, occurred_at: place.recorded_at, ...fields, ...place });
}

export type ParsedPayload =
  | { ok: true; payload: Payload }
  | { ok: false; fault: "not_canonical" | "not_a_payload" | "version_unknown" };

/**
 * Reads an untrusted payload text. Accepts only the canonical spelling.
 * Checked: version and the types of what the log adds. Not checked: the event's own fields.
 */
export function parsePayload(text: string): ParsedPayload {
  const parsed = parseCanonicalJson(text, LIMITS.jsonDepth);
  if (!parsed) return { ok: false, fault: "not_canonical" };
  const value = parsed.value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { ok: false, fault: "not_a_payload" };
  if (value.v !== PAYLOAD_VERSION) return { ok: false, fault: "version_unknown" };
  const { domain, seq, id, recorded_at, salt, action } = value;
  const texts = [domain, id, recorded_at, salt, action].every((field) => typeof field === "string");
  if (!texts || !Number.isSafeInteger(seq) || (seq as number) < 0) return { ok: false, fault: "not_a_payload" };
  return { ok: true, payload: value as unknown as Payload };
}
