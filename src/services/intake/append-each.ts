/**
 * Appends a group of events so that those which are refused do not hold up the others (`mode=partial`).
 *
 * The log appends all of a call or nothing. So a call that names events which cannot be stored is made again without them; each
 * time there are fewer, and nothing was stored by the one before. Events with one id twice go in calls of their own, in order:
 * the second is then a replay or a conflict of its own.
 *
 * Commit order:
 *  1. each run of events with different ids: one call, all or nothing     crash: the runs before it are stored
 *  2. the results                                                         crash: sent again, events with an id, or under an
 *                                                                         idempotency key, are answered with their first receipts
 */
import { canonicalJson } from "../../core/canonical.ts";
import type { PersonalDataGuard } from "../../core/domain-settings.ts";
import { type AppError, type ErrorCode, type FieldError, isAppError } from "../../core/errors.ts";
import type { AppendCall, DomainLogCalls } from "../log/calls.ts";
import {
  type AcceptedEvent,
  type EventResult,
  type Offered,
  type Place,
  type RefusedEvent,
  receiptOf,
} from "./offered.ts";
import { atOrigin } from "./read.ts";

export interface EachCall {
  scope: string;
  /** Events without an id get one of this key and their index; null: they are stored anew each time they are sent. */
  idempotencyKey: string | null;
  waitForCopy: boolean;
  /** What the guard of the domain did; for the object's last line (`AppendCall`). */
  personalData?: PersonalDataGuard;
}

type Accepted = Place & { accepted: AcceptedEvent; text: string };

export interface EachResult {
  /** In the order of the events. */
  results: EventResult[];
  replicated: boolean;
}

/** Faults that belong to single events, which their pointers name. */
const OF_AN_EVENT: ReadonlySet<ErrorCode> = new Set([
  "entry.refused",
  "entry.id_conflict",
  "request.invalid",
  "request.too_large",
]);

/** Throws what stopped the log from taking any (`backlog.full`, `storage.unavailable`, …); runs before may be stored then. */
export async function appendEach(
  log: Pick<DomainLogCalls, "append">,
  events: readonly Offered[],
  call: EachCall,
): Promise<EachResult> {
  const results = new Map<number, EventResult>();
  let replicated = true;
  for (const event of events) if ("refused" in event) results.set(event.index, refusedResult(event, event.refused));
  for (const run of runsOfDifferentIds(events.filter((event) => "accepted" in event))) {
    replicated = (await appendRun(log, run, call, results)) && replicated;
  }
  return { results: events.flatMap(({ index }) => results.get(index) ?? []), replicated };
}

async function appendRun(
  log: Pick<DomainLogCalls, "append">,
  run: readonly Accepted[],
  call: EachCall,
  results: Map<number, EventResult>,
): Promise<boolean> {
  let left = run;
  while (left.length > 0) {
    try {
      const { receipts, replicated } = await log.append(callFor(left, call));
      left.forEach(({ index, line, accepted }, i) => {
        const given = receipts[i];
        const receipt = given && receiptOf(given, accepted);
        if (receipt)
          results.set(index, { ...placed(index, line), status: receipt.replayed ? "replayed" : "stored", receipt });
      });
      return replicated;
    } catch (error) {
      if (!isAppError(error)) throw error;
      const refused = refusedEvents(error, left, call.idempotencyKey !== null);
      if (refused.size === 0) throw error;
      for (const [i, why] of refused) results.set((left[i] as Accepted).index, refusedResult(left[i] as Accepted, why));
      left = left.filter((_, i) => !refused.has(i));
    }
  }
  return true;
}

/** One event a line: what the client sent, where nothing changed it. */
export function callFor(events: readonly Accepted[], call: EachCall): AppendCall {
  const { scope, idempotencyKey, waitForCopy, personalData } = call;
  const schemas = events.map(({ accepted }) => accepted.schema ?? null);
  return {
    body: events.map(({ text }) => text).join("\n"),
    form: "ndjson",
    scope,
    idempotencyKey: null,
    waitForCopy,
    ...(personalData ? { personalData } : {}),
    ...(schemas.some((schema) => schema !== null) ? { schemas } : {}),
    ...(idempotencyKey === null
      ? {}
      : { eachUnder: { key: idempotencyKey, indexes: events.map(({ index }) => index) } }),
  };
}

/** The text of an accepted event that was no line of its own: canonical, so that a retry is the same text. */
export const textOf = ({ event }: AcceptedEvent): string => canonicalJson(event);

/** By their place in `events`. Empty: it is no fault of single events. */
export function refusedEvents(
  error: Pick<AppError, "code" | "errors">,
  events: readonly { accepted: AcceptedEvent }[],
  underKey: boolean,
): Map<number, RefusedEvent> {
  const found = new Map<number, RefusedEvent>();
  if (!OF_AN_EVENT.has(error.code)) return found;
  for (const { pointer, detail } of error.errors ?? []) {
    const [, digits, rest = ""] = /^\/(\d+)(\/.*)?$/.exec(pointer) ?? [];
    const i = Number(digits ?? Number.NaN);
    const accepted = events[i]?.accepted;
    if (!accepted) continue;
    const { code, errors } = named(error.code, accepted, underKey, { pointer: rest, detail });
    const before = found.get(i);
    if (before) before.errors.push(...errors);
    else found.set(i, { code, errors, action: accepted.event.action, schemaVersion: accepted.schema?.version });
  }
  return found;
}

/** Another event under the id that was made of the idempotency key: the key was used for another request. */
function named(code: ErrorCode, accepted: AcceptedEvent, underKey: boolean, error: FieldError) {
  if (code === "entry.id_conflict" && underKey && accepted.event.id === undefined) {
    const detail = "another event was stored under this key and index";
    return { code: "idempotency.key_reused" as const, errors: [{ pointer: "", detail }] };
  }
  return { code, errors: atOrigin([error], accepted.origin) };
}

const placed = (index: number, line: number | undefined): Place => (line === undefined ? { index } : { index, line });

const refusedResult = ({ index, line }: Place, refused: RefusedEvent): EventResult => ({
  ...placed(index, line),
  status: "refused",
  refused,
});

/** In order; a run ends before an id that it has already. */
function runsOfDifferentIds(events: readonly Accepted[]): Accepted[][] {
  const runs: Accepted[][] = [];
  let ids = new Set<string>();
  for (const event of events) {
    const { id } = event.accepted.event;
    let run = runs.at(-1);
    if (!run || (id !== undefined && ids.has(id))) {
      run = [];
      runs.push(run);
      ids = new Set();
    }
    if (id !== undefined) ids.add(id);
    run.push(event);
  }
  return runs;
}
