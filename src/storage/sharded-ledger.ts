/** One domain's rows over all its ledger shards, as one `LedgerStore`. */

import { LIMITS } from "../core/limits.ts";
import { sealedWithin } from "../core/sealed-page.ts";
import { rangesWithin, type ShardRange } from "../core/shards.ts";
import type {
  EntryRow,
  LedgerLines,
  LedgerLookUp,
  LedgerPack,
  LedgerStore,
  LedgerText,
  LogPosition,
  SealedRows,
} from "../services/ports.ts";
import { NO_SEALED_ROWS } from "./sealed-rows.ts";

type Shard = LedgerStore & LedgerLookUp & LedgerLines & LedgerPack;

export class ShardedLedger implements Shard {
  readonly #ranges: () => readonly ShardRange[];
  readonly #open: (shard: string) => Shard;
  readonly #firstHot: () => number;

  /**
   * `ranges` is asked each time, ascending and not empty: the last one may change while the domain goes on elsewhere. Rows before
   * `firstHot` were pruned.
   */
  constructor(ranges: () => readonly ShardRange[], open: (shard: string) => Shard, firstHot: () => number = () => 0) {
    this.#ranges = ranges;
    this.#open = open;
    this.#firstHot = firstHot;
  }

  /** All or nothing in each shard; a batch over a border goes shard by shard, and the tip tells how far it came. */
  async insert(rows: readonly EntryRow[], base: string | null, sealed: SealedRows = NO_SEALED_ROWS): Promise<void> {
    const first = rows[0]?.seq ?? 0;
    const last = rows.at(-1)?.seq ?? -1;
    for (const part of rangesWithin(this.#ranges(), first, last)) {
      const own = rows.filter(({ seq }) => seq >= part.fromSeq && seq <= part.toSeq);
      const begins = [this.#firstHot(), ...this.#ranges().map(({ fromSeq }) => fromSeq)].includes(own[0]?.seq ?? -1);
      const beside = sealedWithin(sealed, part.fromSeq, part.toSeq);
      // The first rows of all may begin in the middle of a range: what lies before them was pruned.
      const isBase = begins || (base !== null && own[0]?.seq === first);
      await this.#open(part.shard).insert(own, isBase ? (own[0]?.prevHash ?? base) : null, beside);
    }
  }

  /** How far the rows reach without a gap: a shard that was set back ends them, whatever later shards hold. */
  async tip(): Promise<LogPosition | null> {
    let reached: LogPosition | null = null;
    const firstHot = this.#firstHot();
    for (const { shard, fromSeq, toSeq } of rangesWithin(this.#ranges(), firstHot, Number.MAX_SAFE_INTEGER)) {
      if ((reached?.size ?? firstHot) !== fromSeq) break;
      const tip = await this.#open(shard).tip();
      if (!tip || tip.size <= fromSeq) break;
      reached = tip.size - 1 <= toSeq ? tip : await this.#endOf(shard, toSeq);
    }
    return reached;
  }

  async rows(range: Parameters<LedgerStore["rows"]>[0]): Promise<EntryRow[]> {
    const parts = rangesWithin(this.#ranges(), range.fromSeq, range.toSeq);
    if (range.descending) parts.reverse();
    const rows: EntryRow[] = [];
    for (const { shard, fromSeq, toSeq } of parts) {
      const limit = range.limit - rows.length;
      if (limit <= 0) break;
      const own = await this.#open(shard).rows({ ...range, fromSeq, toSeq, limit });
      rows.push(...own);
      // A page that was cut by its size ends here: the next rows of this shard come first.
      const reached = range.descending ? own.at(-1)?.seq === fromSeq : own.at(-1)?.seq === toSeq;
      if (own.length > 0 && own.length < limit && !reached) break;
    }
    return rows;
  }

  /** Of one shard: the text of the next one is the next page. */
  async lines(range: Parameters<LedgerLines["lines"]>[0]): Promise<LedgerText | null> {
    const [part] = rangesWithin(this.#ranges(), range.fromSeq, range.toSeq);
    return part ? this.#open(part.shard).lines({ ...range, toSeq: part.toSeq }) : null;
  }

  /** Of one shard, likewise. */
  async packed(range: Parameters<LedgerPack["packed"]>[0]): Promise<EntryRow[] | null> {
    const [part] = rangesWithin(this.#ranges(), range.fromSeq, range.toSeq);
    return part ? this.#open(part.shard).packed({ ...range, toSeq: part.toSeq }) : null;
  }

  async rowsAt(seqs: readonly number[], descending = false): Promise<EntryRow[]> {
    const parts = rangesWithin(this.#ranges(), 0, Number.MAX_SAFE_INTEGER);
    if (descending) parts.reverse();
    const rows: EntryRow[] = [];
    for (let chars = 0; chars < LIMITS.pageChars && parts.length > 0; ) {
      const { shard, fromSeq, toSeq } = parts.shift() as (typeof parts)[number];
      const own = seqs.filter((seq) => seq >= fromSeq && seq <= toSeq);
      const found = own.length > 0 ? await this.#open(shard).rowsAt(own, descending) : [];
      rows.push(...found);
      chars += found.reduce((sum, { payload }) => sum + payload.length, 0);
    }
    return rows;
  }

  async byId(id: string): Promise<EntryRow | null> {
    for (const shard of this.#shards()) {
      const row = await this.#open(shard).byId(id);
      if (row) return row;
    }
    return null;
  }

  async seqsOf(ids: readonly string[]): Promise<Map<string, number>> {
    const found = await Promise.all(this.#shards().map((shard) => this.#open(shard).seqsOf(ids)));
    return new Map(found.flatMap((seqs) => [...seqs]));
  }

  async missingGuards(): Promise<string[]> {
    const missing = await Promise.all(this.#shards().map((shard) => this.#open(shard).missingGuards()));
    return [...new Set(missing.flat())];
  }

  async #endOf(shard: string, seq: number): Promise<LogPosition | null> {
    const [row] = await this.#open(shard).rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    return row ? { size: seq + 1, entryHash: row.entryHash } : null;
  }

  /** Newest first: what is looked for is more often new. */
  #shards(): string[] {
    return [...new Set(this.#ranges().map(({ shard }) => shard))].reverse();
  }
}
