/** What an entry leaves in the index: a posting for each of its terms, and its place in the sums of its day. */
import { categoryOf } from "../../core/actions/index.ts";
import type { Payload } from "../../core/payload/payload.ts";
import { DAY_MS } from "../../core/query/instants.ts";
import { termNumber } from "../../core/query/term-number.ts";
import { EVERY_ENTRY, termsOf } from "../../core/query/terms.ts";
import { valuesOf } from "../../core/query/values.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { EntryRow } from "../ports.ts";
import type { DaySum, Indexed, Posting, TallyKind } from "./ports.ts";

export const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);

/** Rows come from a store and are untrusted: one that is no entry is found only where every entry is. Pure. */
export function indexed(rows: readonly EntryRow[], salt: Uint8Array, sha256: Sha256): Indexed {
  const numbers = new Map<string, number>();
  const numberOf = (term: string) => {
    const number = numbers.get(term) ?? termNumber(sha256, salt, term);
    numbers.set(term, number);
    return number;
  };
  const postings: Posting[] = [];
  const sums = new Map<string, DaySum>();
  for (const { seq, payload: text } of rows) {
    const payload = payloadOf(text);
    const at = placedAt(payload);
    const category = payload && typeof payload.action === "string" ? categoryOf(payload.action) : null;
    const terms = payload ? termsOf(payload, category) : [EVERY_ENTRY];
    for (const number of new Set(terms.map(numberOf))) postings.push([number, at, seq]);
    for (const [kind, value] of payload ? tallied(payload, category) : []) {
      const key = `${kind} ${dayOf(at)} ${value}`;
      sums.set(key, [kind, dayOf(at), value, (sums.get(key)?.[3] ?? 0) + 1]);
    }
  }
  return { postings: postings.sort(byPlace), sums: [...sums.values()] };
}

const byPlace = (a: Posting, b: Posting) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

function payloadOf(text: string): Payload | null {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** `occurred_at`, which a client gives and the object checked. */
function placedAt(payload: Payload | null): number {
  const times = [Date.parse(String(payload?.occurred_at)), Date.parse(String(payload?.recorded_at))];
  return times.find((ms) => Number.isSafeInteger(ms)) ?? 0;
}

/** What an entry counts as in the sums of its day. */
export function tallied(payload: Payload, category: string | null): [TallyKind, string][] {
  const actors = valuesOf("actor", payload, category);
  const actor = actors.find((value) => !value.startsWith("type:")) ?? actors[0];
  const { action, outcome } = payload;
  return (
    [
      ["action", action],
      ["actor", actor],
      ["outcome", outcome],
      ["category", category],
    ] as [TallyKind, unknown][]
  ).filter((pair): pair is [TallyKind, string] => typeof pair[1] === "string");
}
