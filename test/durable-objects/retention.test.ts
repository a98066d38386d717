/** Runs of retention in the object of a tenant: bounded, safe to kill, held back by holds and by a clock that is not believed. */
import { describe, expect, test } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { AppError } from "../../src/core/errors.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { setDeskClock } from "../support/access.ts";
import { env, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import {
  addRejected,
  addSessions,
  aroundBatches,
  askForRun,
  policyOf,
  rejectedOf,
  resourceOf,
  runsOf,
  type ShownRun,
  sessionsOf,
  setBatch,
  setReference,
  setRetention,
} from "../support/retention.ts";
import { deskOf, entriesOf, evictDesk, runDeskAlarm } from "../support/tenancy.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const ago = (days: number) => Date.now() - days * DAY;
const broken = () => {
  throw new AppError("storage.unavailable", { internal: "a test broke a batch" });
};

async function untilOver(tenant: TestTenant): Promise<ShownRun> {
  for (let turn = 0; turn < 60; turn++) {
    const [run] = await runsOf(tenant);
    if (run && run.status !== "running") return run;
    await runDeskAlarm(tenant.tenantId);
  }
  throw new Error("the run is not over");
}

const toldOf = async (tenant: TestTenant, action = "tenant.retention_applied") =>
  (await entriesOf(tenant.tenantDomainId)).filter((entry) => entry.action === action);

describe("a run", () => {
  test("S0-11, S1-16 removes rows older than the policy, keeps younger ones, and is a record and one entry with its counts", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await addSessions(tenant, 3, ago(31));
    await addSessions(tenant, 2, ago(29));
    await addRejected(domainId, 4, ago(91));
    await addRejected(domainId, 1, ago(89));
    await setRetention(tenant, "sessions", { duration: "P30D" });
    const before = await sessionsOf(tenant);
    const run = await askForRun(tenant);
    expect(run).toMatchObject({ status: "done", cause: "asked", planned: 7, done: 7, held: 0, failed: 0 });
    expect([before - (await sessionsOf(tenant)), await rejectedOf(domainId)]).toEqual([3, 1]);
    expect(await runsOf(tenant)).toEqual([run]);
    expect(await toldOf(tenant)).toMatchObject([
      { actor: { id: tenant.keyId }, metadata: { run: 1, status: "done", planned: 7, done: 7, held: 0, failed: 0 } },
    ]);
  });

  test("S1-17 a batch of 10 over 25 rows takes three batches, and none is lost", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 25, ago(8));
    const before = await sessionsOf(tenant);
    await setBatch(tenant, 10);
    const run = await askForRun(tenant);
    expect(run).toMatchObject({ status: "done", batches: 3, planned: 25, done: 25 });
    expect(before - (await sessionsOf(tenant))).toBe(25);
  });

  test("is bounded: what one turn leaves, the next ones finish", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 25, ago(8));
    await setBatch(tenant, 1);
    expect(await askForRun(tenant)).toMatchObject({ status: "running", done: 8, batches: 8 });
    expect(await untilOver(tenant)).toMatchObject({ status: "done", done: 25, batches: 25 });
  });

  test.each(["failed and not persisted", "failed but persisted"] as const)(
    "S1-17 killed while a batch of D1 %s: a new object goes on, all that is old is gone, and the counts say so",
    async (form) => {
      const tenant = await newTenant();
      const domainId = await newDomain(tenant);
      await addRejected(domainId, 25, ago(91));
      await addRejected(domainId, 2, ago(1));
      await setBatch(tenant, 10);
      let batches = 0;
      await aroundBatches(tenant, async (name, drop) => {
        if (name !== "rejected_events" || ++batches !== 2) return drop();
        if (form === "failed but persisted") await drop().catch(() => undefined);
        broken();
      });
      expect(await askForRun(tenant)).toMatchObject({ status: "running" });
      await evictDesk(tenant.tenantId);
      const run = await untilOver(tenant);
      expect(run).toMatchObject({ number: 1, status: "done", planned: 25, failed: 0 });
      expect(await rejectedOf(domainId)).toBe(2);
      expect(resourceOf(run, "rejected_events")).toMatchObject({ done: 25, state: "done" });
      expect(await toldOf(tenant)).toHaveLength(1);
    },
  );

  test("one resource that cannot be reached holds up no other, and fails by name in the end", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await addRejected(domainId, 3, ago(91));
    await addSessions(tenant, 3, ago(8));
    await aroundBatches(tenant, (name, drop) => (name === "rejected_events" ? broken() : drop()));
    const first = await askForRun(tenant);
    expect(resourceOf(first, "sessions")).toMatchObject({ done: 3, state: "done" });
    const run = await untilOver(tenant);
    expect(run).toMatchObject({ status: "failed", planned: 6, done: 3, failed: 3 });
    expect(resourceOf(run, "rejected_events")).toMatchObject({ state: "failed", fault: "storage.unavailable" });
    expect(await rejectedOf(domainId)).toBe(3);
  });

  test("two at once are one", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 25, ago(8));
    await setBatch(tenant, 1);
    const runs = await Promise.all([askForRun(tenant), askForRun(tenant), runDeskAlarm(tenant.tenantId)]);
    expect((runs.slice(0, 2) as ShownRun[]).map(({ number }) => number)).toEqual([1, 1]);
    expect(await untilOver(tenant)).toMatchObject({ number: 1, planned: 25, done: 25, batches: 25 });
    expect(await toldOf(tenant)).toHaveLength(1);
  });
});

