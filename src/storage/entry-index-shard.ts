/** The index of one domain in one ledger shard (D1), as queries read it. Every statement names the domain, or its number. */
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type { EntryFilter } from "../core/query/filter.ts";
import { termNumber } from "../core/query/term-number.ts";
import { clauseTerms, EVERY_ENTRY } from "../core/query/terms.ts";
import type { Sha256 } from "../core/sha256.ts";
import type { DayRange, EntryPlace, EntryRow, IndexFrom, Tally, TallyKind } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import {
  COPIED,
  countOf,
  DAYS,
  endOf,
  keysOf,
  type Lookup,
  ROWS_AT,
  STATE,
  STILL_THERE,
  type Statement,
  TALLIES,
  type Walk,
} from "./entry-index-sql.ts";
import type { Stream } from "./entry-streams.ts";

/** What a filter asks of one shard. */
export interface Plan {
  /** The clause that is walked: one stream a term. */
  walked: Lookup;
  also: Lookup[];
  /** False: there are more clauses than one statement takes; the caller's match judges them. */
  whole: boolean;
}

/** How the index was found. */
export interface OpenIndex {
  number: number;
  /** Lower-case hex. */
  salt: string;
  size: number;
}

export class EntryIndexShard {
  readonly name: string;
  readonly #db: D1Database;
  readonly #domainId: string;
  readonly #sha256: Sha256;

  constructor(name: string, db: D1Database, domainId: string, sha256: Sha256) {
    this.name = name;
    this.#db = db;
    this.#domainId = domainId;
    this.#sha256 = sha256;
  }

