/**
 * A page of the entries that a filter asks for, of one domain or of several merged by when entries happened. The index only
 * narrows: each row is judged by `core/query/match.ts` before it is shown. Behind what the index finds come the entries that were
 * pruned from the copy, read from the archive (archived.ts).
 */
import { categoryOf } from "../../core/actions/index.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Payload } from "../../core/payload/payload.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import { matches } from "../../core/query/match.ts";
import type { EntryRow } from "../ports.ts";
import { type ArchivedEntries, type ArchivedPlace, archivedPage, firstArchived } from "./archived.ts";
import type { CandidateRow, EntryIndex, EntryOrder, EntryPlace } from "./ports.ts";

export interface SearchedDomain {
  domainId: string;
  /** With the pseudonyms of this domain. */
  filter: EntryFilter;
  index: EntryIndex;
  /** Absent: the archive is not looked at. */
  archived?: ArchivedEntries | undefined;
}

/** Where a query goes on. */
export type QueryPlace = MergedPlace | ArchivedPlace;

/** A place in the order of several domains: by time, then domain, then seq. */
export interface MergedPlace extends EntryPlace {
  domainId: string;
}

export interface FoundRow {
  domainId: string;
  at: number;
  row: EntryRow;
}

export interface FoundPage {
  rows: FoundRow[];
  /** Where to go on; null: there is nothing more. */
  next: QueryPlace | null;
  /** Entries [0, size) of each domain are found. */
  sizes: Map<string, number>;
  /** The first entry of each domain that the index may know; null: the copy holds none. */
  from: Map<string, number | null>;
}

/**
 * At most `limit` rows behind `after`, in order; fewer when their payloads pass `LIMITS.pageChars` or the work is more than
 * `LIMITS.queryRounds` looks for each domain, and then `next` goes on. Following `next`, every entry that matches comes exactly
 * once, whatever is appended meanwhile; entries that come later are found when they lie ahead. One that is pruned while somebody pages
 * may come a second time, out of the archive; none is left out.
 */
export async function runQuery(
  domains: readonly SearchedDomain[],
  order: EntryOrder,
  after: QueryPlace | null,
  limit: number,
): Promise<FoundPage> {
  if (after !== null && "archived" in after) return archivedPage(domains, order, after, limit);
  const streams = domains.map((domain) => new DomainStream(domain, order, after));
  const found: FoundRow[] = [];
  for (let looks = 0; looks < LIMITS.queryRounds * streams.length && found.length <= limit; ) {
    const wanted = limit + 1 - found.length;
    const share = shareOf(wanted, streams.length);
    const looked = await Promise.all(streams.map((stream) => stream.look(share)));
    looks += looked.filter(Boolean).length;
    found.push(...takeUpToFrontier(streams, order, wanted));
    if (streams.every((stream) => stream.isEmpty) || charsOf(found) >= LIMITS.pageChars) break;
  }
  const rows = cutBySize(found).slice(0, limit);
  const sizes = new Map(streams.map(({ domainId, size }) => [domainId, size]));
  const from = new Map(streams.map(({ domainId, from }) => [domainId, from]));
  if (rows.length < found.length) return { rows, next: placeOf(rows.at(-1) as FoundRow), sizes, from };
  const next = frontierOf(streams, order);
  return { rows, next: next ?? (await firstArchived(domains, from)), sizes, from };
}

/** What one of several domains is asked for at a time: together about two pages, so that many domains need no more memory than two. */
function shareOf(wanted: number, domains: number): Share {
  if (domains === 1) return { rows: wanted, chars: LIMITS.pageChars };
  const rows = Math.min(wanted, Math.max(Math.ceil((2 * wanted) / domains), LIMITS.queryShareRows));
  return { rows, chars: Math.ceil((2 * LIMITS.pageChars) / domains) };
}

interface Share {
  rows: number;
  chars: number;
}

/** What one domain has found and not given yet. */
class DomainStream {
  readonly domainId: string;
  readonly #domain: SearchedDomain;
  readonly #order: EntryOrder;
  #after: EntryPlace | null;
  #ended = false;
  #waiting: FoundRow[] = [];
  size = 0;
  from: number | null = null;

