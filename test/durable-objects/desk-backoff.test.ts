/** What the desk of a tenant could not finish comes again, ever more rarely. In workerd, with the real objects, stores and alarms. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { JobBook } from "../../durable-objects/tenant-desk/job-book.ts";
import { MAX_WAIT_MS, waitMs } from "../../durable-objects/tenant-desk/job-waits.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { clear } from "../../src/services/tenancy/clear-entry.ts";
import type { Job } from "../../src/services/tenancy/jobs.ts";
import { call, env, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import {
  deskOf,
  deskStub,
  entriesAbout,
  evictDesk,
  FORMS,
  type Form,
  failWhere,
  openJobs,
} from "../support/tenancy.ts";

const BY = { type: "service", id: "operator" } as const;
const WAITS_S = [5, 10, 20, 40, 80, 160, 300, 300];
let nowMs = 0;
let tenant: TestTenant;
let warned: string[];

beforeEach(async () => {
  warned = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void warned.push(String(line)));
  nowMs = Date.now();
  tenant = await newTenant();
  await inDesk((desk) => void (desk.clock = () => nowMs));
  await putOff();
});
afterEach(() => vi.restoreAllMocks());

const inDesk = <T>(run: (desk: TenantDesk, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk, state) => run(desk, state));
const write = (...jobs: Job[]) => inDesk((_, { storage }) => jobs.map((job) => new JobBook(storage).write(job)));
/** An entry about `id`. */
const entry = (domainId: string, id: string): Job => ({
  ...{ kind: "entry", domainId, once: `test:${id}` },
  event: clear("api_key.revoked", BY, { type: "api_key", id }, {}),
});
const ids = (count: number) => Array.from({ length: count }, () => `key_${uuidv7()}`);
const revoked = (domainId: string, about: string[]) =>
  entriesAbout(domainId, about).then((found) => found.map((line) => line.replace("api_key.revoked ", "")));
const away = (domainId: string, form: Form = "failed and not persisted") =>
  failWhere(tenant.tenantId, (name, [to]) => name === "record" && to === domainId, form);
const back = () => failWhere(tenant.tenantId, () => false, "failed and not persisted");
/** So far away that no alarm runs beside the test's own. */
const putOff = () => inDesk((_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
/** One alarm. Resolves to how many seconds after its end the next one is planned, rounded up; null: none is. */
async function round(): Promise<number | null> {
  await putOff();
  await runDurableObjectAlarm(deskStub(tenant.tenantId));
  const [atMs, endMs] = await inDesk(async (_, { storage }) => [await storage.getAlarm(), Date.now()] as const);
  await putOff();
  return atMs === null ? null : Math.ceil((atMs - endMs) / 1000);
}
/** How long a wait is seen by somebody who looks a moment later. */
const about = (inS: number | null, waitS: number) => expect([waitS - 1, waitS]).toContain(inS);

test("a wait is 5 s, then twice as long each time, and never longer than five minutes", () => {
  expect(WAITS_S.map((_, i) => waitMs(i + 1) / 1000)).toEqual(WAITS_S);
  expect(waitMs(1_000_000)).toBe(MAX_WAIT_MS);
});

describe("a log that is away", () => {
  test.each(FORMS)("is asked ever more rarely, also by new objects, and told once (%s)", async (form) => {
    const [id] = ids(1) as [string];
    await write(entry(tenant.tenantDomainId, id));
    for (const waitS of WAITS_S) {
      await evictDesk(tenant.tenantId);
      await inDesk((desk) => void (desk.clock = () => nowMs));
      const asked = await away(tenant.tenantDomainId, form);
      about(await round(), waitS);
      expect(asked).toHaveLength(1);
      // Whatever has the alarm come sooner, nobody is asked before the time.
      nowMs += waitS * 500;
      await round();
      expect(asked).toHaveLength(1);
      nowMs += waitS * 500;
    }
    await back();
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await revoked(tenant.tenantDomainId, [id])).toEqual([id]);
  });

  test("is asked for one of its jobs in a round, the others for all of theirs; the round says so in one line", async () => {
    const domainId = await newDomain(tenant);
    await putOff();
    const [waiting, free] = [ids(20), ids(3)];
    await write(...waiting.map((id) => entry(tenant.tenantDomainId, id)), ...free.map((id) => entry(domainId, id)));
    const asked = await away(tenant.tenantDomainId);
    await round();
    expect(asked).toHaveLength(1);
    expect(await openJobs(tenant.tenantId)).toBe(20);
    expect(await revoked(domainId, free)).toEqual(free);
    const lines = warned.filter((line) => line.includes("tenant-desk"));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { at: "tenant-desk", fault: "storage.unavailable", in: { entry: 1 }, left: 20 },
    ]);
    expect(warned.join()).not.toContain(waiting[0]);
  });

  test("has all its jobs as soon as it answers, whoever asked, in the order in which they were written down", async () => {
    const waiting = ids(6);
    await write(...waiting.map((id) => entry(tenant.tenantDomainId, id)));
    await away(tenant.tenantDomainId);
    for (let i = 0; i < 3; i++) {
      await round();
      nowMs += 60_000;
    }
    expect(await round()).toBeGreaterThan(30);
    await back();
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(6);
    const wish = { name: "asks the log", permissions: ["entry.append" as const], expiresAt: null, by: BY };
    await deskOf(tenant.tenantId).createKey(wish);
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await revoked(tenant.tenantDomainId, waiting)).toEqual(waiting);
  });

  test("begins with 5 s again after it has answered", async () => {
    const [first, second] = ids(2) as [string, string];
    await write(entry(tenant.tenantDomainId, first));
    await away(tenant.tenantDomainId);
    for (const waitS of [5, 10, 20]) {
      await round();
      nowMs += waitS * 1000;
    }
    await back();
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(0);
    await write(entry(tenant.tenantDomainId, second));
    await away(tenant.tenantDomainId);
    about(await round(), 5);
  });

  test("that refuses one job for ever and takes the others has them, a little later", async () => {
    const [never, ...others] = ids(5) as [string, ...string[]];
    await write(...[never, ...others].map((id) => entry(tenant.tenantDomainId, id)));
    const asked = await failWhere(
      tenant.tenantId,
      (name, [, , once]) => name === "record" && once === `test:${never}`,
      "failed and not persisted",
    );
    for (const waitS of [5, 10, 20, 40, 80, 160]) {
      await round();
      nowMs += waitS * 1000;
    }
    expect([asked.length, await openJobs(tenant.tenantId)]).toEqual([6, 5]);
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(1);
    expect(await revoked(tenant.tenantDomainId, others)).toEqual(others);
    // And what comes new is not behind it.
    const [later] = ids(1) as [string];
    await write(entry(tenant.tenantDomainId, later));
    nowMs += MAX_WAIT_MS;
    await round();
    expect(await revoked(tenant.tenantDomainId, [later])).toEqual([later]);
  });

  test("is asked again in time although a clock was a year ahead when it refused", async () => {
    await write(entry(tenant.tenantDomainId, "key_clock"));
    const rightMs = nowMs;
    nowMs += 366 * 86_400_000;
    await away(tenant.tenantDomainId);
    await round();
    nowMs = rightMs;
    await back();
    await round();
    expect(await openJobs(tenant.tenantId)).toBe(0);
  });
});

