/**
 * Failed logins as entries. However many there are, a person's log gets two an hour for each method: the first at once, the rest as a
 * number when the hour is over. Pure.
 */
import { LIMITS } from "../../../core/limits.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import type { PeopleDeps } from "../people/deps.ts";
import { entryOf } from "../people/events.ts";
import { nounOf } from "../people/sessions.ts";

/** Stands for all accounts that do not exist. */
export const NOBODY = "";

export interface FailureWindow {
  personId: string;
  method: string;
  beganAtMs: number;
  /** Failures that no entry tells of yet. */
  untold: number;
}

export interface FailureBook {
  window(personId: string, method: string): FailureWindow | null;
  put(window: FailureWindow): void;
  /** Windows that began before and have something untold; at most 100. */
  over(beforeMs: number): FailureWindow[];
  drop(window: FailureWindow): void;
}

type Log = Pick<PeopleDeps, "kind" | "domainId">;

/** Counts one, within the transaction of its cause. The entries to be written with it. */
export function countFailure(book: FailureBook, log: Log, personId: string, method: string, nowMs: number): EntryJob[] {
  const window = book.window(personId, method);
  if (window && nowMs - window.beganAtMs < LIMITS.loginFailureWindowMs) {
    book.put({ ...window, untold: window.untold + 1 });
    return [];
  }
  const begun = { personId, method, beganAtMs: nowMs, untold: 0 };
  book.put(begun);
  const rest = window && window.untold > 0 ? [failureEntry(log, window, window.untold, "rest")] : [];
  return [...rest, failureEntry(log, begun, 1, "first")];
}

/** Takes the windows that are over: what is still to be told. */
export function tellRest(book: FailureBook, log: Log, nowMs: number): EntryJob[] {
  return book.over(nowMs - LIMITS.loginFailureWindowMs).map((window) => {
    book.drop(window);
    return failureEntry(log, window, window.untold, "rest");
  });
}

function failureEntry(
  log: Log,
  { personId, method, beganAtMs }: FailureWindow,
  failures: number,
  part: "first" | "rest",
): EntryJob {
  return entryOf(nounOf(log), log.domainId, {
    what: "login_failed",
    actor: { type: "anonymous" },
    targets: personId === NOBODY ? [] : [{ type: "user", id: personId }],
    metadata: { method, failures, since: new Date(beganAtMs).toISOString() },
    failed: true,
    once: `${personId}:${method}:${beganAtMs}:${part}`,
  });
}
