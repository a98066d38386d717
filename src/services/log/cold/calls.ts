/** What a cell's Worker asks of a domain's keeper about entries that are not in the queryable copy any more. They cross RPC. */
import type { EntryFilter } from "../../../core/query/filter.ts";
import type { EntryRow } from "../../ports.ts";
import type { ColdFound } from "./find.ts";
import type { Floors } from "./floors.ts";
import type { RowRange, WholePage } from "./whole-ledger.ts";

export type ColdPageCall = RowRange;
export type ColdEntryCall = { seq: number } | { id: string };

export interface ColdFindCall {
  filter: EntryFilter;
  order: "asc" | "desc";
  /** The seq to begin at, in that direction; null: at the beginning. */
  next: number | null;
  limit: number;
}

export interface ColdFind extends ColdFound, Floors {}

export interface ColdCalls {
  /** A page of a range over hot and archived entries. */
  coldPage(call: ColdPageCall): Promise<WholePage>;
  /** One entry that the copy does not have. Null: there is none. Throws `entry.expired`. */
  coldEntry(call: ColdEntryCall): Promise<EntryRow | null>;
  /** Archived entries that a filter asks for, by seq (find.ts). */
  coldFind(call: ColdFindCall): Promise<ColdFind>;
}