  constructor(domain: SearchedDomain, order: EntryOrder, after: MergedPlace | null) {
    this.domainId = domain.domainId;
    this.#domain = domain;
    this.#order = order;
    this.#after = after && within(domain.domainId, after, order);
  }

  /** Looks further unless rows wait. Resolves to whether it did. */
  async look({ rows, chars }: Share): Promise<boolean> {
    if (this.#ended || this.#waiting.length > 0) return false;
    const { domainId, filter, index } = this.#domain;
    const page = await index.page(filter, { order: this.#order, after: this.#after }, rows, chars);
    this.size = page.size;
    this.from = page.from;
    this.#after = page.scannedTo;
    this.#ended = page.scannedTo === null;
    this.#waiting = page.rows.flatMap((row) => (isFound(filter, row) ? [{ domainId, at: row.at, row }] : []));
    return true;
  }

  /** Nothing waits and nothing is left. */
  get isEmpty(): boolean {
    return this.#ended && this.#waiting.length === 0;
  }

  get first(): FoundRow | undefined {
    return this.#waiting[0];
  }

  take(): FoundRow {
    return this.#waiting.shift() as FoundRow;
  }

  /** Up to here everything that was found has been given; null: everything there is. */
  get frontier(): MergedPlace | null {
    if (this.#ended || this.#after === null) return null;
    return { ...this.#after, domainId: this.domainId };
  }
}

/** Rows in order, as far as every domain has been looked at. */
function takeUpToFrontier(streams: readonly DomainStream[], order: EntryOrder, limit: number): FoundRow[] {
  const end = frontierOf(streams, order);
  const taken: FoundRow[] = [];
  while (taken.length < limit) {
    const next = firstOf(streams, order);
    if (!next?.first || (end && comparePlaces(placeOf(next.first), end, order) > 0)) break;
    taken.push(next.take());
  }
  return taken;
}

function firstOf(streams: readonly DomainStream[], order: EntryOrder): DomainStream | undefined {
  let first: DomainStream | undefined;
  for (const stream of streams) {
    if (!stream.first) continue;
    if (!first?.first || comparePlaces(placeOf(stream.first), placeOf(first.first), order) < 0) first = stream;
  }
  return first;
}

function frontierOf(streams: readonly DomainStream[], order: EntryOrder): MergedPlace | null {
  const ends = streams.map(({ frontier }) => frontier).filter((place) => place !== null);
  return ends.toSorted((a, b) => comparePlaces(a, b, order))[0] ?? null;
}

/** Where a domain goes on behind a place in the merged order. */
function within(domainId: string, { at, seq, domainId: other }: MergedPlace, order: EntryOrder): EntryPlace {
  if (domainId === other) return { at, seq };
  const isBehind = domainId < other === (order === "asc");
  return { at, seq: isBehind === (order === "asc") ? Number.MAX_SAFE_INTEGER : -1 };
}

export function comparePlaces(a: MergedPlace, b: MergedPlace, order: EntryOrder): number {
  const domains = a.domainId < b.domainId ? -1 : a.domainId > b.domainId ? 1 : 0;
  return (a.at - b.at || domains || a.seq - b.seq) * (order === "asc" ? 1 : -1);
}

const placeOf = ({ domainId, at, row }: FoundRow): MergedPlace => ({ at, domainId, seq: row.seq });

/** A row that the index shows at another time than its own is not shown there: it may come twice otherwise. */
export function isFound(filter: EntryFilter, row: CandidateRow): boolean {
  const payload = payloadOf(row);
  return (
    payload !== null &&
    Date.parse(String(payload.occurred_at)) === row.at &&
    matches(filter, payload, categoryOf(payload.action))
  );
}

/** Null for what is no entry at all; verification names such rows. */
export function payloadOf({ payload }: Pick<EntryRow, "payload">): Payload | null {
  try {
    const value = JSON.parse(payload);
    return value !== null && typeof value === "object" && typeof value.action === "string" ? value : null;
  } catch {
    return null;
  }
}

const charsOf = (rows: readonly FoundRow[]): number => rows.reduce((sum, { row }) => sum + row.payload.length, 0);

/** At least one row. */
function cutBySize(rows: readonly FoundRow[]): FoundRow[] {
  let chars = 0;
  const end = rows.findIndex(({ row }, i) => {
    chars += row.payload.length;
    return i > 0 && chars > LIMITS.pageChars;
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}