describe("legal holds beat it", () => {
  test("a person's rows, a domain's, a resource's, or everything, until the release", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const other = await newDomain(tenant);
    await addSessions(tenant, 2, ago(8), "mem_held");
    await addSessions(tenant, 3, ago(8));
    await addRejected(domainId, 4, ago(91));
    await addRejected(other, 5, ago(91));
    const all = await placeHold(tenant, { all_domains: true });
    expect(await askForRun(tenant)).toMatchObject({ status: "done", planned: 0, done: 0, held: 14 });
    const some = await placeHold(tenant, { people: ["mem_held"], domains: [domainId] });
    await releaseHold(tenant, all.id);
    const run = await askForRun(tenant);
    expect(resourceOf(run, "sessions")).toMatchObject({ planned: 3, done: 3, held: 2 });
    expect(resourceOf(run, "rejected_events")).toMatchObject({ planned: 5, done: 5, held: 4 });
    await releaseHold(tenant, some.id);
    expect(await askForRun(tenant)).toMatchObject({ planned: 6, done: 6, held: 0 });
  });

  test("one over a resource keeps all of it, and nothing else", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await addSessions(tenant, 2, ago(8));
    await addRejected(domainId, 4, ago(91));
    const { id, status, domains } = await placeHold(tenant, { resources: ["sessions"] });
    expect({ status, domains }).toEqual({ status: "active", domains: [] });
    const run = await askForRun(tenant);
    expect(resourceOf(run, "sessions")).toMatchObject({ planned: 0, done: 0, held: 2 });
    expect(resourceOf(run, "rejected_events")).toMatchObject({ planned: 4, done: 4, held: 0 });
    await releaseHold(tenant, id);
    expect(await askForRun(tenant)).toMatchObject({ planned: 2, done: 2, held: 0 });
  });

  test("one that is placed while a run is under way holds what is still there", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 25, ago(8));
    const before = await sessionsOf(tenant);
    await setBatch(tenant, 1);
    expect(await askForRun(tenant)).toMatchObject({ done: 8 });
    await placeHold(tenant, { all_domains: true });
    const run = await untilOver(tenant);
    expect(run.done + run.held).toBe(25);
    expect(run.done).toBeLessThan(25);
    expect(before - (await sessionsOf(tenant))).toBe(run.done);
  });
});

