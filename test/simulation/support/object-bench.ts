/** One object over the strict doubles and a network that answers at once, with one fault in it: for the fault matrix. */
import type { AppendResult } from "../../../src/services/log/calls.ts";
import { DomainActor } from "./actor.ts";
import { SimulatedDomain } from "./domain.ts";
import { whole } from "./invariants.ts";
import { connect, type StoreName, unavailable } from "./network.ts";
import { Prng } from "./prng.ts";
import { SERVICES } from "./services.ts";

export interface Fault {
  store: StoreName;
  method: string;
  form: "lost" | "answer_lost";
  times: number;
}

const LONGER_THAN_ANY_PAUSE_MS = 2 * 3_600_000;
const ATTEMPTS = 6;

export class ObjectBench {
  readonly domain: SimulatedDomain;
  readonly #prng = new Prng(1);
  readonly #segmentEntries: number;
  nowMs = Date.UTC(2026, 0, 1);
  #actor!: DomainActor;
  #faults: { fault: Fault; failed: number }[] = [];
  #markers = 0;
  readonly #acknowledged = new Map<number, string>();
  #requests = 0;

  constructor(segmentEntries: number) {
    this.#segmentEntries = segmentEntries;
    this.domain = new SimulatedDomain(this.#prng.bytes(32));
    this.restart();
  }

  /** The object loses its memory. */
  restart(): void {
    const { domainId, journal, schedule } = this.domain;
    this.domain.storage.flush();
    this.#actor = new DomainActor({
      domainId,
      segmentEntries: this.#segmentEntries,
      backlogBytes: 2 ** 30,
      journal,
      schedule,
      stores: connect({ call: (...call) => this.#call(...call) }, this.domain),
      services: SERVICES,
      clock: () => this.nowMs,
      random: (byteLength) => this.#prng.bytes(byteLength),
      // Nothing takes long here: what waits for a time limit waits for ever, what waits for a turn goes on.
      sleep: (ms) => (ms === 0 ? Promise.resolve() : new Promise(() => {})),
      compared: () => {},
    });
  }

  breaks(...faults: Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, failed: 0 }));
  }

  /** How many calls the last of the faults made fail. */
  get failed(): number {
    return this.#faults.at(-1)?.failed ?? 0;
  }

  /** Retries until the domain is there. */
  async create(): Promise<void> {
    await this.#until(() => this.#actor.create());
  }

  /** A client appends until it is accepted; then it asks once more and must get the same. */
  async append(count: number, ids: readonly string[] = []): Promise<AppendResult> {
    const events = Array.from({ length: count }, (_, i) => ({
      action: "document.read",
      actor: { type: "service", id: "svc" },
      metadata: { n: this.#markers++ },
      clear_metadata: ["n"],
      ...(ids[i] === undefined ? {} : { id: ids[i] }),
    }));
    return this.send(JSON.stringify(events), `request-${this.#requests++}`);
  }

  async send(body: string, idempotencyKey: string): Promise<AppendResult> {
    const call = { body, form: "json" as const, scope: "key", idempotencyKey, waitForCopy: false };
    const first = await this.#until(() => this.#actor.append(call));
    const again = await this.#until(() => this.#actor.append(call));
    const same = first.receipts.every((receipt, i) => receipt.entry_hash === again.receipts[i]?.entry_hash);
    this.domain.referee.demand(again.replayed && same, () => "a retry got other receipts");
    for (const { seq, entry_hash } of first.receipts) this.#acknowledged.set(seq, entry_hash);
    return first;
  }

  /** The alarm rings, each time after the longest pause, until nothing waits. */
  async alarms(): Promise<void> {
    for (let rings = 0; rings < ATTEMPTS; rings++) {
      this.nowMs += LONGER_THAN_ANY_PAUSE_MS;
      await this.ring();
    }
  }

  async ring(): Promise<void> {
    await this.#actor.alarm();
    this.domain.storage.flush();
  }

  /** Recomputes everything from its bytes: ledger, archive, the committed log. Everything must be drained. */
  async verify(): Promise<void> {
    const { truth, referee, journal } = this.domain;
    referee.check();
    const size = this.#acknowledged.size + 1;
    referee.demand(truth.size === size, () => `the log has ${truth.size} entries, ${size} were acknowledged`);
    for (const [seq, hash] of this.#acknowledged) {
      referee.demand(truth.rows[seq]?.entryHash === hash, () => `entry ${seq} was acknowledged and is another one`);
    }
    referee.demand(journal.stoppedReason() === null, () => `the domain stopped: ${journal.stoppedReason()}`);
    await whole(this.domain, { segmentsTampered: false, ledgerTampered: false, drained: true });
  }

  async #until<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const value = await ask();
        this.domain.storage.flush();
        return value;
      } catch (error) {
        this.domain.referee.check();
        if (attempt >= ATTEMPTS) throw error;
      }
    }
  }

  async #call<T>(store: StoreName, method: string, apply: () => T): Promise<T> {
    this.domain.storage.flush();
    const broken = this.#faults.find(
      ({ fault, failed }) => fault.store === store && fault.method === method && failed < fault.times,
    );
    if (!broken) return apply();
    broken.failed++;
    if (broken.fault.form === "answer_lost") apply();
    throw unavailable(store, method);
  }
}
