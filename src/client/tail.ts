/**
 * Following a log. Each entry from `from` on that the filter asks for comes once, in order of seq, across lost connections and
 * restarts of the server: the reader connects again from the seq behind the last one that was looked at, and drops what it has. Without a
 * filter a seq that is left out is noticed, and asked for again.
 */
import type { Outcome } from "../core/event.ts";
import { MoonsealProblem, MoonsealUnreachable } from "./errors.ts";
import { eventsOf, type StreamEvent } from "./event-stream.ts";
import type { CallOptions } from "./requests.ts";
import { isRetryable } from "./retry.ts";
import type { Transport } from "./transport.ts";
import type { Entry } from "./types.ts";

export interface TailOptions extends CallOptions {
  /** First seq. Default: what comes from now on. */
  from?: number | undefined;
  /** An entry has to match one of the values of each: `invoice.paid`, `invoice.*`. */
  action?: readonly string[] | undefined;
  outcome?: readonly Outcome[] | undefined;
  category?: readonly string[] | undefined;
  /** Told when a connection is there and when one is lost, for a line of state. */
  onState?: ((state: TailConnection) => void) | undefined;
}

export type TailConnection =
  | { state: "connected"; next: number }
  | { state: "away"; reason: MoonsealProblem | MoonsealUnreachable; waitMs: number };

/** A server says at least every 20 s that it is there. */
const SILENCE_MS = 70_000;
const BASE_MS = 250;
const MAX_MS = 10_000;

export class TailClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Entries without end. Ends by throwing: `MoonsealProblem` for a refusal that waiting does not change (the credential has ended, the
   * domain is gone or has stopped), the signal's reason when aborted.
   */
  async *entries(domainId: string, options: TailOptions = {}): AsyncGenerator<Entry> {
    const place: Place = { next: options.from ?? null };
    for (let failures = 0; ; ) {
      const before = place.next;
      let reason: MoonsealProblem | MoonsealUnreachable;
      try {
        yield* this.#connection(domainId, options, place);
        // It ended as connections do: after their life, or with the server.
        if (place.next !== before || failures === 0) {
          failures = 1;
          continue;
        }
        reason = new MoonsealUnreachable("the connection was ended", failures);
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        reason = passing(error);
      }
      failures = place.next === before ? failures + 1 : 1;
      const asked = reason instanceof MoonsealProblem ? (reason.retryAfterMs ?? 0) : 0;
      const waitMs = asked + this.#transport.jitter(Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failures, 10)));
      options.onState?.({ state: "away", reason, waitMs });
      await this.#transport.wait(waitMs, options.signal);
    }
  }

  /** One connection. Moves `place` before it gives an entry, so whoever stops in the middle has not lost it. */
  async *#connection(domainId: string, options: TailOptions, place: Place): AsyncGenerator<Entry> {
    const { action, outcome, category, signal } = options;
    const lists = Object.entries({ action, outcome, category });
    const path = `/v1/domains/${encodeURIComponent(domainId)}/audit/tail`;
    const chunks = await this.#transport.stream({
      path,
      query: [
        ...(place.next === null ? [] : [["from", String(place.next)] as [string, string]]),
        ...lists.flatMap(([name, values]) => (values ?? []).map((value) => [name, value] as [string, string])),
      ],
      accept: "text/event-stream",
      silenceMs: SILENCE_MS,
      signal,
    });
    const wantsAll = lists.every(([, values]) => values === undefined || values.length === 0);
    let isFirst = true;
    for await (const event of eventsOf(chunks)) {
      const entry = entryOf(event);
      if (place.next === null || !(wantsAll || entry))
        place.next = Math.max(place.next ?? 0, placeBehind(event.lastId));
      if (isFirst) options.onState?.({ state: "connected", next: place.next });
      isFirst = false;
      if (!entry || entry.seq < place.next) continue;
      if (wantsAll && entry.seq > place.next) throw new MoonsealUnreachable(`entry ${place.next} was left out`, 1);
      place.next = entry.seq + 1;
      yield entry;
    }
  }
}

interface Place {
  /** Null: nothing has said yet where the head is. */
  next: number | null;
}

const placeBehind = (lastId: string): number => (/^\d{1,16}$/.test(lastId) ? Number(lastId) + 1 : 0);

/** Throws for what claims to be an entry and is none: the connection is not understood. */
function entryOf({ type, data }: StreamEvent): Entry | null {
  if (type !== "message" || data === null) return null;
  const entry = JSON.parse(data) as Entry;
  if (!Number.isSafeInteger(entry?.seq)) throw new MoonsealUnreachable("what came is no entry", 1);
  return entry;
}

/** What waiting may change; throws what it does not. */
function passing(error: unknown): MoonsealProblem | MoonsealUnreachable {
  if (error instanceof MoonsealUnreachable) return error;
  if (!(error instanceof MoonsealProblem)) {
    return new MoonsealUnreachable(error instanceof Error ? error.message : "the connection broke off", 1, error);
  }
  if (error.status >= 500 ? error.code === "domain.stopped" : !isRetryable(error.status, error.code)) throw error;
  return error;
}
