/** The cell desk's watch over jobs, objects, probes and backups. In workerd, with the real objects, D1, R2 and alarms. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import { SqliteExportBook } from "../../durable-objects/domain-keeper/export-book.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { scheduledJobs } from "../../src/jobs/schedule.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { CRON_JOB_NAMES, CRON_JOBS } from "../../src/services/dead-man/table.ts";
import { breakCall } from "../support/broken-call.ts";
import { append, call, env, event, inLog, jurisdiction, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { entriesOf } from "../support/tenancy.ts";

const MINUTE = 60_000;
/** Of a machine that has much else to do. Milliseconds. */
const PATIENCE = 15_000;
const config = cellConfig(env);
const desk = () => cellDesk(env, config);
const inDesk = <T>(run: (it: CellDesk, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (it: CellDesk, state) => run(it, state));
const setClock = (nowMs: number) => inDesk((it) => void (it.clock = () => nowMs));
const openKinds = async () => (await desk().monitoring.view()).alerts.map(({ kind, job }) => `${kind} ${job}`);
const runAlarm = () => runDurableObjectAlarm(env.CELL_DESK.getByName("cell"));
const platformEntries = async () =>
  (await entriesOf(platformDomainId(jurisdiction))).filter(({ action }) => action.startsWith("cell.alert_"));

/** Every alert that a test before this one left is over. */
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  await inDesk((it, { storage }) => {
    it.clock = Date.now;
    for (const table of [
      "alert",
      "alert_notice",
      "alert_webhook",
      "alert_delivery",
      "alert_pace",
      "job_state",
      "job_run",
      "late_task",
      "open_change",
      "probe",
      "archive_seen",
    ])
      storage.sql.exec(`DELETE FROM ${table}`);
    storage.kv.delete("jobs_watched_since");
    storage.kv.delete("jobs_next_look_ms");
  });
});
afterEach(() => vi.restoreAllMocks());

describe("S2-42 a job that misses its window", () => {
  test("is an alert although nothing failed: found by the desk's own alarm while cron is silent, and over with the next success", async () => {
    const startMs = Date.now();
    await scheduledJobs("*/5 * * * *", env);
    await desk().monitoring.verifyBackups();
    expect(await openKinds()).toEqual([]);
    // Cron is silent from here on. The desk's alarm goes on by itself.
    await setClock(startMs + 16 * MINUTE);
    expect(await runAlarm()).toBe(true);
    const late = CRON_JOB_NAMES.filter((job) => CRON_JOBS[job].everyMs === 5 * MINUTE).map((job) => `job.late ${job}`);
    const found = await inDesk((_, { storage }) =>
      storage.sql
        .exec<{ text: string }>("SELECT kind || ' ' || job AS text FROM alert WHERE resolved_ms IS NULL")
        .toArray(),
    );
    expect(found.map(({ text }) => text).sort()).toEqual([...late, "probe.silent ams"].sort());
    await inDesk((it) => void (it.clock = Date.now));
    await scheduledJobs("*/5 * * * *", env);
    expect(await openKinds()).toEqual([]);
    await vi.waitFor(async () => {
      await runAlarm();
      const told = (await platformEntries()).map(({ action, metadata }) => `${action} ${metadata?.job}`);
      for (const job of ["wake_domains", "watch_jobs"]) {
        expect(told).toEqual(expect.arrayContaining([`cell.alert_raised ${job}`, `cell.alert_resolved ${job}`]));
      }
    }, PATIENCE);
  });

  test("is found by whoever reads the status, with cron and the alarm both dead, and raised once", async () => {
    await scheduledJobs("*/5 * * * *", env);
    await inDesk(async (_, { storage }) => storage.deleteAlarm());
    await setClock(Date.now() + 16 * MINUTE);
    const answer = await call("/v1/status/cell", { key: env.OPERATOR_SECRET });
    const { watched } = (await answer.json()) as {
      watched: { state: string; jobs: { name: string; state: string }[] };
    };
    expect(watched.state).toBe("attention");
    expect(watched.jobs.find(({ name }) => name === "wake_domains")?.state).toBe("late");
    const before = await openKinds();
    expect(await openKinds()).toEqual(before);
    const alert = (await desk().monitoring.view()).alerts.find(({ job }) => job === "wake_domains");
    expect(alert).toMatchObject({ count: 1, codes: ["no_success"] });
  });

  test("that fails keeps no other from running, is an alert with its code, and the run of cron fails", async () => {
    const spy = vi.spyOn(env.CONTROL, "prepare").mockImplementation(() => {
      throw new Error("D1 is away");
    });
    await expect(scheduledJobs("*/5 * * * *", env)).rejects.toThrow(/wake_/);
    spy.mockRestore();
    const { jobs } = await desk().monitoring.view();
    const states = Object.fromEntries(jobs.map(({ job, state }) => [job, state]));
    expect(states).toMatchObject({ wake_domains: "failing", wake_tenants: "failing", watch_jobs: "ok" });
    expect(await openKinds()).toEqual(expect.arrayContaining(["job.failing wake_domains"]));
    await scheduledJobs("*/5 * * * *", env);
    expect(await openKinds()).toEqual([]);
  });
});

