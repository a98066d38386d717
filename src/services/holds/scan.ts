/**
 * Which entries of a log a hold by query covers, and whom they name: read in order, a bounded part at a time, by the domain's
 * keeper, so that the object that puts entries in order does not judge them.
 */
import { categoryOf } from "../../core/actions/index.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Payload } from "../../core/payload/payload.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import { matches } from "../../core/query/match.ts";
import { valuesOf } from "../../core/query/values.ts";
import { type RowPlaces, readThrough } from "../log/read-through.ts";

export interface HoldScanCall {
  /** With the pseudonyms of this domain. */
  filter: EntryFilter;
  fromSeq: number;
  toSeq: number;
}

export interface HoldScan {
  /** Every entry of [fromSeq, nextSeq) was judged. */
  nextSeq: number;
  /** The first of them that matches. */
  firstSeq: number | null;
  /** Pseudonyms in lower-case hex of whom those that match name, each once. */
  people: string[];
}

/**
 * Judges entries from `fromSeq` on, at most `LIMITS.holdScanEntries` of them and until they name `LIMITS.holdScanPeople`. Stops
 * where no place has the next entry. Throws `storage.unavailable`. Cost: every entry is read and parsed once.
 */
export async function scanForHold({ filter, fromSeq, toSeq }: HoldScanCall, places: RowPlaces): Promise<HoldScan> {
  const people = new Set<string>();
  let firstSeq: number | null = null;
  let nextSeq = fromSeq;
  const end = Math.min(toSeq, fromSeq + LIMITS.holdScanEntries - 1);
  while (nextSeq <= end && people.size < LIMITS.holdScanPeople) {
    const rows = await readThrough({ fromSeq: nextSeq, toSeq: end, limit: LIMITS.verifyPageEntries }, places);
    if (rows.length === 0) break;
    for (const { seq, payload } of rows) {
      const named = namedIfHeld(filter, payload);
      if (named === null) continue;
      firstSeq ??= seq;
      for (const pseudonym of named) people.add(pseudonym);
    }
    nextSeq += rows.length;
  }
  return { nextSeq, firstSeq, people: [...people] };
}

/** Whom an entry names; null: the filter does not ask for it. What is no entry is held, and names nobody who can be read. */
export function namedIfHeld(filter: EntryFilter, payloadText: string): string[] | null {
  const payload = parsed(payloadText);
  if (payload === null) return [];
  return matches(filter, payload, categoryOf(String(payload.action))) ? valuesOf("person", payload, null) : null;
}

function parsed(text: string): Payload | null {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
