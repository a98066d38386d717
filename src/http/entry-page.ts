/** Pages of entries out of the queryable copy, for every route that answers them. */
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import type { EntryRow } from "../services/ports.ts";
import type { CellServices } from "./environment.ts";
import type { PageQuestion } from "./page-question.ts";

/**
 * At most `limit` rows, and the question that goes on after them; null: that was all. `latest`: where the rows lie, fresh from
 * the object; without it a page that would be the last makes sure that it is.
 */
export async function entryPage(
  services: CellServices,
  domainId: string,
  question: PageQuestion,
  limit: number,
  latest: ShardRange[] | null,
): Promise<{ page: EntryRow[]; next: PageQuestion | null }> {
  const rows = await readRows(services, domainId, question, limit + 1, latest);
  const page = rows.slice(0, limit);
  return { page, next: nextQuestion(question, page, rows.length > limit || isCutBySize(page, limit)) };
}

/** A store ends a page early when its payloads are large. */
function isCutBySize(page: EntryRow[], limit: number): boolean {
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
): Promise<EntryRow[]> {
  const descending = question.order === "desc";
  const read = (ranges: ShardRange[]) =>
    services.ledger(domainId, ranges).rows({
      fromSeq: descending ? question.from : question.next,
      toSeq: descending ? question.next : question.to,
      limit,
      descending,
    });
  const ranges = latest ?? (await services.shards(domainId));
  const rows = await read(ranges);
  if (latest || rows.length === limit) return rows;
  const fresh = await services.shards(domainId, true);
  return fresh.length === ranges.length ? rows : read(fresh);
}
