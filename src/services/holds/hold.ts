/** Legal holds as the objects of a domain and of a tenant speak of them. Plain values: they cross RPC. */
import type { AskedQuery } from "../../core/query/asked.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import type { HoldRange } from "../ports.ts";

export type { HoldRange } from "../ports.ts";

/** What a hold covers in one domain, as the tenant's object asks for it. */
export interface HoldCall {
  holdId: string;
  /** RFC 3339. */
  reviewAt: string;
  /** The whole domain, with everything that is still to come. */
  whole: boolean;
  /** `toSeq` null: through the newest entry of that moment. */
  ranges: readonly { fromSeq: number; toSeq: number | null }[];
  /** Identity ids, each once. */
  people: readonly string[];
  /** Entries that it asks for, also those that are still to come. */
  query: AskedQuery | null;
}

/** The same as the object keeps it. */
export interface HoldPlacement {
  holdId: string;
  reviewAt: string;
  whole: boolean;
  /** They do not overlap. */
  ranges: readonly HoldRange[];
  /** Pseudonyms in lower-case hex, each once. */
  people: readonly string[];
  /** `fromSeq`: entries before it have no payload any more. */
  query: { filter: EntryFilter; fromSeq: number } | null;
}

/** A hold as the object of a domain knows it. */
export interface DomainHold {
  holdId: string;
  reviewAt: string;
  whole: boolean;
  ranges: HoldRange[];
  /** The people in its ranges are known; until then it covers everybody. */
  scanned: boolean;
  /** Of a hold by query: the first entry that it keeps, or has not looked at. Null: it is none. */
  heldFrom: number | null;
  released: boolean;
}

/** What the ledger's guard is told: entries that must not be deleted. */
export function mirroredRanges({ whole, ranges, heldFrom, released }: DomainHold): readonly HoldRange[] {
  if (released) return [];
  if (whole) return [{ fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER }];
  return heldFrom === null ? ranges : joinedRanges([...ranges, { fromSeq: heldFrom, toSeq: Number.MAX_SAFE_INTEGER }]);
}

/** The first entry of [fromSeq, toSeq] that a hold keeps, or may keep; null: none does. */
export function firstHeld(holds: readonly DomainHold[], fromSeq: number, toSeq: number): number | null {
  const seqs = holds
    .flatMap(mirroredRanges)
    .filter((range) => range.fromSeq <= toSeq && range.toSeq >= fromSeq)
    .map((range) => Math.max(range.fromSeq, fromSeq));
  return seqs.length > 0 ? Math.min(...seqs) : null;
}

/** Ranges that overlap or touch become one; ascending. */
export function joinedRanges(ranges: readonly HoldRange[]): HoldRange[] {
  const joined: HoldRange[] = [];
  for (const { fromSeq, toSeq } of [...ranges].sort((a, b) => a.fromSeq - b.fromSeq)) {
    const last = joined.at(-1);
    if (last && fromSeq <= last.toSeq + 1) last.toSeq = Math.max(last.toSeq, toSeq);
    else joined.push({ fromSeq, toSeq });
  }
  return joined;
}
