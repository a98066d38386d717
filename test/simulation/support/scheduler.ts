/** Picks what happens next. One call of `step` is one step of a simulation. */
import { isAppError } from "../../../src/core/errors.ts";
import type { Attempt } from "./clients.ts";
import { cheap } from "./invariants.ts";
import type { Fate } from "./queue-network.ts";
import { settled, type World } from "./world.ts";

export type Counts = Record<string, number>;

type Action =
  | "deliver"
  | "answer_store"
  | "late_write"
  | "persist"
  | "answer_client"
  | "impatience"
  | "request"
  | "read_latest"
  | "alarm"
  | "timer"
  | "time"
  | "clock_jump"
  | "wake"
  | "evict"
  | "outage"
  | "snapshot"
  | "ledger_restore"
  | "guards"
  | "disaster";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** D1 can be restored to any point of the last 30 days. */
const RESTORABLE_MS = 30 * DAY_MS;

export class Scheduler {
  readonly #world: World;
  readonly #counts: Counts;
  readonly trace: string[] = [];
  /** The object may stop for what was done to it; it must, when this says so. */
  stops: "never" | "may" | "must" = "never";
  segmentsTampered = false;
  ledgerTampered = false;
  /** Calls whose last one failed. */
  readonly #failed = new Set<string>();

  constructor(world: World, counts: Counts) {
    this.#world = world;
    this.#counts = counts;
  }

