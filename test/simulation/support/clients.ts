/** The clients of a domain: each sends, waits, loses answers, sends again. */
import type { AppendResult } from "../../../src/services/log/calls.ts";
import type { Oracle } from "./oracle.ts";
import type { Prng } from "./prng.ts";
import { type Habits, isRetryable, RequestMaker, type SentRequest } from "./requests.ts";

export type AppendOutcome = { ok: true; result: AppendResult } | { ok: false; error: unknown };

/** One sending of a request. */
export interface Attempt {
  client: Client;
  request: SentRequest;
  incarnation: number;
  outcome: AppendOutcome | null;
  /** The answer leaves the object when this version of its storage is durable. */
  gate: number;
}

export interface Client {
  scope: string;
  waitsFor: Attempt | null;
  toRetry: SentRequest | null;
}

export class Clients {
  readonly all: Client[];
  attempts: Attempt[] = [];
  readonly #maker: RequestMaker;
  readonly #oracle: Oracle;
  readonly #prng: Prng;

  constructor(count: number, habits: Habits, oracle: Oracle, prng: Prng) {
    this.all = Array.from({ length: count }, (_, i) => ({ scope: `key_${i % 2}`, waitsFor: null, toRetry: null }));
    this.#maker = new RequestMaker(prng, habits);
    this.#oracle = oracle;
    this.#prng = prng;
  }

  idle(): Client[] {
    return this.all.filter(({ waitsFor }) => waitsFor === null);
  }

  /** The next thing that this client sends. */
  send(client: Client, incarnation: number): Attempt {
    const request = client.toRetry ?? this.#maker.next(client.scope);
    client.toRetry = null;
    const attempt: Attempt = { client, request, incarnation, outcome: null, gate: 0 };
    client.waitsFor = attempt;
    this.attempts.push(attempt);
    this.#oracle.sent(request);
    return attempt;
  }

  /** The answer arrives. */
  hear(attempt: Attempt): void {
    const { client, request, outcome } = attempt;
    this.#over(attempt);
    const verdict =
      outcome?.ok === true
        ? this.#oracle.accepted(request, outcome.result)
        : this.#oracle.refused(request, outcome?.error);
    if (client.waitsFor === attempt) client.waitsFor = null;
    else return;
    if (verdict === "retry" && isRetryable(request)) client.toRetry = request;
  }

  /** No answer arrives: the client's patience, the connection or the object was lost. */
  lose(attempt: Attempt): void {
    const { client, request } = attempt;
    this.#over(attempt);
    if (client.waitsFor !== attempt) return;
    client.waitsFor = null;
    if (isRetryable(request) && this.#prng.chance(0.9)) client.toRetry = request;
  }

  #over(attempt: Attempt): void {
    this.attempts = this.attempts.filter((other) => other !== attempt);
  }
}
