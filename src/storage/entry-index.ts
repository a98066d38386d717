/**
 * A domain's index over all its ledger shards. A page is put together from streams, one for each shard and term of the clause
 * that is walked; it ends where the first of them was not looked at any further, so nothing is skipped and nothing comes twice.
 */
import { LIMITS } from "../core/limits.ts";
import type { EntryFilter } from "../core/query/filter.ts";
import { mostFrequent } from "../core/query/tally.ts";
import { reachOver, type ShardRange } from "../core/shards.ts";
import type {
  CandidateRow,
  DayRange,
  EntryIndex,
  EntryPlace,
  EntryRow,
  IndexCount,
  IndexFrom,
  IndexPage,
  Tallies,
  TallyKind,
} from "../services/ports.ts";
import type { EntryIndexShard, OpenIndex } from "./entry-index-shard.ts";
import { compareIn, merged, type ShardPlace } from "./entry-streams.ts";

interface OpenShard {
  shard: EntryIndexShard;
  index: OpenIndex;
}

export class D1EntryIndex implements EntryIndex {
  readonly #ranges: readonly ShardRange[];
  readonly #shards: readonly EntryIndexShard[];
  readonly #behind: () => void;

  /** `behind` is told when entries are copied and not indexed, and must not throw. */
  constructor(ranges: readonly ShardRange[], open: (shard: string) => EntryIndexShard, behind: () => void = () => {}) {
    this.#ranges = ranges;
    this.#shards = [...new Set(ranges.map(({ shard }) => shard))].map(open);
    this.#behind = behind;
  }

  async page(
    filter: EntryFilter,
    from: IndexFrom,
    limit: number,
    pageChars: number = LIMITS.pageChars,
  ): Promise<IndexPage> {
    const { shards, size, from: first } = await this.#open();
    const streams = await Promise.all(
      shards.map(async ({ shard, index }) =>
        shard.streams(index, await shard.plan(index, filter), filter, from, limit + 1),
      ),
    );
    const { places, scannedTo } = merged(streams.flat(), from.order, limit);
    const { rows, cutAt } = await this.#rows(places, compareIn(from.order), pageChars);
    return { rows, scannedTo: cutAt ?? scannedTo, size, from: first };
  }

  async count(filter: EntryFilter, atMost: number): Promise<IndexCount> {
    const { shards, size, from: first } = await this.#open();
    const counts = await Promise.all(
      shards.map(async ({ shard, index }) => shard.count(index, await shard.plan(index, filter), filter)),
    );
    const count = counts.reduce((sum, one) => sum + one.count, 0);
    return {
      count: Math.min(count, atMost),
      exact: count <= atMost && counts.every(({ exact }) => exact),
      size,
      from: first,
    };
  }

  async tallies(range: DayRange, kinds: readonly TallyKind[], limit: number): Promise<Tallies> {
    const { shards, size, from: first } = await this.#open();
    // The most frequent of several shards together need all values of each.
    const top = shards.length > 1 ? null : limit;
    const found = await Promise.all(shards.map(({ shard, index }) => shard.tallies(index, range, kinds, top)));
    const days = summed(found.flatMap((one) => one.days.map(({ day, count }) => [day, count] as const)));
    const ofKind = (i: number) =>
      found.flatMap(({ values }) => (values[i] ?? []).map(({ value, count }) => [value, count] as const));
    return {
      kinds: Object.fromEntries(kinds.map((kind, i) => [kind, mostFrequent(summed(ofKind(i)), limit)])),
      days: [...days].map(([day, count]) => ({ day, count })).sort((a, b) => a.day - b.day),
      exact: found.every(({ isCut }) => !isCut),
      size,
      from: first,
    };
  }

  async size(): Promise<number> {
    return (await this.#open()).size;
  }

  async #open(): Promise<{ shards: OpenShard[]; size: number; from: number | null }> {
    const opened = await Promise.all(this.#shards.map(async (shard) => ({ shard, ...(await shard.open()) })));
    if (opened.some(({ index, copied }) => copied > (index?.size ?? 0))) this.#behind();
    const sizes = new Map(opened.map(({ shard, index }) => [shard.name, index?.size ?? 0]));
    return {
      shards: opened.flatMap(({ shard, index }) => (index ? [{ shard, index }] : [])),
      size: reachOver(this.#ranges, sizes),
      from: opened.reduce<number | null>(
        (least, { first }) => (first === null ? least : Math.min(first, least ?? first)),
        null,
      ),
    };
  }

  /** `cutAt`: the last place of a page that its size ended. */
  async #rows(
    places: readonly ShardPlace[],
    compare: (a: EntryPlace, b: EntryPlace) => number,
    pageChars: number,
  ): Promise<{ rows: CandidateRow[]; cutAt: EntryPlace | null }> {
    const found = await Promise.all(
      this.#shards.map(async (shard) => {
        const own = places.filter((place) => place.shard === shard.name);
        const { rows, cut } = await shard.rows(
          own.map(({ seq }) => seq),
          pageChars,
        );
        return { rows, cutAt: cut ? (own.find(({ seq }) => seq === rows.at(-1)?.seq) ?? null) : null };
      }),
    );
    const bySeq = new Map<number, EntryRow>(found.flatMap(({ rows }) => rows.map((row) => [row.seq, row])));
    const cuts = found.flatMap(({ cutAt }) => cutAt ?? []).sort(compare);
    const rows: CandidateRow[] = [];
    let chars = 0;
    for (const { at, seq } of places) {
      const row = bySeq.get(seq);
      const isBehind = cuts[0] !== undefined && compare({ at, seq }, cuts[0]) > 0;
      if (isBehind || chars >= pageChars) return { rows, cutAt: placeOf(rows.at(-1)) };
      if (!row) continue;
      rows.push({ ...row, at });
      chars += row.payload.length;
    }
    return { rows, cutAt: null };
  }
}

const placeOf = (row: CandidateRow | undefined): EntryPlace | null => (row ? { at: row.at, seq: row.seq } : null);

/** Of several shards. */
function summed<Key>(counts: readonly (readonly [Key, number])[]): Map<Key, number> {
  const sums = new Map<Key, number>();
  for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