  /**
   * `index` null: none of this domain here, or it is being dropped. `copied`: what of its entries lies here, as a size; `first`: the
   * first of them, null: none.
   */
  async open(): Promise<{ index: OpenIndex | null; copied: number; first: number | null }> {
    const bind = (sql: string) => ({ sql, values: [this.#domainId] });
    const [[state], [tip]] = (await this.#ask([bind(STATE), bind(COPIED)])) as [
      [OpenIndex?],
      [{ first: number | null; seq: number | null }],
    ];
    return { index: state && state.size >= 0 ? state : null, copied: (tip.seq ?? -1) + 1, first: tip.first };
  }

  /** The rarest positive clause is walked, by bounded counts; with none, every entry. */
  async plan(index: OpenIndex, filter: EntryFilter): Promise<Plan> {
    const lookups = this.#lookups(index, filter);
    const clauses = lookups.slice(0, LIMITS.indexedClauses);
    const whole = clauses.length === lookups.length;
    const positive = clauses.filter(({ not }) => !not);
    if (positive.length === 0) {
      return { walked: { terms: [this.#numberOf(index, EVERY_ENTRY)], not: false }, also: clauses, whole };
    }
    const sizes = positive.length === 1 ? [0] : await this.#sizes(index, filter, positive);
    const byRarity = positive.map((lookup, i) => ({ lookup, size: sizes[i] ?? 0 })).sort((a, b) => a.size - b.size);
    const [walked, ...others] = byRarity.map(({ lookup }) => lookup);
    return { walked: walked as Lookup, also: [...others, ...clauses.filter(({ not }) => not)], whole };
  }

  /** At most `limit` places of each term that is walked. */
  async streams(index: OpenIndex, plan: Plan, filter: EntryFilter, from: IndexFrom, limit: number): Promise<Stream[]> {
    const walks = walksOf(index, plan, filter, from, { window: LIMITS.queryScan, limit });
    const ends = plan.also.length > 0;
    const statements = walks.flatMap((walk) => (ends ? [keysOf(walk), endOf(walk)] : [keysOf(walk)]));
    const answers = (await this.#askIndex(index, statements)) as EntryPlace[][];
    return walks.map((walk, i) => {
      const places = answers[ends ? 2 * i : i] ?? [];
      const isFull = places.length >= Math.min(walk.limit, walk.window);
      const end = ends ? (answers[2 * i + 1]?.[0] ?? null) : null;
      return {
        places: places.map(({ at, seq }) => ({ at, seq, shard: this.name })),
        scannedTo: isFull ? (places.at(-1) ?? null) : end,
      };
    });
  }

  /** Of more clauses than one statement takes it knows no number: `{count: 0, exact: false}`. */
  async count(index: OpenIndex, plan: Plan, filter: EntryFilter): Promise<{ count: number; exact: boolean }> {
    if (!plan.whole) return { count: 0, exact: false };
    const from: IndexFrom = { order: "asc", after: null };
    const walks = walksOf(index, plan, filter, from, { window: LIMITS.countScan, limit: 0 });
    // An entry with two of the terms is counted under the first one only.
    const apart = walks.map((walk, i) => {
      const before = plan.walked.terms.slice(0, i);
      return before.length === 0 ? walk : { ...walk, also: [...walk.also, { terms: before, not: true }] };
    });
    const answers = (await this.#askIndex(index, apart.map(countOf))) as [{ scanned: number; found: number }][];
    const count = answers.reduce((sum, [{ found }]) => sum + found, 0);
    return { count, exact: answers.every(([{ scanned }], i) => scanned < (walks[i] as Walk).window) };
  }

  /** Rows in the order of `seqs`; `cut`: the page's size ended it before the last one. Rows that are gone are left out. */
  async rows(seqs: readonly number[], pageChars: number): Promise<{ rows: EntryRow[]; cut: boolean }> {
    if (seqs.length === 0) return { rows: [], cut: false };
    const values = [this.#domainId, JSON.stringify(seqs), pageChars];
    const [found] = (await this.#ask([{ sql: ROWS_AT, values }])) as [(EntryRow & { found: number })[]];
    const rows = found.map(({ found: _, ...row }) => row);
    return { rows, cut: rows.length < (found[0]?.found ?? 0) };
  }

  /** `sums`: how many were read. `limit` null: all values. */
  async tallies(index: OpenIndex, range: DayRange, kinds: readonly TallyKind[], limit: number | null) {
    const { fromDay, toDay } = range;
    const top = limit ?? LIMITS.tallyRows;
    const statements: Statement[] = [
      { sql: DAYS, values: [index.number, fromDay, toDay, LIMITS.tallyRows] },
      ...kinds.map((kind) => ({
        sql: TALLIES,
        values: [index.number, kind, fromDay, toDay, LIMITS.tallyRows, top],
      })),
    ];
    const [days, ...values] = (await this.#askIndex(index, statements)) as [
      { day: number; count: number; sums: number }[],
      ...(Tally & { sums: number })[][],
    ];
    const isCut = [days, ...values].some((rows) => (rows[0]?.sums ?? 0) >= LIMITS.tallyRows);
    return { days, values, isCut };
  }

  #lookups(index: OpenIndex, { clauses }: EntryFilter): Lookup[] {
    return clauses.map((clause) => ({
      terms: clauseTerms(clause).map((term) => this.#numberOf(index, term)),
      not: clause.not,
    }));
  }

  #numberOf = ({ salt }: OpenIndex, term: string) => termNumber(this.#sha256, Buffer.from(salt, "hex"), term);

  async #sizes(index: OpenIndex, filter: EntryFilter, lookups: readonly Lookup[]): Promise<number[]> {
    const from: IndexFrom = { order: "asc", after: null };
    const walks = lookups.map((walked) =>
      walksOf(index, { walked, also: [], whole: true }, filter, from, { window: LIMITS.queryScan, limit: 0 }),
    );
    const answers = (await this.#askIndex(index, walks.flat().map(countOf))) as [{ scanned: number }][];
    let at = 0;
    return walks.map((own) => own.reduce((sum) => sum + (answers[at++]?.[0].scanned ?? 0), 0));
  }

  /** In one transaction with the look whether the index is still the one that was opened. */
  async #askIndex({ number, salt }: OpenIndex, statements: readonly Statement[]): Promise<unknown[][]> {
    const look = { sql: STILL_THERE, values: [this.#domainId, number, salt] };
    const [there, ...answers] = await this.#ask([look, ...statements]);
    if (there?.length === 0) throw new AppError("storage.unavailable", { internal: "the index is built anew" });
    return answers;
  }

  async #ask(statements: readonly Statement[]): Promise<unknown[][]> {
    try {
      const bound = statements.map(({ sql, values }) => this.#db.prepare(sql).bind(...values));
      return (await this.#db.batch(bound)).map(({ results }) => results);
    } catch (error) {
      throw storeUnavailable("ledger", error);
    }
  }
}

/** One walk a term; they share the work that a page may cost. */
function walksOf(
  { number }: OpenIndex,
  { walked, also }: Plan,
  time: EntryFilter,
  { order, after }: IndexFrom,
  { window, limit }: Pick<Walk, "window" | "limit">,
): Walk[] {
  const own = Math.max(Math.ceil(window / walked.terms.length), LIMITS.queryScanOfTerm);
  return walked.terms.map((term) => ({ number, term, also, time, order, after, window: own, limit }));
}
