/** A clock that was a year ahead for a while: what it planned comes in time all the same, once the clock is right. In workerd. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { Schedule } from "../../durable-objects/schedule.ts";
import { DeskAlarm } from "../../durable-objects/tenant-desk/desk-alarm.ts";
import { FIRST_WAIT_MS, JobWaits } from "../../durable-objects/tenant-desk/job-waits.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { CRON_JOBS, type CronJobName } from "../../src/services/dead-man/table.ts";
import { setDeskClock } from "../support/access.ts";
import { breakCall } from "../support/broken-call.ts";
import { append, env, event, inLog, jurisdiction, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { addSessions, askForRun, runsOf, sessionsOf, setReference } from "../support/retention.ts";
import { checkDomain, inKeeper, settle } from "../support/self-check.ts";
import { deskOf, deskStub, entriesOf, runDeskAlarm } from "../support/tenancy.ts";

const YEAR_MS = 365 * 86_400_000;
const MINUTE = 60_000;
const desk = () => cellDesk(env, cellConfig(env));
const inCell = <T>(run: (it: CellDesk, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (it: CellDesk, state) => run(it, state));
const setCellClock = (laterMs: number) => inCell((it) => void (it.clock = () => Date.now() + laterMs));
const runCellAlarm = () => runDurableObjectAlarm(env.CELL_DESK.getByName("cell"));
/** In the platform's log, of what was raised about `job`. */
const raisedOf = async (job: string) => {
  await logOf(platformDomainId(jurisdiction)).flush();
  const entries = await entriesOf(platformDomainId(jurisdiction));
  return entries.filter(({ action, metadata }) => action === "cell.alert_raised" && metadata?.job === job).length;
};
const openOf = async (domainId: string) =>
  (await desk().monitoring.view()).alerts
    .filter((alert) => alert.domainId === domainId)
    .map(({ kind, job }) => `${kind} ${job ?? ""}`.trim())
    .sort();

beforeEach(async () => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockImplementation(() => {});
  await desk().ensurePlatform();
});
afterEach(async () => {
  await inCell((it) => void (it.clock = Date.now));
  vi.restoreAllMocks();
});

describe("S2-42 an alert", () => {
  test("of an object whose clock is a year ahead is told at once by a desk whose clock is right", async () => {
    const job = crypto.randomUUID();
    await desk().monitoring.raise({ kind: "clock.jumped", job, codes: ["clock_ahead"], atMs: Date.now() + YEAR_MS });
    await vi.waitFor(async () => {
      await runCellAlarm();
      expect(await raisedOf(job)).toBe(1);
    }, 15_000);
  });

  test("that could not be told while the desk's clock was a year ahead is told as soon as it is right again", async () => {
    const job = crypto.randomUUID();
    const broken = await breakCall(
      stubOf(platformDomainId(jurisdiction)) as never,
      "append",
      "failed and not persisted",
    );
    await setCellClock(YEAR_MS);
    await desk().monitoring.raise({ kind: "clock.jumped", job, codes: ["clock_ahead"], atMs: Date.now() + YEAR_MS });
    await vi.waitFor(async () => {
      await runCellAlarm();
      expect(broken.asked()).toBeGreaterThan(0);
    }, 15_000);
    await broken.mend();
    await setCellClock(0);
    // Plans the alarm, as the next call of cron does.
    await desk().monitoring.raise({ kind: "clock.jumped", job: crypto.randomUUID(), codes: [], atMs: Date.now() });
    await vi.waitFor(async () => {
      await runCellAlarm();
      expect(await raisedOf(job)).toBe(1);
    }, 15_000);
  });
});

test("S2-42 a job that succeeded while the clock was a year ahead and never again is late after its window, and failing when it fails", async () => {
  const monitoring = desk().monitoring;
  const stateOf = async (job: string) => (await monitoring.view()).jobs.find((one) => one.job === job)?.state;
  await inCell((_, { storage }) => {
    for (const table of ["job_state", "job_run"]) storage.sql.exec(`DELETE FROM ${table}`);
    storage.kv.delete("jobs_watched_since");
  });
  const nowMs = Date.now();
  const [job, other]: [CronJobName, CronJobName] = ["wake_domains", "wake_tenants"];
  await inCell((it) => void (it.clock = () => nowMs + YEAR_MS));
  for (const one of [job, other]) {
    const atMs = nowMs + YEAR_MS;
    await monitoring.jobStarted(one, atMs);
    await monitoring.jobEnded(one, { startedMs: atMs, atMs, code: null, pingFault: null });
  }
  await inCell((it) => void (it.clock = () => nowMs));
  expect([await stateOf(job), await stateOf(other)]).toEqual(["ok", "ok"]);
  await monitoring.jobEnded(other, { startedMs: nowMs + 1, atMs: nowMs + 1, code: "internal", pingFault: null });
  expect(await stateOf(other)).toBe("failing");
  const { everyMs, graceMs } = CRON_JOBS[job];
  await inCell((it) => void (it.clock = () => nowMs + everyMs + graceMs + 1));
  expect(await stateOf(job)).toBe("late");
});

