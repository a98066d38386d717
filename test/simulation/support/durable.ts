/**
 * The object's own storage: writes are seen at once and are durable at the next flush. A crash takes back what was not
 * flushed, a throw in a transaction what the transaction wrote. What leaves the object (a call, an answer) waits for the
 * flush of everything written before it, as behind the platform's output gate.
 */
import type { Referee } from "./referee.ts";

export class DurableStorage {
  readonly #referee: Referee;
  #undo: (() => void)[] = [];
  #version = 0;
  #durable = 0;
  #transactions = 0;
  #tables: DurableMap<unknown, unknown>[] = [];

  constructor(referee: Referee) {
    this.#referee = referee;
  }

  table<K, V>(): DurableMap<K, V> {
    const table = new DurableMap<K, V>(this);
    this.#tables.push(table as DurableMap<unknown, unknown>);
    return table;
  }

  get version(): number {
    return this.#version;
  }

  get durable(): number {
    return this.#durable;
  }

  get dirty(): boolean {
    return this.#undo.length > 0;
  }

  get inTransaction(): boolean {
    return this.#transactions > 0;
  }

  /** Notes a write that was made, with how to take it back. */
  wrote(undo: () => void): void {
    this.#undo.push(undo);
    this.#version++;
  }

  transaction<T>(run: () => T): T {
    const mark = this.#undo.length;
    this.#transactions++;
    try {
      const result = run();
      if (typeof (result as { then?: unknown } | null)?.then === "function") {
        this.#referee.fail("a transaction of the object's storage awaits");
      }
      return result;
    } catch (error) {
      this.#takeBack(mark);
      throw error;
    } finally {
      this.#transactions--;
    }
  }

  flush(): void {
    this.#undo = [];
    this.#durable = this.#version;
  }

  crash(): void {
    this.#takeBack(0);
    this.#version = this.#durable;
  }

  /** The durable state as it is now, to be restored to later. */
  snapshot(): Map<unknown, unknown>[] {
    return this.#tables.map((table) => table.copy());
  }

  restore(snapshot: readonly Map<unknown, unknown>[]): void {
    this.#tables.forEach((table, i) => {
      table.replace(snapshot[i] as Map<unknown, unknown>);
    });
    this.#undo = [];
    this.#durable = ++this.#version;
  }

  #takeBack(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }
}

export class DurableMap<K, V> {
  readonly #storage: DurableStorage;
  #map = new Map<K, V>();

  constructor(storage: DurableStorage) {
    this.#storage = storage;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  entries(): [K, V][] {
    return [...this.#map];
  }

  set(key: K, value: V): void {
    const had = this.#map.has(key);
    const before = this.#map.get(key) as V;
    this.#map.set(key, value);
    this.#storage.wrote(() => (had ? this.#map.set(key, before) : this.#map.delete(key)));
  }

  delete(key: K): void {
    if (!this.#map.has(key)) return;
    const before = this.#map.get(key) as V;
    this.#map.delete(key);
    this.#storage.wrote(() => this.#map.set(key, before));
  }

  copy(): Map<K, V> {
    return new Map(this.#map);
  }

  replace(map: ReadonlyMap<K, V>): void {
    this.#map = new Map(map);
  }
}
