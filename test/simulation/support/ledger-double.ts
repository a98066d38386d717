/**
 * One domain's rows in D1, as the guards of migrations/ledger/0002_guards.sql let them be: what a guard refuses fails as
 * D1 fails (ambiguous for the caller). What no fault and no restore can explain fails the run.
 */
import { AppError } from "../../../src/core/errors.ts";
import type { EntryRow, LogPosition } from "../../../src/services/ports.ts";
import { deepFreeze, type Referee } from "./referee.ts";

export class LedgerDouble {
  readonly #referee: Referee;
  #rows: EntryRow[] = [];
  #ids = new Map<string, number>();
  #base: string | null = null;
  /** When each row came, of the time that really passed. */
  #insertedAtMs: number[] = [];
  readonly missing = new Set<string>();
  /** How many rows it ever held. */
  ever = 0;
  clock: () => number = () => 0;

  constructor(referee: Referee) {
    this.#referee = referee;
  }

  get size(): number {
    return this.#rows.length;
  }

  all(): readonly EntryRow[] {
    return this.#rows;
  }

  insert(rows: readonly EntryRow[], base: string | null): void {
    this.#referee.demand(rows.length > 0, () => "an insert of no rows");
    const first = rows[0] as EntryRow;
    // One batch is one transaction: the base comes only with the rows.
    const start = this.#base ?? base;
    const prevHash = this.size === 0 ? start : this.#rows.at(-1)?.entryHash;
    if (first.seq !== this.size || first.prevHash !== prevHash) throw refused("not the next entry");
    let prev = first.prevHash;
    for (const [i, row] of rows.entries()) {
      const next = row.seq === first.seq + i && row.prevHash === prev;
      this.#referee.demand(next, () => `an insert breaks the chain at entry ${row.seq}`);
      this.#referee.demand(!this.#ids.has(row.id), () => `the id ${row.id} reaches the ledger twice`);
      prev = row.entryHash;
    }
    this.#base = start;
    for (const row of rows) {
      this.#rows.push(deepFreeze({ ...row }));
      this.#ids.set(row.id, row.seq);
      this.#insertedAtMs.push(this.clock());
    }
    this.ever = Math.max(this.ever, this.size);
  }

  tip(): LogPosition | null {
    const last = this.#rows.at(-1);
    return last ? { size: last.seq + 1, entryHash: last.entryHash } : null;
  }

  rows(range: { fromSeq: number; toSeq: number; limit: number; descending?: boolean }): EntryRow[] {
    const rows = this.#rows.slice(range.fromSeq, range.toSeq + 1);
    return (range.descending ? rows.reverse() : rows).slice(0, range.limit);
  }

  byId(id: string): EntryRow | null {
    return this.#rows[this.#ids.get(id) ?? -1] ?? null;
  }

  seqsOf(ids: readonly string[]): Map<string, number> {
    return new Map(ids.flatMap((id): [string, number][] => (this.#ids.has(id) ? [[id, this.#ids.get(id) ?? 0]] : [])));
  }

  missingGuards(): string[] {
    return [...this.missing];
  }

  /** The earliest size to which D1 can be restored: how it was at that time. */
  sizeAt(atMs: number): number {
    const later = this.#insertedAtMs.findIndex((insertedAtMs) => insertedAtMs > atMs);
    return later < 0 ? this.size : later;
  }

  /** What the account's owner does: D1 as it was when it held `size` rows. */
  restoreTo(size: number, withBase = size > 0): void {
    for (const { id } of this.#rows.splice(size)) this.#ids.delete(id);
    this.#insertedAtMs.length = size;
    if (!withBase) this.#base = null;
  }

  /** What a hand in the database does to the newest row. */
  alterTip(): void {
    const row = this.#rows.pop();
    if (row) this.#rows.push(deepFreeze({ ...row, entryHash: "ab".repeat(32) }));
  }
}

const refused = (internal: string) => new AppError("storage.unavailable", { internal: `ledger: ${internal}` });