  async step(): Promise<void> {
    const action = this.#world.prng.weighted(this.#weights()) ?? "time";
    const what = this.#do(action);
    this.note(what === undefined ? action : `${action} ${what}`);
    this.#count(action);
    await settled();
    cheap(this.#world.domain);
    const { journal, referee } = this.#world.domain;
    const stopped = journal.stoppedReason();
    referee.demand(stopped === null || this.stops !== "never", () => `the domain stopped without a cause: ${stopped}`);
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  note(what: string): void {
    this.trace.push(what);
    if (this.trace.length > 60) this.trace.shift();
  }

  #weights(): Record<Action, number> {
    const { network, clients, clock, profile, domain } = this.#world;
    const on = (condition: boolean, weight: number) => (condition ? weight : 0);
    const grown = domain.truth.size > 5;
    return {
      deliver: on(
        network.deliverable().some(({ answer }) => answer === null),
        40,
      ),
      answer_store: on(
        network.calls.some(({ answer }) => answer !== null),
        25,
      ),
      late_write: on(network.late.length > 0, 3),
      persist: on(domain.storage.dirty, 40),
      answer_client: on(this.#world.answers().length > 0, 25),
      impatience: on(clients.attempts.length > 0, 0.5),
      request: on(clients.idle().length > 0, 8),
      read_latest: 0.3,
      alarm: on(this.#world.alarmDue, 20),
      timer: on(clock.due, 10),
      time: 5,
      clock_jump: profile.clockJumps,
      wake: profile.wakes,
      evict: profile.evictions,
      outage: on(profile.outages > 0, this.#world.down.size > 0 ? 2 : profile.outages),
      snapshot: on(profile.disaster === "set_back" && !domain.truth.forked, 0.5),
      ledger_restore: on(grown && !domain.truth.forked && !this.ledgerTampered, profile.ledgerRestores),
      guards: on(profile.guardsDropped > 0, domain.ledger.missing.size > 0 ? 2 : profile.guardsDropped),
      disaster: on(grown && profile.disaster !== "none" && this.stops === "never", 0.15),
    };
  }

  #do(action: Action): string | undefined {
    const world = this.#world;
    const { prng, network, clients, clock, profile, domain } = world;
    switch (action) {
      case "deliver":
        return this.#deliver();
      case "answer_store": {
        const call = prng.pick(network.calls.filter(({ answer }) => answer !== null));
        network.answer(call);
        return `${call.store}.${call.method}`;
      }
      case "late_write":
        return network.arrive(prng.int(network.late.length));
      case "persist":
        return void domain.storage.flush();
      case "answer_client":
        return this.#answerClient();
      case "impatience":
        return void clients.lose(prng.pick(clients.attempts));
      case "request":
        return void world.request();
      case "read_latest":
        return void world.flushCopy();
      case "alarm":
        return void world.alarm();
      case "timer":
        return void clock.wakeDue();
      case "time":
        return this.#time();
      case "clock_jump":
        clock.skewMs = prng.chance(0.3) ? 0 : prng.between(-2 * 3_600_000, 2 * 3_600_000);
        return `${clock.skewMs} ms`;
      case "wake":
        return void world.wake();
      case "evict": {
        const crash = prng.chance(0.6);
        world.evict(crash);
        return crash ? "by a crash" : "quietly";
      }
      case "outage":
        return this.#outage();
      case "snapshot":
        return void world.takeSnapshot();
      case "ledger_restore": {
        const { ledger } = domain;
        const size = prng.between(this.#leastRestored(), ledger.size);
        ledger.restoreTo(size, size > 0 || prng.chance(0.5));
        return `to ${size}`;
      }
      case "guards":
        if (domain.ledger.missing.size > 0) domain.ledger.missing.clear();
        else domain.ledger.missing.add("audit_log_no_delete");
        return;
      case "disaster":
        return this.#disaster();
    }
  }

  /**
   * The smallest size that D1 can be set back to. Entries whose ids may be forgotten are in D1 for longer than it can be set
   * back, unless they waited for months: that D1 is away for months *and* then set back is left out.
   */
  #leastRestored(): number {
    const { clock, domain } = this.#world;
    const { ledger, truth, journal } = domain;
    const untilMs = clock.trueMs - RESTORABLE_MS;
    let least = Math.max(ledger.sizeAt(untilMs), journal.idsForgottenBelow());
    while (least < ledger.size && Date.parse(truth.recordedAt(least)) < untilMs) least++;
    return Math.min(least, ledger.size);
  }

  /** Mostly moments. An object that nothing happens to for hours is not in memory any more. */
  #time(): string {
    const { prng, clock, profile } = this.#world;
    const ms = prng.chance(0.9) ? prng.int(2000) : prng.int(profile.leapMs);
    clock.trueMs += ms;
    if (ms > HOUR_MS) this.#world.evict(false);
    return `${ms} ms`;
  }

  #deliver(): string {
    const world = this.#world;
    const { prng, profile } = world;
    const call = prng.pick(world.network.deliverable().filter(({ answer }) => answer === null));
    const name = `${call.store}.${call.method}`;
    const again = this.#failed.has(name);
    const writes = call.method === "insert" || call.method === "put";
    // What writes is where the forms differ, and is called less often than what reads.
    const chance = (again ? Math.max(profile.faultsAgain, profile.faults) : profile.faults) * (writes ? 2 : 1);
    const fails = world.down.has(call.store) || prng.chance(profile.faults === 0 ? 0 : Math.min(chance, 0.7));
    const fates: Fate[] = writes && !world.down.has(call.store) ? ["lost", "answer_lost", "late"] : ["lost"];
    const fate = fails ? prng.pick(fates) : "works";
    if (fails) this.#failed.add(name);
    else this.#failed.delete(name);
    if (fails) this.#count(`fault ${fate}${again ? " again" : ""}`);
    world.deliver(call, fate, prng.chance(0.6));
    return `${name}${fails ? `: ${fate}` : ""}`;
  }

  #answerClient(): string {
    const { prng, profile, clients } = this.#world;
    const attempt = prng.pick(this.#world.answers());
    const lost = prng.chance(profile.lostAnswers);
    if (lost || this.#world.domain.truth.forked) clients.lose(attempt);
    else clients.hear(attempt);
    this.#count(lost ? "fault lost answer" : `answer ${answerName(attempt)}`);
    return lost ? "lost" : answerName(attempt);
  }

  #outage(): string {
    const { down, prng } = this.#world;
    if (down.size > 0) {
      down.clear();
      return "over";
    }
    const store = prng.pick(["ledger", "ledger", "segments", "roots"] as const);
    down.add(store);
    return `of ${store}`;
  }

  #disaster(): string {
    const { prng, domain, profile } = this.#world;
    if (profile.disaster === "set_back") {
      if (!this.#world.setBack()) return "not yet";
      this.stops = "must";
      return `set back to ${domain.journal.head().size} of ${domain.truth.size}`;
    }
    if (profile.disaster === "ledger_tampered") {
      domain.ledger.alterTip();
      this.ledgerTampered = true;
      this.#world.oracle.tampered = true;
      this.#world.oracle.alteredSeq = domain.ledger.size - 1;
      this.stops = domain.ledger.size > 0 ? "must" : "may";
      return `newest row of the ledger altered (${domain.ledger.size - 1})`;
    }
    const starts = domain.segments.starts();
    if (starts.length === 0) return "not yet";
    const start = prng.pick(starts);
    if (prng.chance(0.5)) domain.segments.lose(start);
    else domain.segments.alter(start, prng.pick(["line", "cut", "metadata"] as const));
    this.segmentsTampered = true;
    this.#world.oracle.tampered = true;
    this.stops = "may";
    return `segment ${start} lost or altered`;
  }
}

function answerName({ outcome }: Attempt): string {
  if (!outcome || outcome.ok) return outcome?.result.replayed ? "replayed" : "accepted";
  return isAppError(outcome.error) ? outcome.error.code : String(outcome.error);
}
