/**
 * One domain in a hostile world. Everything that happens is one of the small events below; whoever drives the world (the
 * scheduler of simulate.ts) picks the next one. Between two events the object runs as far as it can without an answer.
 */
import { setImmediate } from "node:timers/promises";
import { DomainActor } from "./actor.ts";
import { type Attempt, type Client, Clients } from "./clients.ts";
import { SimulatedClock } from "./clock.ts";
import { SimulatedDomain } from "./domain.ts";
import { connect, type StoreName } from "./network.ts";
import { Oracle } from "./oracle.ts";
import type { Prng } from "./prng.ts";
import type { Profile } from "./profile.ts";
import { type Fate, type PendingCall, QueueNetwork } from "./queue-network.ts";
import type { Services } from "./services.ts";

const START_MS = Date.UTC(2026, 0, 1);

export class World {
  readonly profile: Profile;
  readonly prng: Prng;
  readonly domain: SimulatedDomain;
  readonly network: QueueNetwork;
  readonly clock: SimulatedClock;
  readonly oracle: Oracle;
  readonly clients: Clients;
  readonly #services: Services;
  /** Stores that answer nothing at all. */
  readonly down = new Set<StoreName>();
  incarnation = 0;
  alarmRuns = false;
  /** The alarm has run when what its handler wrote is durable: that version of the storage. */
  #alarmEnd = 0;
  #actor!: DomainActor;
  /** States of the object that it can be set back to. */
  readonly snapshots: { size: number; state: Map<unknown, unknown>[] }[] = [];

  constructor(prng: Prng, profile: Profile, services: Services) {
    this.prng = prng;
    this.profile = profile;
    this.#services = services;
    this.domain = new SimulatedDomain(prng.bytes(32));
    this.network = new QueueNetwork(this.domain.storage);
    this.oracle = new Oracle(this.domain);
    this.clock = new SimulatedClock(START_MS, (nowMs) => {
      this.oracle.latestMs = Math.max(this.oracle.latestMs, nowMs);
    });
    this.domain.ledger.clock = () => this.clock.trueMs;
    this.clients = new Clients(profile.clients, profile.habits, this.oracle, prng);
    this.#start();
  }

  /** Makes the domain, without faults. */
  async create(): Promise<void> {
    void this.#actor.create();
    while (this.domain.journal.identity() === null) {
      const [call] = this.network.deliverable();
      if (call) this.deliver(call, "works", true);
      await settled();
    }
    this.domain.storage.flush();
  }

  /** A call reaches its store; the answer comes at once, or as an event of its own. */
  deliver(call: PendingCall, fate: Fate, atOnce: boolean): void {
    this.network.deliver(call, fate);
    if (atOnce) this.network.answer(call);
  }

  /** A client sends what it has to retry, or something new. */
  request(): void {
    this.#send(this.prng.pick(this.clients.idle()));
  }

  /** A client that has something to retry sends it. */
  retry(): void {
    const client = this.clients.idle().find(({ toRetry }) => toRetry);
    if (client) this.#send(client);
  }

  #send(client: Client): void {
    const attempt = this.clients.send(client, this.incarnation);
    this.#actor.append(attempt.request.call).then(
      (result) => this.#answered(attempt, { ok: true, result }),
      (error: unknown) => this.#answered(attempt, { ok: false, error }),
    );
  }

  answers(): Attempt[] {
    return this.clients.attempts.filter(({ outcome, gate }) => outcome !== null && gate <= this.domain.storage.durable);
  }

  /** A reader that wants the copy to be complete. */
  flushCopy(): void {
    this.#actor.flush().catch(() => {});
  }

  wake(): void {
    void this.#actor.wake();
  }

  get alarmDue(): boolean {
    const at = this.domain.schedule.alarmAt;
    return at !== null && !this.alarmRuns && !this.domain.storage.dirty && at <= this.clock.now();
  }

  alarm(): void {
    this.domain.schedule.setAlarm(null);
    this.alarmRuns = true;
    const { incarnation } = this;
    void this.#actor.alarm().finally(() => {
      if (incarnation !== this.incarnation) return;
      this.alarmRuns = false;
      this.#alarmEnd = this.domain.storage.version;
    });
  }

  /** The object loses its memory; in a crash also what was not flushed. An alarm that ran comes again. */
  evict(crash: boolean): void {
    const { storage, schedule } = this.domain;
    const alarmAgain = this.alarmRuns || (crash && this.#alarmEnd > storage.durable);
    if (crash) storage.crash();
    else storage.flush();
    this.network.abandon(() => !this.domain.truth.forked && this.prng.chance(0.5));
    this.clock.forgetSleepers();
    for (const attempt of [...this.clients.attempts]) this.clients.lose(attempt);
    if (alarmAgain) schedule.setAlarm(this.clock.now());
    // What the platform keeps is durable at once.
    storage.flush();
    this.alarmRuns = false;
    this.#alarmEnd = 0;
    this.#start();
  }

  takeSnapshot(): void {
    const { storage, journal } = this.domain;
    if (storage.dirty) return;
    const snapshot = { size: journal.head().size, state: storage.snapshot() };
    if (this.snapshots.length < 4) this.snapshots.push(snapshot);
    else this.snapshots[this.prng.int(4)] = snapshot;
  }

  /** Puts the object back behind one of its copies, as a point-in-time restore would. False: no such state is at hand. */
  setBack(): boolean {
    const { ledger, segments, storage, truth } = this.domain;
    const seen = Math.max(ledger.size, segments.ever);
    const behind = this.snapshots.filter(({ size }) => size < seen);
    if (behind.length === 0) return false;
    this.evict(true);
    this.network.late = [];
    truth.forked = true;
    storage.restore(this.prng.pick(behind).state);
    this.#start();
    return true;
  }

  #start(): void {
    const { domainId, journal, schedule, truth, referee } = this.domain;
    this.incarnation++;
    this.#actor = new DomainActor({
      domainId,
      segmentEntries: this.profile.segmentEntries,
      backlogBytes: this.profile.backlogBytes,
      journal,
      schedule,
      stores: connect(this.network.of(this.incarnation), this.domain),
      services: this.#services,
      clock: this.clock.now,
      random: (byteLength) => this.prng.bytes(byteLength),
      sleep: (ms) => this.clock.sleep(ms),
      compared: () => referee.demand(!truth.forked, () => "an object that was set back passes the comparison"),
    });
  }

  #answered(attempt: Attempt, outcome: NonNullable<Attempt["outcome"]>): void {
    attempt.outcome = outcome;
    attempt.gate = this.domain.storage.version;
  }
}

/** Until nothing in this process can go on without another event. */
export const settled = (): Promise<void> => setImmediate();
