/**
 * What is asked for, as whoever asks says it: people by their identity ids. The language and the JSON form both become an
 * `AskedQuery`; `services/query/resolve.ts` makes the filter of it, in which people are pseudonyms.
 */
import type { EntryFilter } from "./filter.ts";

export const ASKED_FIELDS = [
  "actor",
  "action",
  "target",
  "subject",
  "outcome",
  "category",
  "trace",
  "request",
  "caveat",
  "text",
] as const;
export type AskedField = (typeof ASKED_FIELDS)[number];

/** Values as `values.ts` of this folder reads them, in their canonical spelling; at least one. */
export interface AskedClause {
  field: AskedField;
  anyOf: readonly string[];
  not: boolean;
}

export interface AskedQuery extends Pick<EntryFilter, "afterMs" | "beforeMs"> {
  clauses: readonly AskedClause[];
}

/** The fields of the JSON form that hold values of one field. */
export const ASKED_LISTS = {
  actors: "actor",
  actions: "action",
  targets: "target",
  subjects: "subject",
  outcomes: "outcome",
  categories: "category",
  trace_ids: "trace",
  request_ids: "request",
  caveats: "caveat",
  text: "text",
} as const satisfies Record<string, AskedField>;
export type AskedList = keyof typeof ASKED_LISTS;

export type AskedLists = { [List in AskedList]?: string[] | undefined };

/** `text`: every one of them; the other lists: one of each. In `not`: none of any. */
export interface AskedParts extends AskedLists {
  after?: string | undefined;
  before?: string | undefined;
  not?: AskedLists | undefined;
}

/** A query as it comes in, and as it is kept by whoever asks again later: both parts hold. */
export interface AskedFilter {
  /** In the language (`language/`). */
  q?: string | undefined;
  filter?: AskedParts | undefined;
}
