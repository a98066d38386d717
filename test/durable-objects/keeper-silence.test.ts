/** Cron is silent for a day: what a domain's keeper does goes on by its own alarm; without that one, the next look names each task. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { scheduledJobs } from "../../src/jobs/schedule.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { CRON_JOB_NAMES, CRON_JOBS } from "../../src/services/dead-man/table.ts";
import { append, env, event, keeperOf, newDomain, newTenant } from "../support/cell.ts";

const DAY = 86_400_000;
const TASKS = ["keeper.check", "keeper.index", "keeper.retain"];
let domainId: string;

const desk = () => cellDesk(env, cellConfig(env));
const inDesk = <T>(run: (it: CellDesk, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (it: CellDesk, state) => run(it, state));
const inKeeper = <T>(run: (it: DomainKeeper, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (it: DomainKeeper, state) => run(it, state));
/** What is open, as it stands in the desk: nobody looks because of it. */
const openAlerts = () =>
  inDesk((_, { storage }) =>
    storage.sql
      .exec<{ kind: string; job: string; about: string }>(
        "SELECT kind, job, coalesce(domain_id, '') AS about FROM alert WHERE resolved_ms IS NULL ORDER BY job",
      )
      .toArray(),
  );
const tasksOf = async () =>
  (await openAlerts()).flatMap(({ kind, job, about }) => (kind === "task.late" && about === domainId ? [job] : []));
/** Everything that the keeper has planned was due then, and these three are planned. */
const setDue = (atMs: number) =>
  inKeeper((_, { storage }) => {
    for (const task of ["index", "check", "retain"]) {
      storage.sql.exec("INSERT OR REPLACE INTO schedule VALUES (?, ?, 0)", task, atMs);
    }
  });
/** When each task of the keeper is due. */
const plannedMs = () =>
  inKeeper((_, { storage }) => {
    const rows = storage.sql.exec<{ task: string; due_ms: number }>("SELECT * FROM schedule ORDER BY task").toArray();
    return Object.fromEntries(rows.map(({ task, due_ms }) => [task, due_ms]));
  });

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  await inDesk((it, { storage }) => {
    it.clock = Date.now;
    for (const table of ["alert", "alert_notice", "job_state", "job_run", "late_task"])
      storage.sql.exec(`DELETE FROM ${table}`);
    storage.kv.delete("jobs_watched_since");
    storage.kv.delete("jobs_next_look_ms");
  });
  domainId = await newDomain(await newTenant());
  await append(domainId, event(), { waitForCopy: true });
  await keeperOf(domainId).indexSoon();
});
afterEach(async () => {
  await inDesk((it) => void (it.clock = Date.now));
  vi.restoreAllMocks();
});

describe("S2-42 cron silent for a day", () => {
  test("the keeper indexes, checks and retains by its own alarm; what is late is cron's jobs, each by its name", async () => {
    await scheduledJobs("*/5 * * * *", env);
    await scheduledJobs("23 3 * * *", env);
    expect(await tasksOf()).toEqual([]);
    const startMs = Date.now();
    // A day later, and nobody has called.
    await setDue(startMs - 1);
    await inKeeper(async (it, { storage }) => {
      it.retaining.context.book.setDue(startMs - 1);
      it.checks.askAnew(false);
      await storage.setAlarm(Date.now() + DAY);
    });
    expect(await runDurableObjectAlarm(env.DOMAIN_KEEPER.getByName(domainId))).toBe(true);
    // What the self-check tells of itself is indexed, too.
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(env.DOMAIN_KEEPER.getByName(domainId));
        expect(Object.keys(await plannedMs())).toEqual(["check", "retain"]);
      },
      { timeout: 15_000, interval: 100 },
    );
    expect(Math.min(...Object.values(await plannedMs()))).toBeGreaterThan(startMs);
    expect((await keeperOf(domainId).health()).lastRun).not.toBeNull();
    await inDesk((it) => void (it.clock = () => startMs + DAY + 60_000));
    expect(await runDurableObjectAlarm(env.CELL_DESK.getByName("cell"))).toBe(true);
    const late = CRON_JOB_NAMES.filter((job) => CRON_JOBS[job].everyMs < DAY).sort();
    const open = await openAlerts();
    expect(open.filter(({ kind }) => kind === "job.late").map(({ job }) => job)).toEqual(late);
    expect(open.filter(({ about }) => about === domainId)).toEqual([]);
  });

  test("and the keeper's alarm lost: the next look names every task that missed its window and the domain, then makes it good", async () => {
    // What the keeper has under way may arm its alarm again, which makes good what was missed before anybody looks.
    await vi.waitFor(
      async () => {
        await setDue(Date.now() - DAY);
        await inKeeper((_, { storage }) => storage.deleteAlarm());
        await desk().wakeDomains();
        expect(await tasksOf()).toEqual(TASKS);
      },
      { timeout: 15_000, interval: 100 },
    );
    const { tasks } = await desk().monitoring.view();
    for (const task of TASKS) {
      expect(tasks.find((it) => it.task === task)).toMatchObject({ state: "late", late: 1 });
    }
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(env.DOMAIN_KEEPER.getByName(domainId));
        await desk().wakeDomains();
        expect(await tasksOf()).toEqual([]);
      },
      { timeout: 15_000, interval: 100 },
    );
    expect(Math.min(...Object.values(await plannedMs()))).toBeGreaterThan(Date.now());
  });
});
