/**
 * What the keeper of a domain does by its alarm, in bounded pieces. An object has one alarm; schedule.ts multiplexes it. Nothing
 * is stored before the first task is planned, so a keeper that was emptied, or never had work, has no tables.
 */
import { isAppError } from "../../src/core/errors.ts";
import type { PlannedTask } from "../../src/services/dead-man/lateness.ts";
import type { Clock } from "../../src/services/ports.ts";
import { Schedule } from "../schedule.ts";

/** `index`: entries behind the copier. `export`: files in R2. `import`: a log that is moved here. `tail`: live connections. `check`: the self-check. */
export type KeeperTask = "index" | "export" | "import" | "tail" | "restore" | "check" | "retain";

/** One bounded piece. Resolves to when the task goes on (Unix milliseconds), null: it is over until it is planned again. */
export type KeeperWork = () => Promise<number | null>;

export class KeeperTasks {
  readonly #storage: DurableObjectStorage;
  readonly #work: Record<KeeperTask, KeeperWork>;
  readonly #clock: Clock;
  #schedule: Schedule<KeeperTask> | null = null;
  /** Planned while they ran: they are not over then. */
  readonly #again = new Map<KeeperTask, number>();

  constructor(storage: DurableObjectStorage, work: Record<KeeperTask, KeeperWork>, clock: Clock = Date.now) {
    this.#storage = storage;
    this.#work = work;
    this.#clock = clock;
  }

  /** The task runs at `atMs` or earlier. Synchronous; what is stored with it in one turn is committed with it. */
  plan(task: KeeperTask, atMs = this.#clock()): void {
    this.#again.set(task, Math.min(atMs, this.#again.get(task) ?? atMs));
    const schedule = this.#opened();
    schedule.plan(task, atMs);
    schedule.arm();
  }

  /** Runs what is due. Never throws: what failed comes again later. Each task runs at most once an alarm. */
  async run(): Promise<void> {
    const tried = new Set<KeeperTask>();
    this.#opened();
    for (let task = this.#next(tried); task !== null; task = this.#next(tried)) {
      tried.add(task);
      await this.#runOne(task);
    }
    this.#schedule?.arm();
  }

  /** Empty for a keeper that never had work: nothing is stored for being asked. */
  planned(): PlannedTask[] {
    const sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schedule'";
    return this.#storage.sql.exec(sql).toArray().length === 0 ? [] : this.#opened().planned();
  }

  /** After the object's storage was emptied: nothing of this is left, and nothing that runs writes again. */
  forget(): void {
    this.#schedule = null;
    this.#again.clear();
  }

  async #runOne(task: KeeperTask): Promise<void> {
    this.#again.delete(task);
    try {
      const nextMs = await this.#work[task]();
      const schedule = this.#schedule;
      if (!schedule) return;
      schedule.done(task);
      const times = [nextMs, this.#again.get(task) ?? null].filter((ms) => ms !== null);
      if (times.length > 0) schedule.plan(task, Math.min(...times));
    } catch (error) {
      console.warn(JSON.stringify({ at: "domain-keeper", task, fault: faultName(error) }));
      this.#schedule?.failed(task, this.#clock());
    }
  }

  #next(tried: ReadonlySet<KeeperTask>): KeeperTask | null {
    return this.#schedule?.due(this.#clock(), tried) ?? null;
  }

  #opened(): Schedule<KeeperTask> {
    this.#schedule ??= new Schedule<KeeperTask>(this.#storage);
    return this.#schedule;
  }
}

/** Codes only: messages of stores may carry what was stored. */
function faultName(error: unknown): string {
  return isAppError(error) ? `${error.code}: ${error.internal ?? ""}` : error instanceof Error ? error.name : "unknown";
}
