/**
 * One domain's rows wherever they are: those in the queryable copy from there, those that were pruned out of the archive, in one
 * order. Of what is hot it costs what the copy costs, nothing more: where the copy has no row at the beginning of a range, the object
 * is asked once where what is hot begins. Rows that the copy lacks although they are hot stay missing: whoever verifies must see it.
 */
import { isLogMadeId, seqOfLogMadeId } from "../../../core/entry-id.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { EntryRow, LedgerLookUp, LedgerStore } from "../../ports.ts";
import { expired, type Floors, lostFromArchive } from "./floors.ts";
import type { ColdRange, ColdSegments } from "./segments.ts";

export type RowRange = Parameters<LedgerStore["rows"]>[0];

/** A page of a range. */
export interface WholePage {
  rows: EntryRow[];
  /** There may be more of the range, although there are fewer rows than were asked for. */
  cut: boolean;
  /** Where what is kept begins, when the range reaches below it; null: nothing of it is gone, or nobody looked. */
  firstKept: number | null;
}

export interface WholeDeps {
  hot: Pick<LedgerStore, "rows"> & LedgerLookUp;
  /** Asked at most once a call, and only when the copy lacks something. */
  floors: () => Promise<Floors>;
  segments: ColdSegments;
}

export class WholeLedger implements Pick<LedgerStore, "rows">, LedgerLookUp {
  readonly #deps: WholeDeps;

  constructor(deps: WholeDeps) {
    this.#deps = deps;
  }

  async rows(range: RowRange): Promise<EntryRow[]> {
    return (await this.page(range)).rows;
  }

  /** At most `LIMITS.coldPageSegments` objects of the archive. Throws `storage.unavailable`. */
  async page(range: RowRange): Promise<WholePage> {
    const hot = await this.#deps.hot.rows(range);
    return range.descending ? this.#backwards(range, hot) : this.#forwards(range, hot);
  }

