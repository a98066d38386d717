/** An entry on its way to a reveal: what its payload says is sealed beside it, and what was opened of that. */
import { type Payload, parsePayload } from "../../../core/payload/payload.ts";
import { peopleOf, subjectOf } from "../../../core/payload/people.ts";
import type { EntryRow } from "../../ports.ts";
import type { OpenedMapping } from "../sealing/opening.ts";

export interface ReadEntry {
  row: EntryRow;
  /** null: the stored text is no payload (somebody changed the ledger). */
  payload: Payload | null;
  /** Pseudonyms, each once. */
  people: string[];
  /** Rows of `audit_private_value` that hold its private values. */
  places: { seq: number; subject: string }[];
}

/** What was opened, by its place. */
export interface Opened {
  privates: ReadonlyMap<string, string>;
  mappings: ReadonlyMap<string, OpenedMapping | null>;
  erased: ReadonlySet<string>;
}

export const placeName = (seq: number, subject: string): string => `${seq} ${subject}`;

/** Never throws: what stands in the ledger is untrusted. */
export function readEntry(row: EntryRow): ReadEntry {
  const parsed = parsePayload(row.payload);
  try {
    if (parsed.ok) return entryOf(row, parsed.payload);
  } catch {
    // A text with what every payload has, and with people who are none.
  }
  return { row, payload: null, people: [], places: [] };
}

function entryOf(row: EntryRow, payload: Payload): ReadEntry {
  const subjects = new Set(Object.keys(payload.private ?? {}).map((pointer) => subjectOf(payload, pointer) ?? ""));
  const places = [...subjects].map((subject) => ({ seq: row.seq, subject }));
  return { row, payload, people: peopleOf(payload), places };
}
