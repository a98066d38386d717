/** Judges what the object answers to clients, against the truth and against what it answered before. */
import { isAppError } from "../../../src/core/errors.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Receipt } from "../../../src/services/log/append.ts";
import type { AppendResult } from "../../../src/services/log/calls.ts";
import { Divergence } from "../../../src/services/log/divergence.ts";
import type { SimulatedDomain } from "./domain.ts";
import type { SentRequest } from "./requests.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Less than the window by more than any clock of the simulation is wrong. */
const SURELY_REMEMBERED_MS = (LIMITS.idempotencyDays - 1) * DAY_MS;

/** The client is done with the request, or sends it again. */
export type Verdict = "done" | "retry";

export class Oracle {
  readonly #domain: SimulatedDomain;
  readonly #owners = new Map<string, SentRequest>();
  /** The events that clients gave ids, and all requests of a key: what may be in conflict with what. */
  readonly #sentUnderKey = new Map<string, Set<SentRequest>>();
  readonly #requestOfMarker = new Map<number, SentRequest>();
  /** The latest time that any clock of the object has shown. */
  latestMs = 0;
  /** A copy was altered by hand: answers may fail. */
  tampered = false;
  /** This row of the ledger was altered: a receipt that is read again says so. */
  alteredSeq = -1;

  constructor(domain: SimulatedDomain) {
    this.#domain = domain;
    domain.truth.mayRepeat = (marker) => {
      const event = this.#requestOfMarker.get(marker)?.events.find((sent) => sent.marker === marker);
      const seq = domain.truth.seqOf(marker);
      return event?.id === undefined && seq !== undefined && this.#isOld(seq);
    };
  }

  sent(request: SentRequest): void {
    request.attempts++;
    if (request.attempts > 1) return;
    for (const { marker } of request.events) {
      if (!this.#requestOfMarker.has(marker)) this.#requestOfMarker.set(marker, request);
    }
    const key = keyOf(request);
    if (key !== null) this.#sentUnderKey.set(key, (this.#sentUnderKey.get(key) ?? new Set()).add(request));
  }

  accepted(request: SentRequest, { receipts, replayed, replicated, idempotencyExpiresAt }: AppendResult): Verdict {
    const { referee, ledger } = this.#domain;
    const { events, first } = request;
    referee.demand(receipts.length === events.length, () => "not one receipt an event");
    receipts.forEach((receipt, i) => {
      this.#demandTrue(receipt, request, i);
    });
    const fresh = receipts.filter((receipt) => !receipt.replayed).map(({ seq }) => seq);
    const ascending = fresh.every((seq, i) => i === 0 || seq > (fresh[i - 1] ?? 0));
    referee.demand(replayed || ascending, () => "the events of a request were reordered");
    if (first && this.#isRemembered(request)) {
      const altered = receipts.some(({ seq }) => seq === this.alteredSeq);
      referee.demand(
        altered || coresOf(receipts) === coresOf(first),
        () => `a retry got other receipts: ${coresOf(receipts)}`,
      );
      const newAgain = request.answeredNew && !replayed && request.call.idempotencyKey !== null;
      referee.demand(!newAgain, () => "a retry under its key was not replayed");
    } else request.answeredNew = false;
    if (!replayed) request.answeredNew = true;
    const size = Math.max(...receipts.map(({ seq }) => seq)) + 1;
    referee.demand(!replicated || ledger.ever >= size, () => "said to be replicated, and the ledger never held it");
    this.#demandOwner(request);
    request.first = receipts;
    if (idempotencyExpiresAt !== null) request.expiresAtMs = Date.parse(idempotencyExpiresAt);
    return "done";
  }

  refused(request: SentRequest, error: unknown): Verdict {
    const { referee, journal, truth } = this.#domain;
    if (!isAppError(error)) {
      const excused = error instanceof Divergence && this.tampered;
      referee.demand(excused, () => `an append failed with ${String(error)}`);
      return "retry";
    }
    const { code } = error;
    if (code === "idempotency.key_reused" || code === "entry.id_conflict") {
      const kept = request.first !== null && this.#isRemembered(request);
      referee.demand(!kept, () => `the retry of an accepted request is refused: ${code}`);
      if (request.attempts === 1) {
        const stored = request.events.find(({ id, marker }) => id === undefined && truth.seqOf(marker) !== undefined);
        referee.demand(!stored, () => `a request was refused (${code}) and stored`);
      }
    }
    if (code === "idempotency.key_reused") {
      const others = this.#sentUnderKey.get(keyOf(request) ?? "")?.size ?? 0;
      referee.demand(others > 1, () => "a key is said to be used with another body, and was not");
      return "done";
    }
    if (code === "entry.id_conflict") {
      const inConflict = request.events.some(({ id, marker }, i) => {
        if (id === undefined) return false;
        const seq = truth.seqOfId(id);
        if (request.events.some((other, k) => k !== i && other.id === id && other.marker !== marker)) return true;
        return seq !== undefined && (truth.markerAt(seq) !== marker || seq < journal.idsForgottenBelow());
      });
      referee.demand(inConflict, () => "an id is said to be in conflict, and is not");
      return "done";
    }
    const transient = ["storage.unavailable", "backlog.full", "domain.stopped", "ledger.guard_missing"].includes(code);
    referee.demand(transient, () => `an append was refused: ${code}`);
    return "retry";
  }

  #demandTrue(receipt: Receipt, { events }: SentRequest, i: number): void {
    const { referee, truth } = this.#domain;
    const { seq, id, entry_hash, prev_hash, recorded_at } = receipt;
    const row = truth.rows[seq];
    const event = events[i];
    const same = row?.id === id && row.entryHash === entry_hash && row.prevHash === prev_hash;
    referee.demand(
      seq === this.alteredSeq || (same && truth.recordedAt(seq) === recorded_at),
      () => `acknowledged as entry ${seq}, and it is not in the log`,
    );
    const ours = truth.markerAt(seq) === event?.marker && (event?.id === undefined || event.id === id);
    referee.demand(ours, () => `event ${event?.marker} was acknowledged as entry ${seq}, which is another event`);
  }

  /** One key, one body, until the window is over. */
  #demandOwner(request: SentRequest): void {
    const key = keyOf(request);
    if (key === null) return;
    const owner = this.#owners.get(key);
    const other = owner !== undefined && owner.call.body !== request.call.body;
    const taken = other && owner.expiresAtMs - DAY_MS > this.latestMs;
    this.#domain.referee.demand(!taken, () => `two bodies were accepted under the key ${key}`);
    this.#owners.set(key, request);
  }

  /** Must the object still know of it? */
  #isRemembered(request: SentRequest): boolean {
    if (request.call.idempotencyKey !== null) return this.latestMs < request.expiresAtMs - DAY_MS;
    return (request.first ?? []).every(({ seq }) => !this.#isOld(seq));
  }

  #isOld(seq: number): boolean {
    return this.latestMs >= Date.parse(this.#domain.truth.recordedAt(seq)) + SURELY_REMEMBERED_MS;
  }
}

const keyOf = ({ call }: SentRequest) =>
  call.idempotencyKey === null ? null : `${call.scope}\n${call.idempotencyKey}`;

const coresOf = (receipts: readonly Receipt[]) =>
  receipts
    .map(({ seq, id, entry_hash, prev_hash, recorded_at }) => [seq, id, entry_hash, prev_hash, recorded_at].join())
    .join("; ");
