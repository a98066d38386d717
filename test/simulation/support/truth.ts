/**
 * What was committed, as the simulation itself saw it: one row after the other, each event of a client at most once. It
 * outlives every store. `marker` is the number that a simulated client writes into each event (`metadata.n`).
 */
import type { EntryRow } from "../../../src/services/ports.ts";
import type { DurableStorage } from "./durable.ts";
import type { Referee } from "./referee.ts";

export class Truth {
  readonly rows: EntryRow[] = [];
  /** The object was set back: what it appends from now on is no truth, and none of it may reach a copy. */
  forked = false;
  readonly #seqByMarker = new Map<number, number>();
  readonly #ids = new Map<string, number>();
  readonly #referee: Referee;
  readonly #storage: DurableStorage;
  readonly #recordedAt: string[] = [];
  readonly #markers: (number | undefined)[] = [];
  /** May the event with this marker be in the log twice? Only when every memory of the first time ran out. */
  mayRepeat: (marker: number) => boolean = () => false;

  constructor(referee: Referee, storage: DurableStorage) {
    this.#referee = referee;
    this.#storage = storage;
  }

  get size(): number {
    return this.rows.length;
  }

  /** Where the event with this marker is, if it is. */
  seqOf(marker: number): number | undefined {
    return this.#seqByMarker.get(marker);
  }

  seqOfId(id: string): number | undefined {
    return this.#ids.get(id);
  }

  recordedAt(seq: number): string {
    return this.#recordedAt[seq] ?? "";
  }

  /** The marker of the event that this entry is. */
  markerAt(seq: number): number | undefined {
    return this.#markers[seq];
  }

  append(row: EntryRow): void {
    if (this.forked) return;
    const before = this.rows.at(-1);
    this.#referee.demand(row.seq === this.size, () => `entry ${row.seq} was appended where ${this.size} belongs`);
    this.#referee.demand(!before || row.prevHash === before.entryHash, () => `entry ${row.seq} forks the chain`);
    const { recorded_at, metadata } = JSON.parse(row.payload) as { recorded_at: string; metadata?: { n?: number } };
    const last = this.#recordedAt.at(-1) ?? "";
    this.#referee.demand(recorded_at >= last, () => `entry ${row.seq} was recorded before the entry that it follows`);
    this.#referee.demand(!this.#ids.has(row.id), () => `the id ${row.id} is in the log twice`);
    const marker = metadata?.n;
    const earlier = marker === undefined ? undefined : this.#seqByMarker.get(marker);
    if (marker !== undefined) {
      this.#referee.demand(
        earlier === undefined || this.mayRepeat(marker),
        () => `event ${marker} is doubled: entries ${earlier} and ${row.seq}`,
      );
      this.#seqByMarker.set(marker, row.seq);
    }
    this.rows.push(row);
    this.#ids.set(row.id, row.seq);
    this.#recordedAt.push(recorded_at);
    this.#markers.push(marker);
    this.#storage.wrote(() => {
      this.rows.pop();
      this.#ids.delete(row.id);
      this.#recordedAt.pop();
      this.#markers.pop();
      if (marker === undefined) return;
      if (earlier === undefined) this.#seqByMarker.delete(marker);
      else this.#seqByMarker.set(marker, earlier);
    });
  }

  /** Demands that these rows are committed ones and that the object that sends them was never set back. */
  demandOurs(rows: readonly EntryRow[], to: string): void {
    this.#referee.demand(!this.forked, () => `an object that was set back writes to ${to}`);
    for (const row of rows)
      this.#referee.demand(this.holds(row), () => `entry ${row.seq} for ${to} was never committed`);
  }

  /** Is this row, byte by byte, the one that was committed? */
  holds(row: EntryRow): boolean {
    const ours = this.rows[row.seq];
    return (
      ours !== undefined &&
      row.id === ours.id &&
      row.prevHash === ours.prevHash &&
      row.entryHash === ours.entryHash &&
      row.payload === ours.payload
    );
  }
}
