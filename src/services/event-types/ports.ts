/** Action types of a tenant's own, as records and as a store. */
import type { ActionCategory, ActionSensitivity, PersonField } from "../../core/actions/action.ts";
import type { SchemaJson } from "../../core/event-schema/vet.ts";

/** What a version says. Never edited. */
export interface EventTypeWords {
  /** One sentence. */
  description: string;
  category: ActionCategory;
  does: "read" | "write";
  sensitivity: ActionSensitivity;
  /** Fields of its events that may be about people. */
  people: PersonField[];
  /** Of the event's `metadata`, `{}` where it has none. */
  metadataSchema: SchemaJson;
  /** Of the whole event as it was sent; null: anything that an event may be. */
  eventSchema: SchemaJson | null;
}

export interface EventTypeVersion extends EventTypeWords {
  tenantId: string;
  action: string;
  /** 1, 2, …, without a gap. */
  version: number;
  createdAt: string;
}

export interface EventTypeRecord {
  tenantId: string;
  action: string;
  newest: number;
  createdAt: string;
  withdrawnAt: string | null;
}

/** A version with its number over all tenants, which only grows. */
export interface NumberedVersion extends EventTypeVersion {
  number: number;
}

/** Types of tenants (D1 control). Everything is asked for with the tenant's id. */
export interface EventTypeStore {
  /** In the order of their actions. */
  types(tenantId: string): Promise<EventTypeRecord[]>;
  type(tenantId: string, action: string): Promise<EventTypeRecord | null>;
  version(tenantId: string, action: string, version: number): Promise<EventTypeVersion | null>;
  /** Of one action, oldest first. */
  versions(tenantId: string, action: string): Promise<EventTypeVersion[]>;
  /** The newest of each action, in the order of the actions. */
  newest(tenantId: string): Promise<EventTypeVersion[]>;
  /** Those with a higher number, ascending, of all actions, with the types as they are at the same moment. */
  after(tenantId: string, number: number): Promise<{ types: EventTypeRecord[]; versions: NumberedVersion[] }>;
  /** Bytes of all schemas of all versions. */
  schemaBytes(tenantId: string): Promise<number>;
  /** Idempotent: a version that is there stays as it is. Its type is in use from then on. */
  add(version: EventTypeVersion): Promise<void>;
  /** Idempotent: a type that is withdrawn keeps its time. */
  withdraw(tenantId: string, action: string, at: string): Promise<void>;
}