describe("S2-42 work of an object", () => {
  test("that its alarm has missed is an alert that names it, before cron makes it good; the next look ends it", async () => {
    const domainId = await newDomain(await newTenant());
    await append(domainId, event(), { waitForCopy: true });
    // What the object has under way may arm its alarm again, which makes good what was missed before anybody looks.
    const tasks = await vi.waitFor(async () => {
      await inLog(domainId, async (_, { storage }) => {
        await storage.deleteAlarm();
        storage.sql.exec("INSERT OR REPLACE INTO schedule VALUES ('archive', ?, 0)", Date.now() - 61 * MINUTE);
      });
      await desk().wakeDomains();
      const { alerts, tasks } = await desk().monitoring.view();
      expect(alerts).toMatchObject([{ kind: "task.late", domainId, job: "log.archive" }]);
      return tasks;
    }, PATIENCE);
    expect(tasks.find(({ task }) => task === "log.archive")).toMatchObject({ state: "late", late: 1 });
    const shown = JSON.stringify(await (await call("/v1/status")).json());
    expect(shown).not.toContain(domainId);
    await desk().wakeDomains();
    expect(await openKinds()).toEqual([]);
  });

  test("a change of a tenant that nobody finishes is late an hour after it was first seen", async () => {
    const { tenantId } = await newTenant();
    const unfinished = () =>
      runInDurableObject(env.TENANT_DESK.getByName(tenantId), (_: TenantDesk, { storage }) => {
        storage.sql.exec(
          "INSERT OR REPLACE INTO job (id, job) VALUES (900, ?)",
          JSON.stringify({ kind: "nothing_known" }),
        );
      });
    await unfinished();
    await desk().wakeTenants();
    expect(await openKinds()).toEqual([]);
    await unfinished();
    await setClock(Date.now() + 61 * MINUTE);
    await desk().wakeTenants();
    expect(await inDesk((_, { storage }) => storage.sql.exec("SELECT domain_id, job FROM alert").toArray())).toEqual([
      { domain_id: tenantId, job: "desk.changes" },
    ]);
  });

  test("S2-42 retention of a tenant that its alarm has missed for an hour is one alert, although two notice", async () => {
    const { tenantId, tenantDomainId } = await newTenant();
    await runInDurableObject(env.TENANT_DESK.getByName(tenantId), async (it: TenantDesk, { storage }) => {
      it.retention.book.setDue(Date.now() - 61 * MINUTE);
      await storage.deleteAlarm();
    });
    await desk().wakeTenants();
    const { alerts } = await desk().monitoring.view();
    // The run itself tells of its lateness too.
    const own = alerts.filter(({ domainId }) => domainId === tenantId || domainId === tenantDomainId);
    expect(own).toMatchObject([{ kind: "task.late", domainId: tenantId, job: "desk.retain", codes: ["overdue"] }]);
  });

  test("a domain that stops is an alert by itself, beside its entry", async () => {
    const domainId = await newDomain(await newTenant());
    await append(domainId, event(), { waitForCopy: true });
    await inLog(domainId, (log) => log.stop("set back"));
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(stubOf(domainId));
      const { alerts } = await desk().monitoring.view();
      expect(alerts.filter(({ kind }) => kind === "integrity.violation")).toMatchObject([
        { kind: "integrity.violation", domainId, codes: ["stopped"] },
      ]);
    }, PATIENCE);
  });
});

