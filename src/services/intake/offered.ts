/** One event of a request on its way to the log: as it came, then either found right or refused. */
import type { ErrorCode, FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { SchemaNote } from "../../core/event-schema/note.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { Receipt } from "../log/append.ts";
import type { Origin } from "./mapping.ts";

/** Pointers are relative to the event as the client sent it. Details never hold a value of it. */
export interface RefusedEvent {
  code: ErrorCode;
  errors: FieldError[];
  detail?: string | undefined;
  /** As far as it is known; for counting what was refused. */
  action: string | null;
  schemaVersion?: number | undefined;
}

export interface AcceptedEvent {
  event: AuditEvent;
  /** The event is not what the client sent: mapped from another format, or the guard replaced values. */
  changed: boolean;
  schema?: SchemaNote | undefined;
  /** JSON Pointers of the values that the guard replaced, as the client sent them. */
  redacted?: string[] | undefined;
  /** Where its fields stood in what the client sent; absent where they stand in the same place. */
  origin?: Origin | undefined;
}

/** Reads a value of the request as an event. */
export type Reader = (value: JsonValue) => AcceptedEvent | RefusedEvent;

/** The receipt of an event tells what the guard replaced. */
export const receiptOf = (receipt: Receipt, { redacted }: AcceptedEvent): Receipt =>
  redacted ? { ...receipt, redacted } : receipt;

export const isRefused = (result: AcceptedEvent | RefusedEvent): result is RefusedEvent => "code" in result;

/** Where an event stands in the request. `line` counts from 1 and is there for NDJSON only. */
export interface Place {
  index: number;
  line?: number;
}

export type Offered = Place & ({ accepted: AcceptedEvent; text: string } | { refused: RefusedEvent });

/** What became of one event. */
export type EventResult = Place &
  ({ status: "stored" | "replayed"; receipt: Receipt } | { status: "refused"; refused: RefusedEvent });
