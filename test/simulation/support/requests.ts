/** What simulated clients send: batches with and without ids and keys, repeated, and in conflict with each other. */
import type { Receipt } from "../../../src/services/log/append.ts";
import type { AppendCall } from "../../../src/services/log/calls.ts";
import type { Prng } from "./prng.ts";

export interface SentEvent {
  /** Stands in the event's metadata, so that an entry tells whose it is. The same event sent again keeps it. */
  marker: number;
  id: string | undefined;
}

export interface SentRequest {
  call: AppendCall;
  events: SentEvent[];
  attempts: number;
  /** The first receipts that a client saw. */
  first: Receipt[] | null;
  /** One of the answers was not a replay. */
  answeredNew: boolean;
  /** What the answer promised. */
  expiresAtMs: number;
}

export interface Habits {
  batchMax: number;
  /** Shares of requests with a key, of events with an id. */
  keys: number;
  ids: number;
  /** Shares of requests that are sent though they were answered, and that contradict an earlier one. */
  repeats: number;
  conflicts: number;
}

const REMEMBERED = 40;

export class RequestMaker {
  readonly #prng: Prng;
  readonly #habits: Habits;
  readonly #recent: SentRequest[] = [];
  readonly #events = new Map<string, SentEvent>();
  #markers = 0;
  /** Counted in each scope: two credentials use the same keys. */
  readonly #keys = new Map<string, number>();

  constructor(prng: Prng, habits: Habits) {
    this.#prng = prng;
    this.#habits = habits;
  }

  next(scope: string): SentRequest {
    const { repeats, conflicts, keys } = this.#habits;
    const again = this.#recent.filter((request) => isRetryable(request) && request.call.scope === scope);
    if (again.length > 0 && this.#prng.chance(repeats)) return this.#prng.pick(again);
    const earlier = this.#prng.chance(conflicts) ? this.#recent.filter(({ call }) => call.scope === scope) : [];
    const key = this.#prng.chance(keys) ? this.#nextKey(scope) : null;
    const reused = earlier.length > 0 ? this.#prng.pick(earlier).call.idempotencyKey : null;
    const count = this.#prng.between(1, this.#habits.batchMax);
    const events = Array.from({ length: count }, () => this.#event());
    return this.#remember(this.#request(scope, reused ?? key, events));
  }

  #nextKey(scope: string): string {
    const count = this.#keys.get(scope) ?? 0;
    this.#keys.set(scope, count + 1);
    return `k${count}`;
  }

  #event(): SentEvent {
    const { ids, repeats, conflicts } = this.#habits;
    const fresh = { marker: this.#markers++, id: undefined };
    if (!this.#prng.chance(ids)) return fresh;
    const known = [...this.#events.values()];
    if (known.length > 0 && this.#prng.chance(repeats)) return this.#prng.pick(known);
    if (known.length > 0 && this.#prng.chance(conflicts)) return { ...fresh, id: this.#prng.pick(known).id };
    const event = { ...fresh, id: `event-${fresh.marker}` };
    this.#events.set(event.id, event);
    if (this.#events.size > REMEMBERED && this.#prng.chance(0.9)) {
      const forgotten = known[this.#prng.int(known.length)];
      if (forgotten?.id !== undefined) this.#events.delete(forgotten.id);
    }
    return event;
  }

  #request(scope: string, idempotencyKey: string | null, events: SentEvent[]): SentRequest {
    const bodies = events.map(({ marker, id }) => ({
      action: "document.read",
      actor: { type: "service", id: "svc" },
      metadata: { n: marker },
      clear_metadata: ["n"],
      ...(id === undefined ? {} : { id }),
    }));
    const single = bodies.length === 1 && this.#prng.chance(0.5);
    const ndjson = !single && this.#prng.chance(0.3);
    const body = ndjson
      ? bodies.map((event) => JSON.stringify(event)).join("\n")
      : JSON.stringify(single ? bodies[0] : bodies);
    const waitForCopy = this.#prng.chance(0.15);
    const call: AppendCall = { body, form: ndjson ? "ndjson" : "json", scope, idempotencyKey, waitForCopy };
    return { call, events, attempts: 0, first: null, answeredNew: false, expiresAtMs: Number.POSITIVE_INFINITY };
  }

  /** Recent ones, and a few that stay long enough to be older than every window. */
  #remember(request: SentRequest): SentRequest {
    if (this.#recent.length < REMEMBERED) this.#recent.push(request);
    else this.#recent[this.#prng.int(REMEMBERED)] = request;
    return request;
  }
}

/** May a client send it again without knowing what became of it? */
export const isRetryable = ({ call, events }: SentRequest) =>
  call.idempotencyKey !== null || events.every(({ id }) => id !== undefined);
