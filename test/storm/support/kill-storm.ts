/**
 * F1: writers against one cell that is killed again and again. After each kill the files are copied and read as they are:
 * everything acknowledged is there once, in one chain. Then the cell starts on the same files and the storm goes on.
 */
import { cpSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../../simulation/support/prng.ts";
import { type CellProcess, startCells } from "./cell-process.ts";
import { type Acknowledged, checkStored, type StoredFacts } from "./check-stored.ts";
import { untilDrained } from "./drain.ts";
import { cellName, type RunPlan } from "./plan.ts";
import { readStoredLog, type StoredLog } from "./stored-log.ts";
import { ask, auditUrl, type Domain, expectStatus, newDomain, newTenant } from "./story.ts";
import { Writer } from "./writer.ts";

export interface StormOptions {
  seed: number;
  rounds: number;
  /** A folder of the storm's own; what was there is deleted. */
  state: string;
  writers?: number;
  onRound?: (round: number, facts: StoredFacts & { acknowledged: number; killedAfterMs: number }) => void;
}

export interface StormReport {
  requests: number;
  events: number;
  /** Requests whose answer a kill took away. */
  inDoubt: number;
  stored: StoredFacts;
}

const SEGMENT_ENTRIES = 16;
/** The first half second goes to the start of the object; some kills fall into it. */
const LONGEST_ROUND_MS = 1800;
const SETTLED_WITHIN_MS = 30_000;

/** Throws with the seed and the round when a promise was broken. The files stay for whoever looks. */
export async function killStorm(options: StormOptions): Promise<StormReport> {
  const { seed, rounds, state } = options;
  rmSync(state, { recursive: true, force: true });
  const storm = new Storm({ ...options, writers: options.writers ?? 20 });
  let round = 0;
  try {
    await storm.begin();
    for (round = 1; round <= rounds; round++) await storm.round(round);
    return await storm.end();
  } catch (error) {
    const again = `npm run storm -- --seed ${seed} --rounds ${rounds}`;
    throw new Error(`round ${round} of seed ${seed} (${again}; files in ${state}): ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await storm.stop();
  }
}

class Storm {
  readonly #options: StormOptions & { writers: number };
  readonly #chance: Prng;
  readonly #plan: RunPlan;
  #cell: CellProcess | null = null;
  #domain: Domain = { domainId: "", key: "" };
  #writers: Writer[] = [];
  #inDoubt = 0;

  constructor(options: StormOptions & { writers: number }) {
    this.#options = options;
    this.#chance = new Prng(options.seed);
    this.#plan = { state: options.state, cells: [{ name: cellName("eu"), jurisdiction: "eu" }], gateway: false };
  }

  async begin(): Promise<void> {
    const url = await this.#start();
    this.#domain = await newDomain(url, await newTenant(url, "eu"), SEGMENT_ENTRIES);
    this.#writers = Array.from(
      { length: this.#options.writers },
      (_, i) => new Writer(`w${i}`, new Prng(this.#chance.uint32()), this.#domain),
    );
  }

  async round(round: number): Promise<void> {
    const url = this.#cell ? this.#url() : await this.#start();
    const stop = new AbortController();
    const running = Promise.all(this.#writers.map((writer) => writer.run(url, stop.signal)));
    const killedAfterMs = this.#chance.int(LONGEST_ROUND_MS);
    // A writer that met a wrong answer ends the round at once.
    await Promise.race([sleep(killedAfterMs), running.then(() => sleep(killedAfterMs))]);
    await this.stop();
    stop.abort();
    await running;
    this.#inDoubt += this.#writers.filter(({ inDoubt }) => inDoubt).length;
    const log = this.#copyOfFiles();
    const acknowledged = this.#acknowledged();
    const facts = checkStored(log, acknowledged);
    this.#checkInDoubt(log);
    this.#options.onRound?.(round, { ...facts, acknowledged: acknowledged.length, killedAfterMs });
  }

  /** Everything in doubt is settled, the copies drain, the server verifies, and the log holds each event once. */
  async end(): Promise<StormReport> {
    const url = await this.#start();
    const withinTime = AbortSignal.timeout(SETTLED_WITHIN_MS);
    await Promise.all(this.#writers.map((writer) => writer.settle(url, withinTime)));
    await Promise.all(this.#writers.map((writer) => writer.repeat(url)));
    const head = await untilDrained(url, this.#domain, SEGMENT_ENTRIES);
    const verdict = expectStatus(200, await ask(`${auditUrl(url, this.#domain)}/verify`, this.#domain.key));
    if (verdict.verdict === "refuted") throw new Error(`the server refutes entry ${verdict.first_bad_seq}`);
    await this.stop();
    const log = this.#copyOfFiles();
    const acknowledged = this.#acknowledged();
    const stored = checkStored(log, acknowledged);
    if (stored.size !== acknowledged.length + 1 || stored.size !== head.size) {
      throw new Error(`${acknowledged.length} events were acknowledged, the log holds ${stored.size - 1}`);
    }
    checkMarkers(log, this.#answered());
    return { requests: this.#answered().length, events: acknowledged.length, inDoubt: this.#inDoubt, stored };
  }

  async stop(): Promise<void> {
    await this.#cell?.kill();
    this.#cell = null;
  }

  async #start(): Promise<string> {
    this.#cell = await startCells(this.#plan);
    return this.#url();
  }

  #url = () => this.#cell?.url(cellName("eu")) ?? "";
  #answered = () => this.#writers.flatMap(({ answered }) => answered);
  #acknowledged = (): Acknowledged[] => this.#answered().flatMap(({ receipts }) => receipts ?? []);

  /** The originals stay as the kill left them: opening a database would already repair it. */
  #copyOfFiles(): StoredLog {
    const copy = `${this.#options.state}-copy`;
    rmSync(copy, { recursive: true, force: true });
    cpSync(this.#options.state, copy, { recursive: true });
    const log = readStoredLog(copy, this.#domain.domainId);
    rmSync(copy, { recursive: true, force: true });
    return log;
  }

  /** A request without an answer was stored whole or not at all. */
  #checkInDoubt(log: StoredLog): void {
    const stored = new Set(markersOf(log));
    for (const { inDoubt } of this.#writers) {
      const found = inDoubt?.markers.filter((marker) => stored.has(marker)).length ?? 0;
      if (inDoubt && found !== 0 && found !== inDoubt.markers.length) {
        throw new Error(`${found} of ${inDoubt.markers.length} events of ${inDoubt.idempotencyKey} are stored`);
      }
    }
  }
}

/** The marker of every client's entry, in order. */
function markersOf(log: StoredLog): string[] {
  const payloads = new Map([...log.archive, ...log.d1, ...log.object].map(({ seq, payload }) => [seq, payload]));
  return [...payloads]
    .sort(([a], [b]) => a - b)
    .flatMap(([, payload]) => {
      const { targets } = JSON.parse(payload) as { targets: { type: string; id: string }[] };
      return targets.filter(({ type }) => type === "marker").map(({ id }) => id);
    });
}

function checkMarkers(
  log: StoredLog,
  answered: readonly { markers: string[]; receipts: { seq: number }[] | null }[],
): void {
  const markers = markersOf(log);
  for (const request of answered) {
    request.markers.forEach((marker, i) => {
      const seq = request.receipts?.[i]?.seq ?? -1;
      if (markers[seq - 1] !== marker)
        throw new Error(`the receipt of ${marker} names entry ${seq}, which is another event`);
    });
  }
  if (new Set(markers).size !== markers.length) throw new Error("an event is in the log twice");
}