test("S2-42 a task that failed while the clock was a year ahead is planned anew when the clock is right; its wait stays otherwise", async () => {
  const domainId = await newDomain(await newTenant());
  await runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (_: DomainKeeper, { storage }) => {
    const schedule = new Schedule<"index">(storage);
    schedule.done("index");
    const nowMs = Date.now();
    const dueMs = () => schedule.planned().find(({ task }) => task === "index")?.dueMs ?? 0;
    schedule.plan("index", nowMs);
    schedule.failed("index", nowMs + YEAR_MS);
    schedule.plan("index", nowMs);
    expect(dueMs()).toBe(nowMs);
    for (let failures = 1; failures < 12; failures++) schedule.failed("index", nowMs);
    expect(dueMs()).toBe(nowMs + 5 * MINUTE);
    schedule.plan("index", nowMs);
    schedule.plan("index", nowMs - YEAR_MS);
    expect(dueMs()).toBe(nowMs + 5 * MINUTE);
    schedule.done("index");
  });
});

describe("S1-16 a tenant's retention", () => {
  test("that a clock a year ahead has planned for next year comes with cron's next call", async () => {
    const tenant = await newTenant();
    await setDeskClock(tenant.tenantId, YEAR_MS);
    await deskOf(tenant.tenantId).wake();
    await setDeskClock(tenant.tenantId, null);
    await addSessions(tenant, 3, Date.now() - 8 * 86_400_000);
    const before = await sessionsOf(tenant);
    await deskOf(tenant.tenantId).wake();
    await runDeskAlarm(tenant.tenantId);
    expect(await runsOf(tenant)).toMatchObject([{ cause: "clock", status: "done", done: 3 }]);
    expect(before - (await sessionsOf(tenant))).toBe(3);
    // The next one is planned by the clock as it is, and stays.
    await deskOf(tenant.tenantId).wake();
    await runDeskAlarm(tenant.tenantId);
    expect(await runsOf(tenant)).toHaveLength(1);
  });
});

test("new work of a tenant's desk is not put off by an alarm that a wrong clock planned for next year", async () => {
  const { tenantId } = await newTenant();
  await runInDurableObject(deskStub(tenantId), async (_: TenantDesk, { storage }) => {
    const alarm = new DeskAlarm(storage, new JobWaits(storage), Date.now);
    const nowMs = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs + YEAR_MS);
    alarm.soon();
    clock.mockRestore();
    expect(await storage.getAlarm()).toBe(nowMs + YEAR_MS + FIRST_WAIT_MS);
    alarm.soon();
    expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now() + FIRST_WAIT_MS);
  });
});

describe("S2-42 an alert about one thing is not over because another is well", () => {
  /** A run of retention over the domain's entries, with the clock as it is. */
  const retainEntries = (domainId: string) =>
    inKeeper(domainId, async ({ retaining }) => {
      retaining.context.book.setDue(1);
      await retaining.turn();
      expect(retaining.context.book.dueMs()).toBeGreaterThan(Date.now());
    });

  test("the self-check still finds the clock wrong: a run of retention that believes it closes nothing", async () => {
    const domainId = await newDomain(await newTenant());
    await append(domainId, event(), { waitForCopy: true });
    await settle(domainId);
    await checkDomain(domainId, () => ({ clock: () => Date.now() + YEAR_MS }));
    expect(await openOf(domainId)).toEqual(["clock.jumped"]);
    await retainEntries(domainId);
    expect(await openOf(domainId)).toEqual(["clock.jumped"]);
    await checkDomain(domainId);
    expect(await openOf(domainId)).toEqual([]);
  });

  test("a run that was refused for the clock, and the domain is stopped since: the alert is over when the clock is right", async () => {
    const domainId = await newDomain(await newTenant());
    await inKeeper(domainId, ({ retaining }) => {
      retaining.context.clock = () => Date.now() + YEAR_MS;
      retaining.context.book.setDue(1);
      return retaining.turn();
    });
    expect(await openOf(domainId)).toEqual(["clock.jumped keeper.retain"]);
    await inLog(domainId, (log) => log.stop("set back"));
    await inKeeper(domainId, ({ retaining }) => void (retaining.context.clock = Date.now));
    await retainEntries(domainId);
    expect(await openOf(domainId)).not.toContain("clock.jumped keeper.retain");
  });

  test("the desk refused its run: that of the tenant's own log, which is fine, closes nothing", async () => {
    const tenant = await newTenant();
    await setDeskClock(tenant.tenantId, YEAR_MS);
    await askForRun(tenant);
    expect(await openOf(tenant.tenantDomainId)).toEqual(["clock.jumped desk.retain"]);
    await retainEntries(tenant.tenantDomainId);
    expect(await openOf(tenant.tenantDomainId)).toEqual(["clock.jumped desk.retain"]);
    await setReference(tenant, YEAR_MS);
    await askForRun(tenant);
    expect(await openOf(tenant.tenantDomainId)).toEqual([]);
  });
});
