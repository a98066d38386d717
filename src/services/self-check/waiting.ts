/**
 * Entries for the platform's log that it has not taken yet. That log may refuse for long (a guard of its own database is missing, it
 * was stopped), so no turn waits for it: the finding counts as told, its alert stands at the cell's desk, and its entry waits here.
 *
 * Commit order, with the crash after each:
 *  1. the entry and its idempotency key are in the keeper's storage   the next turn appends it
 *  2. it is appended                                                  again: the key makes it the same entry
 *  3. it is taken off the list                                        done
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { SelfCheckDeps } from "./deps.ts";
import type { CheckRecord } from "./record.ts";

/** Changes the record alone. Of what comes when the list is full only the number is kept: the oldest stay. */
export function awaitEntry(record: CheckRecord, event: ProductEvent, key: string): void {
  if (record.waiting.length < LIMITS.selfCheckWaiting) record.waiting.push({ event, key });
  else record.dropped++;
}

/**
 * Appends what waits, oldest first, until one is refused: the order of the findings is that of their entries. Never throws. Cost: one
 * call for each, one in all while the log takes nothing.
 */
export async function appendWaiting(record: CheckRecord, deps: SelfCheckDeps): Promise<void> {
  for (let [next] = record.waiting; next; [next] = record.waiting) {
    const refusal = await refusalOf(() => deps.record(next.event, next.key));
    if (refusal !== null) return refused(record, refusal, deps);
    record.waiting.shift();
    record.refusal = null;
    deps.book.put(record);
  }
}

/** With something waiting the next turn comes soon, whenever the next run is due. Unix milliseconds. */
export function untilRetry({ waiting }: CheckRecord, dueMs: number, deps: SelfCheckDeps): number {
  const retryMs = Math.min(deps.intervalMs, LIMITS.selfCheckRetryMs);
  return waiting.length === 0 ? dueMs : Math.min(dueMs, deps.clock() + retryMs);
}

/** Said once for each reason, and again when entries are dropped: not at every try. */
function refused(record: CheckRecord, refusal: string, { domainId: domain, book }: SelfCheckDeps): void {
  const { waiting, dropped } = record;
  const { code, dropped: before } = record.refusal ?? { code: null, dropped: 0 };
  if (code === refusal && dropped === before) return;
  record.refusal = { code: refusal, dropped };
  book.put(record);
  const fault = "the platform's log does not take an entry";
  console.error(JSON.stringify({ at: "self-check", fault, domain, code: refusal, waiting: waiting.length, dropped }));
}

/** A code of ours, or the name of what nobody expected; null: it was taken. */
async function refusalOf(append: () => Promise<void>): Promise<string | null> {
  try {
    await append();
    return null;
  } catch (error) {
    if (isAppError(error)) return error.code;
    return error instanceof Error ? error.name : "unknown";
  }
}
