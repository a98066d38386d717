/** Payload v1: the canonical bytes of an entry, the ones that are hashed (SPEC.md §2). */
import { canonicalJson, parseCanonicalJson } from "../canonical.ts";
import { scanCanonicalObject } from "../canonical-scan.ts";
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
  /** The version of the tenant's schema that the event was found to fit. */
  schema_version?: number;
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
  // Spelled out and in the canonical order: one shape for the engine, and nothing to sort. What is undefined is left out.
  return canonicalJson({
    action: fields.action,
    actor: fields.actor,
    caveats: fields.caveats,
    changes: fields.changes,
    domain: place.domain,
    id: place.id,
    metadata: fields.metadata,
    occurred_at: fields.occurred_at ?? place.recorded_at,
    on_behalf_of: fields.on_behalf_of,
    outcome: fields.outcome,
    private: fields.private,
    recorded_at: place.recorded_at,
    request_id: fields.request_id,
    salt: place.salt,
    schema_version: fields.schema_version,
    seq: place.seq,
    subjects: fields.subjects,
    targets: fields.targets,
    traceparent: fields.traceparent,
    v: PAYLOAD_VERSION,
  } satisfies { [K in keyof Payload]-?: Payload[K] | undefined });
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

/** What places an entry in its log, read from its payload. */
export type PayloadPlace = Pick<Payload, "domain" | "seq" | "id">;

/**
 * The same judgement as `parsePayload`, for who needs the place of the entry only; several times faster for ordinary ones.
 * null: ask `parsePayload`.
 */
export function scanPayload(text: string): PayloadPlace | null {
  const found: { [name: string]: string } = {};
  const canonical = scanCanonicalObject(text, LIMITS.jsonDepth, (nameStart, nameEnd, valueStart, valueEnd) => {
    const name = text.slice(nameStart + 1, nameEnd - 1);
    if (PLACE_TEXTS.includes(name)) {
      if (text[valueStart] === '"') found[name] = text.slice(valueStart + 1, valueEnd - 1);
    } else if (name === "seq" || name === "v") found[name] = text.slice(valueStart, valueEnd);
  });
  const { domain, id, seq = "" } = found;
  if (!canonical || found.v !== String(PAYLOAD_VERSION) || !/^\d+$/.test(seq)) return null;
  if (domain === undefined || id === undefined || PLACE_TEXTS.some((name) => found[name] === undefined)) return null;
  return { domain, id, seq: Number(seq) };
}

const PLACE_TEXTS: readonly string[] = ["domain", "id", "recorded_at", "salt", "action"];
