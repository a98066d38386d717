/** Collects events into batches: fewer requests, the same guarantees for each event. */
import type { MoonsealClient } from "./client.ts";
import { deliver, type Parcel } from "./deliver.ts";
import type { AuditEvent, Receipt } from "./types.ts";

export interface BatchingOptions {
  /** A batch is sent when it has this many events, … */
  maxEvents?: number;
  /** … or this many bytes of JSON, … */
  maxBytes?: number;
  /** … or when its first event has waited this long. */
  maxWaitMs?: number;
  /** Events that may wait or be under way; past it `enqueue` waits. */
  maxPending?: number;
  wait?: "replicated" | undefined;
  signal?: AbortSignal | undefined;
  /** Calls back after `ms`; the result cancels. Default: a timer. */
  schedule?: (ms: number, callback: () => void) => () => void;
}

interface Waiting {
  parcel: Parcel;
  admit(): void;
}

const defaultSchedule = (ms: number, callback: () => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/**
 * Sends events of one domain in the order in which they were enqueued, one batch at a time. Every event gets exactly one
 * outcome. A refused event is refused alone; the others of its batch go through. When no answer came the outcome of each
 * event of the batch is unknown (`MoonsealUnreachable`): an event with an `id` can be enqueued again without doubling.
 */
export class BatchingAppender {
  readonly #client: Pick<MoonsealClient, "appendJson">;
  readonly #domainId: string;
  readonly #options: BatchingOptions & Required<Omit<BatchingOptions, "wait" | "signal">>;
  readonly #queue: Parcel[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #flushes: { ticket: number; done: () => void }[] = [];
  #queuedBytes = 0;
  #inFlight = 0;
  #issued = 0;
  #settled = 0;
  #cancelTimer: (() => void) | null = null;
  #timeIsUp = false;
  #closed = false;

  constructor(client: Pick<MoonsealClient, "appendJson">, domainId: string, options: BatchingOptions = {}) {
    this.#client = client;
    this.#domainId = domainId;
    const defaults = { maxEvents: 500, maxBytes: 2 * 1024 * 1024, maxWaitMs: 200, maxPending: 5000 };
    this.#options = { ...defaults, schedule: defaultSchedule, ...options };
  }

  /** Events that wait or are under way. */
  get pending(): number {
    return this.#issued - this.#settled;
  }

  /**
   * Resolves once there is room for the event (backpressure: await it before making the next one), with the promise of its
   * receipt in an object, so that awaiting the one does not await the other. Rejects at once for what JSON cannot say.
   */
  async enqueue(event: AuditEvent): Promise<{ receipt: Promise<Receipt> }> {
    return this.enqueueJson(JSON.stringify(event), event.id);
  }

  /** The same with the event as JSON text, sent as it is, and its id if it has one. */
  async enqueueJson(json: string, id?: string): Promise<{ receipt: Promise<Receipt> }> {
    if (this.#closed) throw new Error("the appender is closed");
    const byteLength = new TextEncoder().encode(json).length;
    this.#issued++;
    return new Promise((admitted) => {
      const receipt = new Promise<Receipt>((resolve, reject) => {
        const settle: Parcel["settle"] = (outcome) => {
          this.#settled++;
          if ("receipt" in outcome) resolve(outcome.receipt);
          else reject(outcome.error);
        };
        this.#waiting.push({ parcel: { json, id, byteLength, settle }, admit: () => admitted({ receipt }) });
      });
      this.#pump();
    });
  }

  /** Enqueues and awaits the receipt. */
  async append(event: AuditEvent): Promise<Receipt> {
    return (await this.enqueue(event)).receipt;
  }

  /** Resolves when every event enqueued before has its outcome. Never rejects: the outcomes are told by the receipts. */
  flush(): Promise<void> {
    return new Promise((done) => {
      this.#flushes.push({ ticket: this.#issued, done });
      this.#pump();
    });
  }

  /** Flushes and takes no further events. */
  close(): Promise<void> {
    this.#closed = true;
    return this.flush();
  }

  /** The only place that moves events: admits what has room, then sends a batch if one is due. */
  #pump(): void {
    while (this.#waiting.length && this.#queue.length + this.#inFlight < this.#options.maxPending) {
      const { parcel, admit } = this.#waiting.shift() as Waiting;
      this.#queue.push(parcel);
      this.#queuedBytes += parcel.byteLength;
      admit();
    }
    while (this.#flushes.length && (this.#flushes[0]?.ticket as number) <= this.#settled) this.#flushes.shift()?.done();
    if (this.#inFlight > 0 || this.#queue.length === 0) return;
    if (this.#isDue()) void this.#send(this.#takeBatch());
    else {
      this.#cancelTimer ??= this.#options.schedule(this.#options.maxWaitMs, () => {
        this.#cancelTimer = null;
        this.#timeIsUp = true;
        this.#pump();
      });
    }
  }

  #isDue(): boolean {
    const full = this.#queue.length >= this.#options.maxEvents || this.#queuedBytes >= this.#options.maxBytes;
    return full || this.#timeIsUp || this.#flushes.length > 0 || this.#waiting.length > 0;
  }

  /**
   * At least one event, also when that one alone is too large: the server's answer to it is the caller's to see. Two
   * different events under one id never share a batch: the server would refuse both, and which of them is in the log
   * would depend on where batches end.
   */
  #takeBatch(): Parcel[] {
    const batch: Parcel[] = [];
    const byId = new Map<string, string>();
    let bytes = 0;
    for (const parcel of this.#queue) {
      const { id, json, byteLength } = parcel;
      const conflict = id !== undefined && byId.has(id) && byId.get(id) !== json;
      const full = batch.length >= this.#options.maxEvents || bytes + byteLength + 1 > this.#options.maxBytes;
      if (batch.length > 0 && (conflict || full)) break;
      batch.push(parcel);
      bytes += byteLength + 1;
      if (id !== undefined) byId.set(id, json);
    }
    this.#queue.splice(0, batch.length);
    this.#queuedBytes -= batch.reduce((sum, parcel) => sum + parcel.byteLength, 0);
    return batch;
  }

  async #send(batch: Parcel[]): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timeIsUp = false;
    this.#inFlight = batch.length;
    const { wait, signal } = this.#options;
    await deliver((body) => this.#client.appendJson(this.#domainId, body, { wait, signal }), batch);
    this.#inFlight = 0;
    this.#pump();
  }
}
