/** An audit event as a client sends it. Every field's class (clear, pseudonym, private, refused) is in `payload/fields.ts`. */
import type { JsonValue } from "./strict-json.ts";

export const ACTOR_TYPES = ["user", "service", "system", "support", "anonymous"] as const;
export type ActorType = (typeof ACTOR_TYPES)[number];

export const OUTCOMES = ["success", "failure", "denied", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Targets and subjects of these types are people and stand in the log only as pseudonyms. */
export const PERSON_TYPES: readonly string[] = ["user", "person"];

/** Who acts when the product itself does (S2-21). No client event may carry it. */
export const SYSTEM_ACTOR_ID = "system:moonseal";

/** First segments that clients may not use in the domains that they share with the product. Its other actions (`staff.*`, `log.*`)
 * stand in reserved domains only, so each of those is refused by its whole name (`actions/product.ts`). */
export const RESERVED_ACTION_NOUNS: readonly string[] = [
  "audit",
  "domain",
  "integrity",
  "tenant",
  "api_key",
  "ledger",
  "hold",
  "key",
];

/** `noun.verb`, lower snake, up to four segments after the first. */
export const ACTION_PATTERN = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,4}$/;
export const MAX_ACTION_CHARS = 128;

export const isActionName = (text: string): boolean => text.length <= MAX_ACTION_CHARS && ACTION_PATTERN.test(text);

/** A client's own id: a UUID or anything of this form. */
export const ENTRY_ID_PATTERN = /^[A-Za-z0-9-]{1,64}$/;
/** UUIDs of version 8 are made by the log alone (`entryIdFor`), so that they need no look-up to be unique. */
export const LOG_MADE_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** A caveat's name. Its value is never accepted (S4-36). */
export const CAVEAT_PATTERN = /^[a-z][a-z0-9_.-]{0,63}$/;
export const TRACEPARENT_PATTERN = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export interface Credential {
  type: string;
  id: string;
}

export interface Person {
  type: string;
  id: string;
  name?: string | undefined;
  email?: string | undefined;
}

export interface Actor {
  type: ActorType;
  id?: string | undefined;
  name?: string | undefined;
  email?: string | undefined;
  via?: Credential | undefined;
  /** Names of the claims that the identity provider sent about the actor; their values are never accepted. */
  idp_claim_names?: string[] | undefined;
}

export interface Target {
  type: string;
  id: string;
  name?: string | undefined;
}

export interface SubjectRef {
  type: string;
  id: string;
  role?: string | undefined;
}

export interface Change {
  path: string;
  from?: JsonValue | undefined;
  to?: JsonValue | undefined;
}

export interface EventContext {
  ip?: string | undefined;
  user_agent?: string | undefined;
  location?: { [key: string]: JsonValue } | undefined;
  session?: string | undefined;
  request_id?: string | undefined;
  traceparent?: string | undefined;
}

export interface AuditEvent {
  id?: string | undefined;
  action: string;
  occurred_at?: string | undefined;
  actor: Actor;
  on_behalf_of?: Person | undefined;
  targets?: Target[] | undefined;
  outcome?: Outcome | undefined;
  reason?: string | undefined;
  changes?: Change[] | undefined;
  context?: EventContext | undefined;
  subjects?: SubjectRef[] | undefined;
  metadata?: { [key: string]: JsonValue } | undefined;
  /** Top-level keys of `metadata` that the caller declares free of personal data; the others are private. */
  clear_metadata?: string[] | undefined;
  caveats?: string[] | undefined;
  /** Which version of the tenant's schema it is to be checked against; default: the newest. */
  schema_version?: number | undefined;
}

/** Whether an actor stands in the log as a pseudonym. */
export function isPersonActor(actor: Actor): boolean {
  return actor.type === "user" || actor.type === "support";
}
