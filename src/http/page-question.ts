/** What a page of entries was asked for, and the cursor that goes on with it. */
import { decodeCursor } from "./cursor.ts";
import { invalid } from "./validation.ts";

export interface PageQuestion {
  order: "asc" | "desc";
  from: number;
  to: number;
  /** First seq of the page in its direction. */
  next: number;
}

interface Asked {
  order?: "asc" | "desc" | undefined;
  from?: number | undefined;
  to?: number | undefined;
  cursor?: string | undefined;
}

/** Where a field stands in the request: `query:` or a JSON Pointer into the body. */
export type Place = "query:" | "/";

/**
 * The question of a request: of its cursor, else of its fields. `kind` and `domainId` bind the cursor. `more` reads what else
 * the cursor holds; null refuses it. Throws `request.invalid`.
 */
export function readQuestion<More extends object>(
  asked: Asked,
  { kind, domainId, place }: { kind: string; domainId: string; place: Place },
  more: (state: Record<string, unknown>) => More | null,
  fresh: More,
): PageQuestion & More {
  if (asked.cursor === undefined) {
    const { order = "asc", from = 0, to = Number.MAX_SAFE_INTEGER } = asked;
    if (from > to) throw invalid([{ pointer: `${place}from`, detail: "must not be greater than to" }]);
    return { ...fresh, order, from, to, next: order === "desc" ? to : from };
  }
  const read = (state: unknown) => {
    const question = readState(state);
    const rest = question && more(state as Record<string, unknown>);
    return question && rest && { ...rest, ...question };
  };
  const question = decodeCursor(asked.cursor, kind, domainId, read, `${place}cursor`);
  const other = (["order", "from", "to"] as const).find(
    (name) => asked[name] !== undefined && asked[name] !== question[name],
  );
  if (other) throw invalid([{ pointer: `${place}${other}`, detail: "is not what the cursor was made for" }]);
  return question;
}

function readState(state: unknown): PageQuestion | null {
  const { order, from, to, next } = state as PageQuestion;
  return (order === "asc" || order === "desc") && [from, to, next].every(isSeq) ? { order, from, to, next } : null;
}

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
