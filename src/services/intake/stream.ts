/**
 * Appends a stream group by group, in its order, and gives the results as each group is committed. While one group is with the
 * log, the next one is read and checked; there are never more than these two, so whoever does not read the results holds up
 * the input and fills no memory.
 *
 * Commit order: each group as `appendEach` says, one after another.  crash, or the connection breaks: the groups before are
 * stored, the one under way is or is not; sent again, events with an id or under an idempotency key are stored once.
 */
import { type AppError, isAppError } from "../../core/errors.ts";
import type { EachResult } from "./append-each.ts";
import type { Group, GroupOrBroken } from "./groups.ts";
import type { EventResult, Place } from "./offered.ts";

/** Where to go on: nothing from there on was looked at, or it is not known what became of it. */
export type Stopped = Place & { error: AppError };

export interface Summary {
  events: number;
  stored: number;
  replayed: number;
  refused: number;
  /** Null: the stream was read to its end. */
  stopped: Stopped | null;
}

export type Step = { results: EventResult[] } | { summary: Summary };

/** `append` counts the events of a group against the rate and appends them. Ends with a summary, always. */
export async function* appendStream(
  groups: AsyncGenerator<GroupOrBroken>,
  append: (group: Group) => Promise<EachResult>,
): AsyncGenerator<Step> {
  const summary: Summary = { events: 0, stored: 0, replayed: 0, refused: 0, stopped: null };
  let goOn: Required<Place> = { index: 0, line: 1 };
  let upcoming = groups.next();
  try {
    for (;;) {
      const { done, value } = await upcoming;
      if (done) break;
      if ("broken" in value) {
        summary.stopped = { ...goOn, error: value.broken };
        break;
      }
      const running = append(value);
      upcoming = groups.next();
      upcoming.catch(() => {});
      const settled = await running.catch(expected);
      if (isAppError(settled)) {
        summary.stopped = { ...goOn, error: settled };
        break;
      }
      for (const { status } of settled.results) summary[status]++;
      summary.events += settled.results.length;
      goOn = value.next;
      yield { results: settled.results };
    }
    yield { summary };
  } finally {
    // Not awaited: it may be waiting for input that never comes.
    void groups.return(undefined).catch(() => {});
  }
}

function expected(error: unknown): AppError {
  if (isAppError(error)) return error;
  throw error;
}
