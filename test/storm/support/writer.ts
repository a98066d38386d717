/** One client of a storm: sends requests one after the other, and sends one again until it is answered. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Prng } from "../../simulation/support/prng.ts";
import { type Answer, auditUrl, type Domain, event, post, type Receipt } from "./story.ts";

/** What a writer sent, byte for byte, and what it was answered. */
export interface SentRequest {
  idempotencyKey: string;
  /** Of each event: a text that no other event of the storm carries, and its own id where it has one. */
  markers: string[];
  ids: (string | undefined)[];
  body: string;
  receipts: Receipt[] | null;
}

const BATCH_EVENTS = 20;
const BUSY_MS = 20;

export class Writer {
  readonly #name: string;
  readonly #chance: Prng;
  readonly #domain: Domain;
  readonly answered: SentRequest[] = [];
  /** Sent, and nobody knows what became of it. */
  inDoubt: SentRequest | null = null;
  #sent = 0;

  constructor(name: string, chance: Prng, domain: Domain) {
    this.#name = name;
    this.#chance = chance;
    this.#domain = domain;
  }

  /** Goes on until the connection breaks or `stop` says so. Throws when an answer is wrong. */
  async run(url: string, stop: AbortSignal): Promise<void> {
    await this.repeat(url);
    while (!stop.aborted) {
      this.inDoubt ??= this.#next();
      const answer = await this.#send(url, this.inDoubt);
      if (answer === "lost") return;
      if (answer !== "busy") this.#settle(this.inDoubt, answer);
    }
  }

  /** Sends what was answered before once more: a retry must get the first receipts. */
  async repeat(url: string): Promise<void> {
    const again = this.answered.at(-1 - this.#chance.int(3));
    if (!again) return;
    const answer = await this.#send(url, again);
    if (typeof answer === "string") return;
    if (answer.status !== 200) throw new Error(`${this.#name}: a repeated request got ${answer.status}`);
    if (seqsAndHashes(answer.body.receipts) !== seqsAndHashes(again.receipts ?? [])) {
      throw new Error(`${this.#name}: a repeated request got other receipts`);
    }
  }

  /** Resolves when nothing of this writer is in doubt. Bounded by the caller's signal. */
  async settle(url: string, stop: AbortSignal): Promise<void> {
    while (this.inDoubt) {
      stop.throwIfAborted();
      const answer = await this.#send(url, this.inDoubt);
      if (answer === "lost") throw new Error(`${this.#name}: no answer from a cell that nobody killed`);
      if (answer !== "busy") this.#settle(this.inDoubt, answer);
    }
  }

  #settle(request: SentRequest, { status, body }: Answer): void {
    const { receipts } = body as { receipts?: Receipt[] };
    if ((status !== 201 && status !== 200) || receipts?.length !== request.markers.length) {
      throw new Error(`${this.#name}: an append got ${status} ${JSON.stringify(body).slice(0, 300)}`);
    }
    this.answered.push({ ...request, receipts });
    this.inDoubt = null;
  }

  async #send(url: string, request: SentRequest): Promise<Answer | "lost" | "busy"> {
    const headers = { "idempotency-key": request.idempotencyKey };
    try {
      const answer = await post(`${auditUrl(url, this.#domain)}/entries`, this.#domain.key, request.body, headers);
      if (answer.status !== 503) return answer;
      await sleep(BUSY_MS);
      return "busy";
    } catch {
      return "lost";
    }
  }

  #next(): SentRequest {
    const idempotencyKey = `${this.#name}-${++this.#sent}`;
    const single = this.#chance.chance(0.5);
    const markers = Array.from(
      { length: single ? 1 : this.#chance.between(2, BATCH_EVENTS) },
      (_, i) => `${idempotencyKey}-${i}`,
    );
    const withIds = this.#chance.chance(0.5);
    const ids = markers.map((marker) => (withIds ? `id-${marker}` : undefined));
    const events = markers.map((marker, i) =>
      event({ ...(ids[i] ? { id: ids[i] } : {}), targets: [{ type: "marker", id: marker }] }),
    );
    return { idempotencyKey, markers, ids, body: JSON.stringify(single ? events[0] : events), receipts: null };
  }
}

const seqsAndHashes = (receipts: Receipt[]) => receipts.map(({ seq, entry_hash }) => `${seq} ${entry_hash}`).join("\n");
