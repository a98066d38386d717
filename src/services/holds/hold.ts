/** Legal holds as the objects of a domain and of a tenant speak of them. Plain values: they cross RPC. */
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
}

/** A hold as the object of a domain knows it. */
export interface DomainHold {
  holdId: string;
  reviewAt: string;
  whole: boolean;
  ranges: HoldRange[];
  /** The people in its ranges are known; until then it covers everybody. */
  scanned: boolean;
  released: boolean;
}

/** What the ledger's guard is told: entries that must not be deleted. */
export function mirroredRanges({ whole, ranges, released }: DomainHold): readonly HoldRange[] {
  if (released) return [];
  return whole ? [{ fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER }] : ranges;
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