describe("an alert", () => {
  const about = { kind: "clock.jumped", job: "test" } as const;

  test("is opened once however often it is raised, and another one after it was resolved", async () => {
    const { monitoring } = desk();
    const atMs = Date.now();
    expect(await monitoring.raise({ ...about, codes: ["ahead"], atMs })).toBe(true);
    expect(await monitoring.raise({ ...about, codes: ["behind"], atMs: atMs + 1 })).toBe(false);
    expect((await monitoring.view()).alerts).toMatchObject([
      { count: 2, codes: ["behind"], openedMs: atMs, lastMs: atMs + 1 },
    ]);
    expect(await monitoring.resolve(about, atMs + 2)).toBe(true);
    expect(await monitoring.resolve(about, atMs + 3)).toBe(false);
    expect(await monitoring.raise({ ...about, codes: [], atMs: atMs + 4 })).toBe(true);
    const { incidents } = await monitoring.view();
    expect(incidents.map(({ resolvedMs }) => resolvedMs)).toEqual([null, atMs + 2]);
  });

  test("is one entry, also when the platform's log is away at first, or takes it and does not answer", async () => {
    const ofThis = async () => (await platformEntries()).filter(({ metadata }) => metadata?.kind === about.kind).length;
    // What the tests before this one have raised is told.
    await runAlarm();
    await logOf(platformDomainId(jurisdiction)).flush();
    const before = await ofThis();
    const platform = stubOf(platformDomainId(jurisdiction)) as never;
    for (const [i, form] of (["failed and not persisted", "failed but persisted"] as const).entries()) {
      const broken = await breakCall(platform, "append", form);
      await setClock(Date.now() + (2 * i + 1) * MINUTE);
      if (i === 0) await desk().monitoring.raise({ ...about, codes: [], atMs: Date.now() });
      await vi.waitFor(async () => {
        await runAlarm();
        expect(broken.asked()).toBe(1);
      }, PATIENCE);
      await broken.mend();
    }
    await setClock(Date.now() + 5 * MINUTE);
    await runAlarm();
    await logOf(platformDomainId(jurisdiction)).flush();
    expect(await ofThis()).toBe(before + 1);
    expect(await inDesk((_, { storage }) => storage.sql.exec("SELECT * FROM alert_notice").toArray())).toEqual([]);
  });

  test("of a tenant that is deleted goes with it", async () => {
    await desk().monitoring.raise({
      kind: "task.late",
      domainId: "dom_gone",
      job: "log.copy",
      codes: [],
      atMs: Date.now(),
    });
    await desk().finishDeletion("tnt_gone", "note", [{ domain_id: "dom_gone" } as never]);
    expect(await openKinds()).toEqual([]);
  });
});

describe("S2-34 the daily look at what could be restored", () => {
  test("shows how old the bookmarks are that the operator took down, and that without any it is not known", async () => {
    const shown = async () => {
      await scheduledJobs("23 3 * * *", env);
      return (await desk().monitoring.view()).backups.find(({ name }) => name === "database");
    };
    expect(await shown()).toMatchObject({ verdict: "unknown", found: { databases: 3, bookmarks: 0 } });
    const insert = env.CONTROL.prepare("INSERT INTO backup_bookmark VALUES (?, '00000001-00000002', ?)");
    const at = new Date(Date.now() - 2 * 60 * MINUTE).toISOString();
    await env.CONTROL.batch(["CONTROL", "LEDGER_00", "LEDGER_01"].map((binding) => insert.bind(binding, at)));
    const known = await shown();
    expect(known).toMatchObject({ verdict: "verified", found: { bookmarks: 3 } });
    expect(known?.found.oldest_bookmark_age_s).toBeGreaterThanOrEqual(7200);
    expect(known?.found.oldest_bookmark_age_s).toBeLessThan(7260);
    await env.CONTROL.exec("DELETE FROM backup_bookmark");
  });

  test("shows in how many domains a tenant took its own copy lately, and never calls that verified", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const readyMs = Date.now() - 60 * MINUTE;
    await runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), async (keeper: DomainKeeper, { storage }) => {
      expect(await keeper.lastExport()).toEqual({ ok: true, value: null });
      new SqliteExportBook(storage);
      const record = JSON.stringify({ status: "ready", finishedAtMs: readyMs });
      storage.sql.exec("INSERT INTO export_job VALUES ('exp_1', 0, 1, ?)", record);
    });
    await desk().wakeDomains();
    await scheduledJobs("23 3 * * *", env);
    const copy = (await desk().monitoring.view()).backups.find(({ name }) => name === "tenant_copy");
    expect(copy).toMatchObject({ verdict: "unknown", found: { domains_exported_lately: 1 } });
    expect(copy?.found.newest_export_age_s).toBeGreaterThanOrEqual(3600);
  });

  test("finds an archive that stands still, and is satisfied when it has moved", async () => {
    const domainId = await newDomain(await newTenant());
    await append(domainId, event(), { waitForCopy: true });
    await desk().wakeDomains();
    await scheduledJobs("23 3 * * *", env);
    const { backups } = await desk().monitoring.view();
    expect(backups.find(({ name }) => name === "log")).toMatchObject({ verdict: "verified" });
    await inDesk((_, { storage }) => {
      const since = Date.now() - 25 * 60 * MINUTE;
      storage.sql.exec(
        "UPDATE archive_seen SET since_ms = ?, archived = size - 1 WHERE domain_id = ?",
        since,
        domainId,
      );
    });
    await scheduledJobs("23 3 * * *", env);
    expect(await openKinds()).toEqual(["backup.unverified undefined"]);
    await inLog(domainId, (log) => log.alarm());
    await inDesk((_, { storage }) => storage.sql.exec("UPDATE archive_seen SET archived = size, since_ms = seen_ms"));
    await scheduledJobs("23 3 * * *", env);
    expect(await openKinds()).toEqual([]);
  });
});
