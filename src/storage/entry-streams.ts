/** Puts a page together out of sorted streams of places, each of which was looked at up to some place. Pure. */
import type { EntryOrder, EntryPlace } from "../services/ports.ts";

export interface ShardPlace extends EntryPlace {
  shard: string;
}

export interface Stream {
  /** In order. */
  places: readonly ShardPlace[];
  /** Everything up to here was looked at; null: the stream has ended. */
  scannedTo: EntryPlace | null;
}

export interface Merged {
  places: ShardPlace[];
  scannedTo: EntryPlace | null;
}

export const compareIn =
  (order: EntryOrder) =>
  (a: EntryPlace, b: EntryPlace): number =>
    (a.at - b.at || a.seq - b.seq) * (order === "asc" ? 1 : -1);

/** The first `limit` places, each once, none behind what every stream was looked at, and where to go on; null: all have ended. */
export function merged(streams: readonly Stream[], order: EntryOrder, limit: number): Merged {
  const compare = compareIn(order);
  const ends = streams.flatMap(({ scannedTo }) => scannedTo ?? []).sort(compare);
  const nearest = ends[0] ?? null;
  const sorted = streams
    .flatMap(({ places }) => places)
    .filter((place) => nearest === null || compare(place, nearest) <= 0)
    .sort(compare);
  const once = sorted.filter((place, i) => i === 0 || compare(place, sorted[i - 1] as ShardPlace) !== 0);
  const places = once.slice(0, limit);
  return { places, scannedTo: once.length > limit ? (places.at(-1) ?? null) : nearest };
}
