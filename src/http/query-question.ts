/** What a page of a query was asked for, and the cursor that goes on with it. */
import { toHex } from "../core/bytes.ts";
import type { AskedFilter, AskedQuery } from "../core/query/asked.ts";
import type { EntryFilter } from "../core/query/filter.ts";
import { printFilter } from "../core/query/language/print.ts";
import { withoutIdentities } from "../core/query/people.ts";
import { sha256 } from "../crypto/sha256.ts";
import type { EntryOrder } from "../services/query/ports.ts";
import { readAsked } from "../services/query/resolve.ts";
import type { QueryPlace } from "../services/query/run.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { readMark } from "./read-mark.ts";
import { invalid } from "./validation.ts";

export interface QueryQuestion {
  query: AskedQuery;
  order: EntryOrder;
  /** When the first page was asked for: what `-7d` counts from on every page. */
  nowMs: number;
  after: QueryPlace | null;
  /** What the cursor was made for; null: the first page. */
  fingerprint: string | null;
  mark: string | null;
}

interface Asked extends AskedFilter {
  order?: EntryOrder | undefined;
  cursor?: string | undefined;
}

/** `owner`: the domain or tenant that the cursor is bound to. Throws `request.invalid`. */
export function readQueryQuestion(asked: Asked, kind: string, owner: string, nowMs: number): QueryQuestion {
  if (asked.cursor === undefined) {
    const query = readAsked(asked, nowMs);
    return { query, order: asked.order ?? "desc", nowMs, after: null, fingerprint: null, mark: null };
  }
  const state = decodeCursor(asked.cursor, kind, owner, readState, "/cursor");
  if (asked.order !== undefined && asked.order !== state.order) {
    throw invalid([{ pointer: "/order", detail: "is not what the cursor was made for" }]);
  }
  return { ...state, query: readAsked(asked, state.nowMs) };
}

/** Filters, in their normal form, of the domains that are searched. Throws `request.invalid` for a cursor of others. */
export function demandSameFilter(question: QueryQuestion, filters: ReadonlyMap<string, EntryFilter>): string {
  const byId = [...filters].toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Without ids that may be people's: the pseudonym beside one says the same, and stays when the log sees that person first.
  const texts = byId.map(([id, filter]) => [id, printFilter(withoutIdentities(filter))]);
  const fingerprint = toHex(sha256(JSON.stringify([question.order, texts])).subarray(0, 16));
  if (question.fingerprint !== null && question.fingerprint !== fingerprint) {
    throw invalid([{ pointer: "/cursor", detail: "was made for another filter" }]);
  }
  return fingerprint;
}

export function queryCursor(
  kind: string,
  owner: string,
  { order, nowMs }: QueryQuestion,
  { fingerprint, after, mark }: { fingerprint: string; after: QueryPlace; mark: string },
): string {
  return encodeCursor(kind, owner, { order, now: nowMs, of: fingerprint, ...after, mark });
}

function readState(state: unknown): Omit<QueryQuestion, "query"> | null {
  const { order, now, of } = state as Record<string, unknown>;
  if (order !== "asc" && order !== "desc") return null;
  const after = readPlace(state as Record<string, unknown>);
  if (typeof of !== "string" || after === null) return null;
  if (!Number.isSafeInteger(now) || !isTime(now as number)) return null;
  return { order, nowMs: now as number, after, fingerprint: of, ...readMark(state as Record<string, unknown>) };
}

function readPlace({ domainId, at, seq, archived }: Record<string, unknown>): QueryPlace | null {
  if (typeof domainId !== "string") return null;
  if (archived !== undefined) {
    const isSeq = archived === null || (Number.isSafeInteger(archived) && (archived as number) >= 0);
    return isSeq ? { domainId, archived: archived as number | null } : null;
  }
  return [at, seq].every(Number.isSafeInteger) ? { at: at as number, seq: seq as number, domainId } : null;
}

/** What a date can hold, with room for what counts back from it. */
const isTime = (ms: number): boolean => ms >= 0 && ms < 8e15;