describe("the clock", () => {
  test("S1-16 runs by the alarm once a day, and cron plans the first one", async () => {
    const tenant = await newTenant();
    await deskOf(tenant.tenantId).wake();
    expect(await runsOf(tenant)).toEqual([]);
    await setDeskClock(tenant.tenantId, DAY + HOUR / 2);
    await setReference(tenant, DAY + HOUR / 2);
    await runDeskAlarm(tenant.tenantId);
    expect(await runsOf(tenant)).toMatchObject([{ number: 1, cause: "clock", status: "done" }]);
    await runDeskAlarm(tenant.tenantId);
    expect(await runsOf(tenant)).toHaveLength(1);
  });

  test("a year ahead of what the database says removes nothing, is told once, and the next run is as if it had not been", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 3, ago(1));
    const before = await sessionsOf(tenant);
    await setDeskClock(tenant.tenantId, 365 * DAY);
    expect(await askForRun(tenant)).toMatchObject({ status: "refused", fault: "clock_ahead", done: 0 });
    expect(await askForRun(tenant)).toMatchObject({ number: 1, status: "refused" });
    expect(await sessionsOf(tenant)).toBe(before);
    expect(await toldOf(tenant, "tenant.retention_refused")).toMatchObject([
      { metadata: { run: 1, fault: "clock_ahead" } },
    ]);
    await setDeskClock(tenant.tenantId, null);
    expect(await askForRun(tenant)).toMatchObject({ number: 2, status: "done", planned: 0 });
  });

  test("a run that an alarm and cron missed for a day says how late it was", async () => {
    const tenant = await newTenant();
    await deskOf(tenant.tenantId).wake();
    await setDeskClock(tenant.tenantId, 2 * DAY);
    await setReference(tenant, 2 * DAY);
    await deskOf(tenant.tenantId).wake();
    const run = await untilOver(tenant);
    expect(run.status).toBe("done");
    expect(run.late_seconds).toBeGreaterThan(86_000);
    expect(run.late_seconds).toBeLessThan(86_500);
  });

  test("while no store tells the time nothing goes", async () => {
    const tenant = await newTenant();
    await addSessions(tenant, 3, ago(8));
    const before = await sessionsOf(tenant);
    await setReference(tenant, Number.NaN);
    await askForRun(tenant).catch(() => undefined);
    expect(await sessionsOf(tenant)).toBe(before);
    expect((await policyOf(tenant, "sessions")).duration).toBe("P7D");
  });
});

describe("alerts", () => {
  const alertsOf = async (tenant: TestTenant) =>
    (await cellDesk(env, cellConfig(env)).monitoring.view()).alerts
      .filter(({ domainId }) => domainId === tenant.tenantDomainId || domainId === tenant.tenantId)
      .map(({ kind, codes }) => ({ kind, codes }));

  test("S2-42 cron silent for a day: the alarm removes what is due all the same, and the late run is told until one is in time", async () => {
    const tenant = await newTenant();
    await deskOf(tenant.tenantId).wake();
    await addSessions(tenant, 3, ago(8));
    const before = await sessionsOf(tenant);
    // Nobody wakes it from here on.
    await setDeskClock(tenant.tenantId, 2 * DAY);
    await setReference(tenant, 2 * DAY);
    await runDeskAlarm(tenant.tenantId);
    const run = await untilOver(tenant);
    expect(run).toMatchObject({ status: "done", cause: "clock" });
    expect(run.late_seconds).toBeGreaterThan(86_000);
    expect(before - (await sessionsOf(tenant))).toBe(3);
    expect(await alertsOf(tenant)).toEqual([{ kind: "task.late", codes: ["overdue"] }]);
    await setDeskClock(tenant.tenantId, 3 * DAY + HOUR / 2);
    await setReference(tenant, 3 * DAY + HOUR / 2);
    await runDeskAlarm(tenant.tenantId);
    expect((await runsOf(tenant))[0]?.number).toBe(run.number + 1);
    expect(await alertsOf(tenant)).toEqual([]);
  });

  test("a clock that is not believed, a run that is late and one that fails are alerts until a run is as it should be", async () => {
    const tenant = await newTenant();
    await deskOf(tenant.tenantId).wake();
    await setDeskClock(tenant.tenantId, 365 * DAY);
    await askForRun(tenant);
    expect(await alertsOf(tenant)).toEqual([{ kind: "clock.jumped", codes: ["clock_ahead"] }]);
    await setReference(tenant, 365 * DAY);
    await addSessions(tenant, 1, ago(8));
    await aroundBatches(tenant, () => broken());
    await runDeskAlarm(tenant.tenantId);
    expect((await untilOver(tenant)).status).toBe("failed");
    expect(await alertsOf(tenant)).toEqual([
      { kind: "task.late", codes: ["overdue"] },
      { kind: "retention.failed", codes: ["storage.unavailable"] },
    ]);
    await aroundBatches(tenant, null);
    await setDeskClock(tenant.tenantId, 366 * DAY + HOUR / 2);
    await setReference(tenant, 366 * DAY + HOUR / 2);
    await runDeskAlarm(tenant.tenantId);
    expect(await untilOver(tenant)).toMatchObject({ status: "done", cause: "clock" });
    expect(await alertsOf(tenant)).toEqual([]);
  });
});
