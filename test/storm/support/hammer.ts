/**
 * Appends, reads in both directions, reads single entries and verifies, all at the same time, against one domain. Whatever
 * is answered has to agree with everything that was answered before; the first contradiction ends the run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../../simulation/support/prng.ts";
import { headOf } from "./drain.ts";
import { KnownEntries } from "./known-entries.ts";
import { ask, auditUrl, type Domain, event, expectStatus, post } from "./story.ts";

export interface HammerOptions {
  url: string;
  domain: Domain;
  durationMs: number;
  seed: number;
  writers?: number;
  readers?: number;
  onSecond?: (sample: HammerSample) => void;
}

export interface HammerSample {
  seconds: number;
  appended: number;
  read: number;
  verified: number;
  /** Entries that are committed and not in D1 yet. */
  lag: number;
}

export interface HammerReport extends HammerSample {
  size: number;
  greatestLag: number;
  requests: number;
  busy: number;
}

const BUSY_MS = 50;
const PAGE = 200;

/** Throws at the first inconsistency. */
export async function hammer(options: HammerOptions): Promise<HammerReport> {
  return new Hammer(options).run();
}

class Hammer {
  readonly #options: HammerOptions;
  readonly #known = new KnownEntries();
  readonly #base: string;
  readonly #chance: Prng;
  readonly #began = Date.now();
  readonly #over = new AbortController();
  #read = 0;
  #verified = 0;
  #lag = 0;
  #greatestLag = 0;
  #largestHead = 0;
  #requests = 0;
  #busy = 0;

  constructor(options: HammerOptions) {
    this.#options = options;
    this.#base = auditUrl(options.url, options.domain);
    this.#chance = new Prng(options.seed);
  }

  async run(): Promise<HammerReport> {
    const { writers = 8, readers = 2, durationMs } = this.#options;
    setTimeout(() => this.#over.abort(), durationMs);
    const several = (count: number, work: () => Promise<void>) =>
      Array.from({ length: count }, () => this.#until(work));
    try {
      await Promise.all([
        ...several(writers, () => this.#append()),
        ...several(readers, () => this.#readAll("asc")),
        ...several(readers, () => this.#readAll("desc")),
        ...several(readers, () => this.#readOne()),
        ...several(1, () => this.#verify()),
        ...several(1, () => this.#watch()),
      ]);
    } finally {
      this.#over.abort();
    }
    await this.#readAll("asc", true);
    await this.#verify();
    const { size } = await this.#head();
    return { ...this.#sample(), size, greatestLag: this.#greatestLag, requests: this.#requests, busy: this.#busy };
  }

  async #until(work: () => Promise<void>): Promise<void> {
    while (!this.#over.signal.aborted) await work();
  }

  async #append(): Promise<void> {
    const events = Array.from({ length: this.#chance.chance(0.5) ? 1 : this.#chance.between(2, 50) }, () =>
      event({ metadata: { n: this.#chance.uint32() }, clear_metadata: ["n"] }),
    );
    const key = crypto.randomUUID();
    for (;;) {
      const answer = await post(`${this.#base}/entries`, this.#options.domain.key, events, { "idempotency-key": key });
      this.#requests++;
      if (answer.status === 201 || answer.status === 200) return this.#known.acknowledge(answer.body.receipts);
      if (answer.status !== 503) expectStatus(201, answer);
      this.#busy++;
      await sleep(BUSY_MS);
    }
  }

  /** From one end to the other. `latest` has to reach everything that was acknowledged before the question. */
  async #readAll(order: "asc" | "desc", toTheEnd = false): Promise<void> {
    const demanded = this.#known.acknowledgedSize;
    let query = `order=${order}&consistency=latest`;
    let [smallest, largest] = [Number.MAX_SAFE_INTEGER, -1];
    for (;;) {
      const page = await this.#get(`/entries?${query}&limit=${PAGE}&payload=text`);
      this.#known.read(page.entries, order);
      this.#read += page.entries.length;
      for (const { seq } of page.entries) [smallest, largest] = [Math.min(smallest, seq), Math.max(largest, seq)];
      if (page.next_cursor === null) break;
      if (this.#over.signal.aborted && !toTheEnd) return;
      query = `cursor=${page.next_cursor}`;
    }
    if (smallest > 0 || largest < demanded - 1) {
      throw new Error(`reading ${order} gave entries ${smallest} to ${largest}, ${demanded} were acknowledged before`);
    }
  }

  async #readOne(): Promise<void> {
    const size = this.#known.acknowledgedSize;
    if (size === 0) return void (await sleep(BUSY_MS));
    const seq = this.#chance.int(size);
    this.#known.read([await this.#get(`/entries/${seq}?payload=text`)], "asc");
    this.#read++;
  }

  async #verify(): Promise<void> {
    const demanded = this.#known.acknowledgedSize;
    let answer = await this.#get("/verify");
    while (answer.next_cursor) answer = await this.#get(`/verify?cursor=${answer.next_cursor}`);
    if (answer.verdict !== "verified")
      throw new Error(`the server refutes entry ${answer.first_bad_seq}: ${answer.detail}`);
    if (answer.entries < demanded) throw new Error(`verified ${answer.entries} of ${demanded} acknowledged entries`);
    this.#verified += answer.entries;
  }

  /** The head never shrinks, and names the hash that a receipt or a row gave that entry. */
  async #watch(): Promise<void> {
    const demanded = Math.max(this.#known.acknowledgedSize, this.#largestHead);
    const head = await this.#head();
    const known = this.#known.hash(head.size - 1) ?? head.entry_hash;
    if (head.size < demanded) throw new Error(`the head went from ${demanded} back to ${head.size}`);
    if (head.entry_hash !== known) throw new Error(`the head names another entry ${head.size - 1}`);
    if (head.status !== "running") throw new Error(`the domain is stopped: ${head.stopped_reason}`);
    this.#largestHead = head.size;
    this.#lag = head.size - head.copied_size;
    this.#greatestLag = Math.max(this.#greatestLag, this.#lag);
    this.#options.onSecond?.(this.#sample());
    await sleep(1000, undefined, { signal: this.#over.signal }).catch(() => {});
  }

  #head = () => headOf(this.#options.url, this.#options.domain);

  async #get(path: string): Promise<any> {
    for (;;) {
      const answer = await ask(this.#base + path, this.#options.domain.key);
      this.#requests++;
      if (answer.status !== 503) return expectStatus(200, answer);
      this.#busy++;
      await sleep(BUSY_MS);
    }
  }

  #sample(): HammerSample {
    const seconds = (Date.now() - this.#began) / 1000;
    return { seconds, appended: this.#known.acknowledged, read: this.#read, verified: this.#verified, lag: this.#lag };
  }
}