describe("a job that fails for another reason than its log", () => {
  test.each(FORMS)("waits by itself: the log has the other jobs (%s)", async (form) => {
    const others = ids(3);
    const at = new Date(nowMs).toISOString();
    const { tenantId, tenantDomainId, keyId } = tenant;
    await write({ kind: "revocation", by: BY, tenantId, keyId, revokedAt: at, tenantDomainId });
    await write(...others.map((id) => entry(tenantDomainId, id)));
    const asked = await failWhere(tenantId, (name) => name === "revokeKey", form);
    for (const waitS of [5, 10, 20]) {
      await round();
      expect(await revoked(tenantDomainId, others)).toEqual(others);
      nowMs += waitS * 500;
      await round();
      nowMs += waitS * 500;
    }
    expect([asked.length, await openJobs(tenantId)]).toEqual([3, 1]);
    await back();
    await round();
    expect(await openJobs(tenantId)).toBe(0);
    expect(await revoked(tenantDomainId, [keyId])).toContain(keyId);
  });
});

describe("new work", () => {
  const rename = (name: string) => deskOf(tenant.tenantId).updateTenant({ name, settings: {}, by: BY });

  test("has the alarm come in 5 s, although older work waits longer, and what follows it does not put it off", async () => {
    await write(entry(tenant.tenantDomainId, "key_older"));
    await away(tenant.tenantDomainId);
    for (let i = 0; i < 6; i++) {
      await round();
      nowMs += MAX_WAIT_MS;
    }
    expect(await round()).toBeGreaterThan(200);
    await evictDesk(tenant.tenantId);
    await inDesk((desk) => void (desk.clock = () => nowMs));
    await away(tenant.tenantDomainId);
    await expect(rename("first")).rejects.toMatchObject({ code: "storage.unavailable" });
    const planned = await inDesk((_, { storage }) => storage.getAlarm());
    expect(planned).toBeLessThanOrEqual(Date.now() + 5000);
    await expect(rename("second")).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await inDesk((_, { storage }) => storage.getAlarm())).toBe(planned);
  });
});

test("what else the round does waits likewise while the control database is away, in one line for all of it", async () => {
  await inDesk((desk) => {
    desk.mailer = { send: () => Promise.reject(new Error("no mail leaves")) } as never;
    desk.retention.book.setDue(nowMs - 1);
  });
  const body = { email: `${uuidv7()}@example.org`, name: "Ada", role: "viewer" };
  const answer = await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: tenant.key, body });
  expect(answer.status).toBe(201);
  // The mail is due from here on.
  nowMs += 3_600_000;
  const spy = vi.spyOn(env.CONTROL, "prepare").mockImplementation(() => {
    throw new Error("D1 is away");
  });
  for (const waitS of [5, 10, 20]) {
    warned = [];
    about(await round(), waitS);
    expect(warned.filter((line) => line.includes("tenant-desk")).map((line) => JSON.parse(line))).toEqual([
      { at: "tenant-desk", fault: "storage.unavailable", in: { people: 1, retention: 1 }, left: 0 },
    ]);
  }
  spy.mockRestore();
  warned = [];
  await round();
  expect(warned.filter((line) => line.includes("tenant-desk"))).toEqual([]);
});
