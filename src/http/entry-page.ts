/** Pages of entries out of the queryable copy, and of the archive where they were pruned, for every route that answers them. */
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import type { WholePage } from "../services/log/cold/whole-ledger.ts";
import type { EntryRow } from "../services/ports.ts";
import type { CellServices } from "./environment.ts";
import type { PageQuestion } from "./page-question.ts";

export interface AnsweredPage {
  page: EntryRow[];
  /** The question that goes on after them; null: that was all. */
  next: PageQuestion | null;
  /** The first entry whose payload is kept, when the question reaches below it. */
  firstKept: number | null;
}

/**
 * At most `limit` rows; fewer, with a `next`, when payloads are large or lie in many archive objects. `latest`: where the rows lie,
 * fresh from the object; without it a page that would be the last makes sure that it is. What is hot costs one query; a page that
 * begins in the archive, one call of the keeper more.
 */
export async function entryPage(
  services: CellServices,
  domainId: string,
  question: PageQuestion,
  limit: number,
  latest: ShardRange[] | null,
): Promise<AnsweredPage> {
  const { rows, cut, firstKept } = await readRows(services, domainId, question, limit + 1, latest);
  const page = rows.slice(0, limit);
  return { page, next: nextQuestion(question, page, rows.length > limit || cut), firstKept };
}

/** A store ends a page early when its payloads are large. */
function isCutBySize(page: readonly EntryRow[], limit: number): boolean {
  return page.length < limit && page.reduce((chars, { payload }) => chars + payload.length, 0) >= LIMITS.pageChars;
}

function nextQuestion(question: PageQuestion, page: EntryRow[], more: boolean): PageQuestion | null {
  const last = page.at(-1);
  if (!more || !last) return null;
  const next = question.order === "desc" ? last.seq - 1 : last.seq + 1;
  return next < question.from || next > question.to ? null : { ...question, next };
}

async function readRows(
  services: CellServices,
  domainId: string,
  question: PageQuestion,
  limit: number,
  latest: ShardRange[] | null,
): Promise<WholePage> {
  const descending = question.order === "desc";
  const range = {
    fromSeq: descending ? question.from : question.next,
    toSeq: descending ? question.next : question.to,
    limit,
    descending,
  };
  const read = (ranges: ShardRange[]) => services.ledger(domainId, ranges).rows(range);
  let ranges = latest ?? (await services.shards(domainId));
  let rows = await read(ranges);
  if (!latest && rows.length < limit) {
    const fresh = await services.shards(domainId, true);
    if (fresh.length !== ranges.length) rows = await read(fresh);
    ranges = fresh;
  }
  const cut = isCutBySize(rows, limit);
  const isFull = cut || rows.length === limit;
  const reached = descending ? isFull || rows.at(-1)?.seq === range.fromSeq : rows[0]?.seq === range.fromSeq;
  if (reached || !(await mayBePruned(services, domainId, ranges, range, rows))) return { rows, cut, firstKept: null };
  return services.keeper(domainId).coldPage(range);
}

/** Forward, an empty page is behind the end of the log when the copy has an entry before it, and costs no look at the archive. */
async function mayBePruned(
  services: CellServices,
  domainId: string,
  ranges: readonly ShardRange[],
  { fromSeq, descending }: { fromSeq: number; descending: boolean },
  rows: readonly EntryRow[],
): Promise<boolean> {
  if (descending || rows.length > 0) return true;
  if (fromSeq === 0) return true;
  const [before] = await services.ledger(domainId, ranges).rows({ fromSeq: 0, toSeq: fromSeq - 1, limit: 1 });
  return before === undefined;
}
