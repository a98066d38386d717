/** Pages of entries for the keeper: of a range, of a person, or single ones. The next page begins at a seq, never at an offset. */
import { LIMITS } from "../../../core/limits.ts";
import type { EntryRow, LedgerLookUp, SealedStore } from "../../ports.ts";
import type { RowRange, WholePage } from "../cold/whole-ledger.ts";

export interface PageRange {
  order: "asc" | "desc";
  /** First and last seq that may be in a page. */
  from: number;
  to: number;
  /** Where this page begins, in its direction. */
  next: number;
}

export interface PageStores {
  /** Hot and archived rows. */
  ledger: LedgerLookUp & { page(range: RowRange): Promise<WholePage> };
  sealedRows: Pick<SealedStore, "seqsOf">;
  /** The first entry whose payload is kept. */
  firstKept(): Promise<number>;
}

export interface EntryPage {
  rows: EntryRow[];
  /** Where the page after this one begins; null: there is none. */
  next: number | null;
}

/**
 * The entries that name a subject and are kept. One page may be shorter than its limit: payloads are large, lie in many objects of the
 * archive, or an entry is not there. That an entry names somebody stays in the ledger when its row is pruned.
 */
export async function pageOfSubject(
  subject: string,
  range: PageRange,
  limit: number,
  { ledger, sealedRows, firstKept }: PageStores,
): Promise<EntryPage> {
  const descending = range.order === "desc";
  const { fromSeq, toSeq } = seqRange(range);
  const kept = { fromSeq: Math.max(fromSeq, await firstKept()), toSeq };
  const seqs = await sealedRows.seqsOf(subject, { ...kept, limit: limit + 1, descending });
  const page = seqs.slice(0, limit);
  const rows = await ledger.rowsAt(page, descending);
  return { rows, next: endsEarly(rows, page) ? seqAfter(rows.at(-1), seqs) : (seqs[limit] ?? null) };
}

/** All entries of a range that are kept. */
export async function pageOfRange(range: PageRange, limit: number, { ledger }: PageStores): Promise<EntryPage> {
  const descending = range.order === "desc";
  const { rows, cut } = await ledger.page({ ...seqRange(range), limit: limit + 1, descending });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (!last || (rows.length <= limit && !cut)) return { rows: page, next: null };
  const next = descending ? last.seq - 1 : last.seq + 1;
  return { rows: page, next: next < range.from || next > range.to ? null : next };
}

/** Single entries, by seq; those that the ledger holds. */
export async function pageOfSeqs(seqs: readonly number[], { ledger }: PageStores): Promise<EntryPage> {
  const wanted = [...new Set(seqs)].sort((a, b) => a - b);
  const rows = await ledger.rowsAt(wanted);
  return { rows, next: endsEarly(rows, wanted) ? seqAfter(rows.at(-1), wanted) : null };
}

/** A page that ends before `rows` do goes on with the first one that it left out. */
export function cutAfter({ rows, next }: EntryPage, count: number): EntryPage {
  return { rows: rows.slice(0, count), next: rows[count]?.seq ?? next };
}

function seqRange({ order, from, to, next }: PageRange): { fromSeq: number; toSeq: number } {
  return order === "desc" ? { fromSeq: from, toSeq: next } : { fromSeq: next, toSeq: to };
}

/** A store ends a page early when its payloads are large. */
function isCut(rows: readonly EntryRow[]): boolean {
  return rows.reduce((chars, { payload }) => chars + payload.length, 0) >= LIMITS.pageChars;
}

/** Before the last one that was asked for: cut, or the last ones are not there, and the next page is empty. */
function endsEarly(rows: readonly EntryRow[], asked: readonly number[]): boolean {
  return isCut(rows) || (rows.length > 0 && rows.at(-1)?.seq !== asked.at(-1));
}

function seqAfter(last: EntryRow | undefined, seqs: readonly number[]): number | null {
  return last ? (seqs[seqs.indexOf(last.seq) + 1] ?? null) : null;
}
