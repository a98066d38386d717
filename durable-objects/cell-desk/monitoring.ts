/**
 * The cell desk's part of monitoring: keeps runs, alerts and reports, and judges them. It looks by the desk's own alarm as well as by
 * cron and for whoever reads the status, so that each of the three notices when another is dead.
 *
 * Commit order of a finding, with the crash after each:
 *  1. the alert with its notices, in one transaction      the alarm tells of it
 *  2. the alarm is planned                                the next look plans it again
 *  3. entry and webhook (src/services/alerts/tell.ts)     they come again until they are done
 */
import { platformDomainId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { CellEnv } from "../../src/env.ts";
import type { Alert, AlertOf } from "../../src/services/alerts/alert.ts";
import { type NoticePart, tellDue } from "../../src/services/alerts/tell.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { cronStates, type PlannedTask, type TaskState, taskStates } from "../../src/services/dead-man/lateness.ts";
import { taskNamed } from "../../src/services/dead-man/table.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import { type BackupsSeen, backupFaults, backupStates } from "../../src/services/monitoring/backups.ts";
import type { Drill, MonitoringCalls, MonitoringView, SeenSchedule } from "../../src/services/monitoring/calls.ts";
import type { Send } from "../../src/services/monitoring/post.ts";
import { type ProbeReport, type ProbeView, probeView } from "../../src/services/monitoring/probe.ts";
import { judged } from "../../src/services/monitoring/watch.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { DomainsSeen } from "../../src/services/status.ts";
import { bookmarks as bookmarksIn, ledgerShard, shardNames } from "../domain-log/stores.ts";
import { domainLog, logGate } from "../gates.ts";
import { AlertBook } from "./alert-book.ts";
import { ArchiveBook } from "./archive-book.ts";
import { ProbeBook } from "./probe-book.ts";
import { RunBook } from "./run-book.ts";

export interface MonitoringWiring {
  env: CellEnv;
  config: () => CellConfig;
  ensurePlatform: () => Promise<void>;
  /** The desk's alarm comes at this time or earlier. */
  plan: (atMs: number) => void;
  domains: () => DomainsSeen;
  clock: Clock;
}

const DAY_MS = 86_400_000;
const NEXT_LOOK = "jobs_next_look_ms";
const BACKUPS_SEEN = "backups_seen";
const DRILL = "drill";

export class Monitoring implements MonitoringCalls {
  readonly #storage: DurableObjectStorage;
  readonly #wiring: MonitoringWiring;
  readonly #alerts: AlertBook;
  readonly #runs: RunBook;
  readonly #probes: ProbeBook;
  readonly #archive: ArchiveBook;
  /** Replaced by tests. */
  send: Send | undefined;

  constructor(storage: DurableObjectStorage, wiring: MonitoringWiring) {
    this.#storage = storage;
    this.#wiring = wiring;
    this.#alerts = new AlertBook(storage);
    this.#runs = new RunBook(storage);
    this.#probes = new ProbeBook(storage);
    this.#archive = new ArchiveBook(storage);
  }

  async raise(alert: Alert): Promise<boolean> {
    return this.#raise(alert);
  }

  async resolve(of: AlertOf, atMs: number): Promise<boolean> {
    return this.#resolve(of, atMs);
  }

  async jobStarted(...[job, atMs]: Parameters<MonitoringCalls["jobStarted"]>): Promise<void> {
    this.#runs.since(atMs);
    this.#runs.started(job, atMs);
  }

  async jobEnded(...[job, end]: Parameters<MonitoringCalls["jobEnded"]>): Promise<void> {
    this.#runs.ended(job, end);
    this.#judge(end.atMs);
  }

  async watch(): Promise<TaskState[]> {
    const nowMs = this.#wiring.clock();
    this.#planLook(nowMs + LIMITS.watchJobsMs);
    this.#judge(nowMs);
    return taskStates(this.#runs.lateTasks(), this.#runs.records());
  }

  async verifyBackups(): Promise<void> {
    const { env, clock } = this.#wiring;
    const of = 1 + shardNames(env).length;
    const shards = shardNames(env).map((name) => ledgerShard(env, name).exec("SELECT 1"));
    const answers = await Promise.allSettled([env.CONTROL.exec("SELECT 1"), ...shards]);
    const bookmarks = await bookmarksIn(env).catch(() => ({ known: 0, oldestMs: null }));
    const atMs = clock();
    const answered = answers.filter(({ status }) => status === "fulfilled").length;
    const seen = {
      atMs,
      databases: { answered, of },
      bookmarks,
      log: this.#archive.seen(atMs),
      exports: this.#archive.exports(atMs),
    };
    this.#storage.kv.put<BackupsSeen>(BACKUPS_SEEN, seen);
    const codes = backupFaults(seen);
    if (codes.length > 0) this.#raise({ kind: "backup.unverified", codes, atMs });
    else this.#resolve({ kind: "backup.unverified" }, atMs);
  }

  async takeReport(report: ProbeReport): Promise<boolean> {
    const taken = this.#probes.take(report);
    if (taken) this.#judge(this.#wiring.clock());
    return taken;
  }

  async drilled(drill: Drill): Promise<void> {
    this.#storage.kv.put<Drill>(DRILL, drill);
  }

  async view(): Promise<MonitoringView> {
    const { clock, domains, config } = this.#wiring;
    const nowMs = clock();
    const { jobs, probes, sinceMs } = this.#judge(nowMs);
    const { backlogEntries, backlogBytes, oldestUncopiedAt, stopped, ...seen } = domains();
    const sizes = { domains: seen.domains, entries: backlogEntries, bytes: backlogBytes };
    return {
      ...{ nowMs, sinceMs, jobs, probes },
      tasks: taskStates(this.#runs.lateTasks(), this.#runs.records()),
      alerts: this.#alerts.open(),
      incidents: this.#alerts.since(nowMs - LIMITS.statusIncidentDays * DAY_MS, LIMITS.statusIncidents),
      undelivered: this.#alerts.undelivered(),
      backlog: { ...sizes, oldestUncopiedAt, stopped: stopped.length },
      log: await this.#platformLog().catch(() => null),
      backups: backupStates(this.#storage.kv.get<BackupsSeen>(BACKUPS_SEEN) ?? null, nowMs),
      drill: this.#storage.kv.get<Drill>(DRILL) ?? null,
      alertKeys: config().monitoring.signer.publicKeys,
    };
  }

  /** What cron found in an object, before it woke it. */
  saw({ id, object, tasks }: SeenSchedule): void {
    const nowMs = this.#wiring.clock();
    const named = tasks.flatMap((task) => {
      const name = taskNamed(object, task.task);
      return name ? [{ ...task, name }] : [];
    });
    const { late, recovered } = this.#runs.saw(id, object, named, nowMs);
    for (const job of late)
      this.#raiseUnlessOpen({ kind: "task.late", domainId: id, job, codes: ["overdue"], atMs: nowMs });
    for (const job of recovered) this.#resolve({ kind: "task.late", domainId: id, job }, nowMs);
  }

  sawExport(domainId: string, readyMs: number | null): void {
    if (readyMs !== null) this.#archive.sawExport(domainId, readyMs);
  }

  sawHead(domainId: string, head: HeadResult): void {
    this.#archive.saw(domainId, head, this.#wiring.clock());
  }

  /** Likewise of a tenant's desk. Its changes bear no time: an open one counts from when it was first seen. */
  sawDesk(tenantId: string, { oldestChange, tasks }: { oldestChange: number | null; tasks: PlannedTask[] }): void {
    const sinceMs = this.#runs.changeSince(tenantId, oldestChange, this.#wiring.clock());
    const changes = sinceMs === null ? [] : [{ task: "changes", dueMs: sinceMs, failures: 0 }];
    this.saw({ id: tenantId, object: "TenantDesk", tasks: [...tasks, ...changes] });
  }

  /** Of a tenant that is deleted, and of its domains. */
  forget(ids: readonly string[]): void {
    this.#alerts.forget(ids);
    this.#runs.forget(ids);
    this.#archive.forget(ids);
  }

  /** The alarm's part. Returns when it goes on, Unix milliseconds; null: when it is planned again. Never throws. */
  async goOn(): Promise<number | null> {
    try {
      const nowMs = this.#wiring.clock();
      const look = this.#storage.kv.get<number>(NEXT_LOOK);
      if (look !== undefined && look <= nowMs) await this.watch();
      await tellDue(this.#tellDeps());
      this.#alerts.forgetOld();
    } catch {
      console.error(JSON.stringify({ at: "cell-desk", fault: "the jobs could not be looked after" }));
    }
    const times = [this.#storage.kv.get<number>(NEXT_LOOK), this.#alerts.nextDueMs(this.#wiring.clock())].filter(
      (ms) => ms != null,
    );
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Raises and resolves what follows from how things stand. */
  #judge(nowMs: number): { jobs: MonitoringView["jobs"]; probes: ProbeView[]; sinceMs: number } {
    const sinceMs = this.#runs.since(nowMs);
    this.#runs.believe(nowMs);
    const jobs = cronStates(this.#runs.records(), sinceMs, nowMs);
    const probes = [...this.#wiring.config().monitoring.probes.keys()].map((probe) =>
      probeView(probe, this.#probes.last(probe), this.#probes.days(probe), { sinceMs, nowMs }),
    );
    const { raise, resolve } = judged(jobs, probes, nowMs);
    for (const alert of raise) this.#raiseUnlessOpen(alert);
    for (const of of resolve) this.#resolve(of, nowMs);
    return { jobs, probes, sinceMs };
  }

  /** A look that finds what was found before writes nothing. */
  #raiseUnlessOpen(alert: Alert): void {
    if (!this.#alerts.isOpen(alert)) this.#raise(alert);
  }

  #raise(alert: Alert): boolean {
    const opened = this.#alerts.raise(alert, this.#parts());
    if (opened) {
      const { kind, domainId, job } = alert;
      console.error(JSON.stringify({ at: "alerts", fault: kind, domain: domainId, job }));
      this.#wiring.plan(this.#wiring.clock());
    }
    return opened;
  }

  #resolve(of: AlertOf, atMs: number): boolean {
    const resolved = this.#alerts.resolve(of, atMs, this.#parts());
    if (resolved) this.#wiring.plan(this.#wiring.clock());
    return resolved;
  }

  #parts(): NoticePart[] {
    return this.#wiring.config().monitoring.alertWebhook === null ? ["entry"] : ["entry", "webhook"];
  }

  #planLook(atMs: number): void {
    this.#storage.kv.put(NEXT_LOOK, atMs);
    this.#wiring.plan(atMs);
  }

  async #platformLog(): Promise<MonitoringView["log"]> {
    const { env, config } = this.#wiring;
    const log = domainLog(env, config(), platformDomainId(config().jurisdiction));
    const [head, checkpoint] = await Promise.all([log.head(), log.checkpoint()]);
    const newest = (witnesses: HeadResult["witnesses"]) =>
      witnesses
        .map(({ witnessed_at }) => witnessed_at ?? "")
        .sort()
        .at(-1) || null;
    return {
      size: head.size,
      signedSize: head.signedSize,
      checkpointAt: checkpoint.signedAt,
      witnessedAt: newest(head.witnesses),
      independentlyWitnessedAt: newest(head.witnesses.filter(({ independent }) => independent)),
      witnesses: head.witnesses.length,
    };
  }

  #tellDeps() {
    const { env, config, ensurePlatform, clock } = this.#wiring;
    const { jurisdiction, monitoring } = config();
    return {
      ...{
        book: this.#alerts,
        webhooks: this.#alerts.webhooks,
        jurisdiction,
        signer: monitoring.signer,
        webhook: monitoring.alertWebhook,
      },
      record: async (...[event, key]: Parameters<Parameters<typeof tellDue>[0]["record"]>) => {
        await ensurePlatform();
        await logGate(env, config()).record(platformDomainId(jurisdiction), event, key);
      },
      send: this.send,
      clock,
    };
  }
}