  async #forwards(range: RowRange, hot: EntryRow[]): Promise<WholePage> {
    const { fromSeq, toSeq, limit } = range;
    if (hot[0]?.seq === fromSeq || fromSeq > toSeq) return whole(hot, limit);
    const { firstHot, firstKept } = await this.#deps.floors();
    const from = Math.max(fromSeq, firstKept);
    const gone = from > fromSeq ? firstKept : null;
    const to = Math.min(toSeq, firstHot - 1);
    if (from > to)
      return {
        ...whole(
          hot.filter(({ seq }) => seq >= from),
          limit,
        ),
        firstKept: gone,
      };
    const cold = await this.#cold({ fromSeq: from, toSeq: to, descending: false }, limit);
    if (cold.cut || cold.rows.length >= limit) return { ...cold, firstKept: gone };
    const next = hot.filter(({ seq }) => seq > to);
    return { ...joined(cold.rows, next, limit), firstKept: gone };
  }

  async #backwards(range: RowRange, hot: EntryRow[]): Promise<WholePage> {
    const { fromSeq, toSeq, limit } = range;
    const last = hot.at(-1);
    const reached = last ? last.seq - 1 : toSeq;
    const isFull = hot.length >= limit || charsOf(hot) >= LIMITS.pageChars;
    if (isFull || reached < fromSeq) return whole(hot, limit);
    const { firstHot, firstKept } = await this.#deps.floors();
    const from = Math.max(fromSeq, firstKept);
    const gone = from > fromSeq ? firstKept : null;
    const to = Math.min(reached, firstHot - 1);
    if (from > to)
      return {
        ...whole(
          hot.filter(({ seq }) => seq >= from),
          limit,
        ),
        firstKept: gone,
      };
    const cold = await this.#cold({ fromSeq: from, toSeq: to, descending: true }, limit - hot.length);
    const page = joined(hot, cold.rows, limit);
    return { rows: page.rows, cut: page.cut || cold.cut, firstKept: gone };
  }

  async #cold(range: ColdRange, limit: number): Promise<{ rows: EntryRow[]; cut: boolean }> {
    const rows: EntryRow[] = [];
    let [objects, chars] = [0, 0];
    const last = range.descending ? range.fromSeq : range.toSeq;
    for await (const piece of this.#deps.segments.through(range)) {
      for (const row of piece) {
        if (rows.length >= limit || chars >= LIMITS.pageChars) return { rows, cut: true };
        rows.push(row);
        chars += row.payload.length;
      }
      if (++objects >= LIMITS.coldPageSegments) return { rows, cut: rows.at(-1)?.seq !== last };
    }
    if (rows.at(-1)?.seq !== last) throw lostFromArchive(rows.at(-1)?.seq ?? range.fromSeq);
    return { rows, cut: false };
  }

  /**
   * Rows that are gone are left out like rows that never were. Of the archive at most `LIMITS.coldPageSegments` objects: then there are
   * fewer, and at least one.
   */
  async rowsAt(seqs: readonly number[], descending = false): Promise<EntryRow[]> {
    const hot = await this.#deps.hot.rowsAt(seqs, descending);
    const isFull = charsOf(hot) >= LIMITS.pageChars;
    const found = new Set(hot.map(({ seq }) => seq));
    const missing = seqs.filter((seq) => !found.has(seq));
    if (missing.length === 0 || isFull) return hot;
    const { firstHot, firstKept } = await this.#deps.floors();
    const wanted = missing.filter((seq) => seq >= firstKept && seq < firstHot).sort((a, b) => a - b);
    const ordered = descending ? wanted.reverse() : wanted;
    const cold: EntryRow[] = [];
    const objects = new Set<number>();
    for (const seq of ordered) {
      const { row, firstSeq } = await this.#at(seq);
      cold.push(row);
      if (objects.add(firstSeq).size >= LIMITS.coldPageSegments) break;
    }
    // Of those that were left unread none behind them is shown.
    if (descending) return cutBySize([...hot, ...cold]);
    return cutBySize(cold.length < ordered.length ? cold : [...cold, ...hot]);
  }

  /** One entry. Null: the log has none there, or the copy lacks it. Throws `entry.expired`. */
  async bySeq(seq: number): Promise<EntryRow | null> {
    const [hot] = await this.#deps.hot.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    return hot ?? this.coldAt(seq);
  }

  /** The same of one that the copy is known not to have. */
  async coldAt(seq: number): Promise<EntryRow | null> {
    const { firstHot, firstKept } = await this.#deps.floors();
    if (seq < firstKept) throw expired(seq, firstKept);
    return seq < firstHot ? (await this.#at(seq)).row : null;
  }

  /** Of an entry that has left the copy, by an id that the log made: it says where the entry is. Null: none, or not such an id. */
  async byLogMadeId(id: string): Promise<EntryRow | null> {
    if (!isLogMadeId(id)) return null;
    const row = await this.coldAt(seqOfLogMadeId(id));
    return row?.id === id ? row : null;
  }

  async #at(seq: number): Promise<{ row: EntryRow; firstSeq: number }> {
    const segment = await this.#deps.segments.holding(seq);
    const row = segment?.rows[seq - segment.firstSeq];
    if (!segment || !row) throw lostFromArchive(seq);
    return { row, firstSeq: segment.firstSeq };
  }
}

const whole = (rows: EntryRow[], limit: number): WholePage => ({
  rows,
  cut: rows.length < limit && charsOf(rows) >= LIMITS.pageChars,
  firstKept: null,
});

function joined(
  first: readonly EntryRow[],
  then: readonly EntryRow[],
  limit: number,
): { rows: EntryRow[]; cut: boolean } {
  const all = [...first, ...then].slice(0, limit);
  const rows = cutBySize(all);
  return { rows, cut: rows.length < all.length || (rows.length < limit && charsOf(rows) >= LIMITS.pageChars) };
}

/** As a store cuts a page: it ends with the row that reaches `LIMITS.pageChars`. */
function cutBySize(rows: readonly EntryRow[]): EntryRow[] {
  let chars = 0;
  const end = rows.findIndex(({ payload }) => {
    chars += payload.length;
    return chars >= LIMITS.pageChars;
  });
  return end < 0 ? [...rows] : rows.slice(0, end + 1);
}

const charsOf = (rows: readonly EntryRow[]): number => rows.reduce((sum, { payload }) => sum + payload.length, 0);
