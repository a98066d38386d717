/** S1-24 Rate limits over HTTP: what is refused, what is told, who is not touched, and how a tenant changes them. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import type { RateDesk } from "../../durable-objects/rate-desk.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { LeaseCall } from "../../src/services/rates/calls.ts";
import type { JobDeps } from "../../src/services/tenancy/jobs.ts";
import { call, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { bearer, counted, freshWorker } from "../support/fresh-worker.ts";
import { memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { deskOf, deskStub, entriesOf, evictDesk, openJobs, runDeskAlarm } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

const limitsPath = (of = tenant) => `/v1/tenants/${of.tenantId}/rate-limits`;
const set = (settings: object, of = tenant, headers: Record<string, string> = { "If-Match": "*" }) =>
  call(limitsPath(of), { method: "PUT", key: of.key, body: settings, headers });
const quota = (per_minute: number, burst: number) => ({ per_minute, burst });
/** A key with a limit of its own; the others have the tier's. */
async function limitedKey(quotas: object, of = tenant) {
  const { id, key } = await storedKey(of.tenantId, ["entry.append", "tenant.read"]);
  expect((await set({ clients: [{ id, ...quotas }] }, of)).status).toBe(200);
  return { id, key };
}
const rateStub = (tenantId: string) => env.RATE_DESK.getByName(tenantId);

describe("an answer", () => {
  test("tells of the limit and of what is left, whatever it says", async () => {
    const { key } = await limitedKey({ requests: quota(60, 30) });
    const path = `/v1/tenants/${tenant.tenantId}`;
    const worker = freshWorker();
    for (const [to, status] of [
      [path, 200],
      [`${path}/keys`, 403],
      ["/v1/tenants/tnt_eu_x", 404],
    ] as const) {
      const answer = await worker(to, bearer(key));
      expect(answer.status).toBe(status);
      expect(answer.headers.get("RateLimit-Policy")).toBe('"requests";q=30;w=30');
      expect(answer.headers.get("RateLimit")).toMatch(/^"requests";r=2\d;t=\d+$/);
    }
    const appended = await worker(`/v1/domains/${domainId}/audit/entries`, {
      method: "POST",
      headers: { ...bearer(key).headers, "Content-Type": "application/json" },
      body: JSON.stringify(event()),
    });
    expect(appended.headers.get("RateLimit-Policy")).toMatch(/^"requests";q=30;w=30, "events";q=\d+;w=60$/);
  });

  test("without a right credential, and of a public route, tells of none", async () => {
    expect((await call("/v1/whoami")).headers.get("RateLimit")).toBeNull();
    expect((await call("/v1/key-format")).headers.get("RateLimit")).toBeNull();
  });
});

describe("client A above its limit", () => {
  test("gets 429 with Retry-After and stores nothing, while client B beside it feels nothing", async () => {
    const a = await limitedKey({ requests: quota(60, 20) });
    const b = await storedKey(tenant.tenantId, ["entry.append"]);
    const path = `/v1/domains/${domainId}/audit/entries`;
    const before = (await logOf(domainId).head()).size;
    const [ofA, ofB] = await Promise.all([
      Promise.all(Array.from({ length: 80 }, () => call(path, { key: a.key, body: event() }))),
      Promise.all(Array.from({ length: 60 }, () => call(path, { key: b.key, body: event() }))),
    ]);
    const refused = ofA.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(40);
    expect(ofB.map(({ status }) => status)).toEqual(Array(60).fill(201));
    const stored = ofA.filter(({ status }) => status === 201).length + 60;
    expect((await logOf(domainId).head()).size).toBe(before + stored);
    const [one] = refused as [Response];
    expect(Number(one.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(one.headers.get("RateLimit")).toMatch(/^"requests";r=\d;t=\d+$/);
    expect((await problemOf(one, "rate.limited")).detail).toBe("the limit of requests is reached");
  });

  test("so does a member, while another member feels nothing", async () => {
    const a = await memberSession("admin", { tenant });
    const b = await memberSession("admin", { tenant });
    expect((await set({ clients: [{ id: a.memberId, requests: quota(60, 10) }] })).status).toBe(200);
    const ask = (key: string) => call("/v1/whoami", { key });
    const [ofA, ofB] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, () => ask(a.token))),
      Promise.all(Array.from({ length: 40 }, () => ask(b.token))),
    ]);
    expect(ofA.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(25);
    expect(ofB.map(({ status }) => status)).toEqual(Array(40).fill(200));
  });

  test("appends are counted in events: a batch that does not fit is refused whole, a smaller one is not", async () => {
    const { key } = await limitedKey({ events: quota(1000, 1000) });
    const path = `/v1/domains/${domainId}/audit/entries`;
    const send = (count: number) => call(path, { key, body: Array.from({ length: count }, () => event()) });
    expect((await send(600)).status).toBe(201);
    const size = (await logOf(domainId).head()).size;
    const problem = await problemOf(await send(600), "rate.limited");
    expect(problem.detail).toBe("the limit of events is reached");
    expect((await logOf(domainId).head()).size).toBe(size);
    expect((await send(100)).status).toBe(201);
  });

  test("after the time that it was told it is let through again", async () => {
    const { key } = await limitedKey({ requests: quota(60, 2) });
    const worker = freshWorker();
    const ask = () => worker("/v1/whoami", bearer(key));
    const answers = [await ask(), await ask(), await ask(), await ask()];
    const refused = answers.find(({ status }) => status === 429) as Response;
    await new Promise((resolve) => setTimeout(resolve, Number(refused.headers.get("Retry-After")) * 1000 + 50));
    expect((await ask()).status).toBe(200);
  });
});

test("all clients of a tenant together keep to the tenant's ceiling, and another tenant feels nothing", async () => {
  const [crowd, other] = [await newTenant(), await newTenant()];
  expect((await set({ tenant: { requests: quota(60, 40) } }, crowd)).status).toBe(200);
  const keys = await Promise.all(Array.from({ length: 8 }, () => storedKey(crowd.tenantId, [])));
  const answers = await Promise.all(
    keys.flatMap(({ key }) => Array.from({ length: 10 }, () => call("/v1/whoami", { key }))),
  );
  expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(42);
  expect((await call("/v1/whoami", { key: other.key })).status).toBe(200);
});

describe("changing the limits", () => {
  test("needs If-Match of what is there, and answers the next ETag", async () => {
    const its = await newTenant();
    const read = await call(limitsPath(its), { key: its.key });
    const etag = read.headers.get("ETag") as string;
    const wish = { keys: { requests: quota(600, 100) } };
    await problemOf(await set(wish, its, {}), "precondition.required");
    await problemOf(await set(wish, its, { "If-Match": '"7"' }), "precondition.failed");
    await problemOf(await set(wish, its, { "If-Match": `W/${etag}` }), "precondition.failed");
    const first = await set(wish, its, { "If-Match": etag });
    expect(first.status).toBe(200);
    expect(await first.json()).toMatchObject({ set: wish, in_force: { keys: { requests: quota(600, 100) } } });
    expect(first.headers.get("ETag")).not.toBe(etag);
    await problemOf(await set(wish, its, { "If-Match": etag }), "precondition.failed");
  });

  test("another tier is another answer, so another ETag (RFC 9110 §8.8.1)", async () => {
    const its = await newTenant();
    const etag = async () => (await call(limitsPath(its), { key: its.key })).headers.get("ETag");
    const before = await etag();
    expect(await etag()).toBe(before);
    await call(`/v1/tenants/${its.tenantId}/tier`, { method: "PUT", key: env.OPERATOR_SECRET, body: { tier: "pro" } });
    expect(await etag()).not.toBe(before);
  });

  test("two at once: one wins, the other is told", async () => {
    const its = await newTenant();
    const etag = (await call(limitsPath(its), { key: its.key })).headers.get("ETag") as string;
    const wishes = [1, 2, 3].map((n) => set({ keys: { requests: quota(600, n) } }, its, { "If-Match": etag }));
    const statuses = (await Promise.all(wishes)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 412, 412]);
  });

  test("is an entry that says what was set, of people only their pseudonym", async () => {
    const its = await newTenant();
    const { id } = await storedKey(its.tenantId, []);
    const member = "mem_eu_01jcy3x8e7f4s9m2k5n8q1r4tv".replace("_eu_", id.slice(3, 7));
    const clients = [
      { id, requests: quota(60, 60) },
      { id: member, requests: quota(30, 30) },
    ];
    expect((await set({ clients }, its)).status).toBe(200);
    const entry = (await entriesOf(its.tenantDomainId)).find(({ action }) => action === "tenant.rate_limits_changed");
    expect(entry?.metadata).toMatchObject({
      version: 1,
      targets: [{ requests: quota(60, 60) }, { requests: quota(30, 30) }],
    });
    expect(entry?.targets?.map((target) => target.id)).toContain(id);
    expect(JSON.stringify(entry)).not.toContain(member);
  });

  test.each([
    [{ keys: { requests: quota(100_000_000, 1) } }, "limit.reached"],
    [{ keys: { events: quota(60, 999) } }, "request.invalid"],
    [{ keys: { requests: quota(0, 1) } }, "request.invalid"],
    [{ keys: { requests: { per_minute: 1, burst: 1, window: 1 } } }, "request.invalid"],
    [{ everybody: {} }, "request.invalid"],
    [{ clients: [{ id: "operator", requests: quota(1, 1) }] }, "request.invalid"],
  ] as const)("to %j is refused", async (settings, code) => {
    await problemOf(await set(settings), code);
  });

  test("beyond the tier is refused, naming the tier that has it", async () => {
    const body = { name: "Small", jurisdiction: env.JURISDICTION, tier: "free" };
    const made = (await (await call("/v1/tenants", { key: env.OPERATOR_SECRET, body })).json()) as {
      tenant: { id: string };
      api_key: { key: string };
    };
    const small = { tenantId: made.tenant.id, key: made.api_key.key } as TestTenant;
    const problem = await problemOf(await set({ keys: { requests: quota(600, 600) } }, small), "tier.required");
    expect(problem).toMatchObject({ needs: { tier: "pro", limit: "requests_per_minute" } });
  });

  test("T2 that the counting object does not hear of at once it hears of by the alarm; an older one undoes nothing", async () => {
    const its = await newTenant();
    await deskOf(its.tenantId).rateLimits();
    const { id } = await storedKey(its.tenantId, []);
    await runInDurableObject(deskStub(its.tenantId), (desk: TenantDesk) => {
      const setLimits = () => Promise.reject(new AppError("storage.unavailable"));
      desk.deps = { ...(desk.deps as JobDeps), rates: () => ({ setLimits }) };
    });
    const settings = { clients: [{ id, requests: { perMinute: 60, burst: 7 } }] };
    const by = { type: "service", id: "key_test" } as const;
    await deskOf(its.tenantId).setRateLimits({ settings, of: 0, by });
    expect(await openJobs(its.tenantId)).toBe(1);
    await evictDesk(its.tenantId);
    await runDeskAlarm(its.tenantId);
    expect(await openJobs(its.tenantId)).toBe(0);
    const lease = () =>
      rateStub(its.tenantId).lease({ clientId: id, bucket: "requests", needed: 1, ahead: 0, unused: 0 });
    expect(await lease()).toMatchObject({ ok: true, value: { rate: { burst: 7 } } });
    await rateStub(its.tenantId).setLimits(1, {});
    expect(await lease()).toMatchObject({ ok: true, value: { rate: { burst: 7 } } });
  });
});

describe("the object that counts", () => {
  const away = {
    getByName: () => ({
      lease: () => Promise.reject(new Error("away")),
      lastUses: () => Promise.reject(new Error("away")),
    }),
  } as unknown as typeof env.RATE_DESK;

  test("when it is away, requests are served, and keys are listed without their last use", async () => {
    const worker = freshWorker({ RATE_DESK: away });
    const answer = await worker(`/v1/tenants/${tenant.tenantId}/keys`, bearer(tenant.key));
    expect(answer.status).toBe(200);
    const { keys } = (await answer.json()) as { keys: object[] };
    expect(keys[0]).not.toHaveProperty("last_used_at");
    expect(answer.headers.get("RateLimit-Policy")).toMatch(/^"requests"/);
  });

  test("is not asked by a warm isolate, nor is the database: tens of requests cost no call", async () => {
    const its = await newTenant();
    const seen = { leases: 0 };
    const counting = {
      getByName: (name: string) => ({
        lease: (wanted: LeaseCall) => {
          seen.leases++;
          return rateStub(name).lease(wanted);
        },
      }),
    } as unknown as typeof env.RATE_DESK;
    const { database, statements } = counted(env.CONTROL);
    const worker = freshWorker({ RATE_DESK: counting, CONTROL: database });
    for (let i = 0; i < 20; i++) await worker("/v1/whoami", bearer(its.key));
    const before = { leases: seen.leases, statements: statements().length };
    for (let i = 0; i < 100; i++) expect((await worker("/v1/whoami", bearer(its.key))).status).toBe(200);
    expect(seen.leases - before.leases).toBeLessThanOrEqual(3);
    expect(statements()).toHaveLength(before.statements);
  });

  test("keeps its limits and the last uses over an eviction, and takes the tier from the database", async () => {
    const its = await newTenant();
    await call("/v1/whoami", { key: its.key });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const stored = await runInDurableObject(rateStub(its.tenantId), (_, state) =>
      state.storage.sql.exec("SELECT key_id FROM key_use").toArray(),
    );
    expect(stored).toEqual([{ key_id: its.keyId }]);
  });

  test("counts on with the tier that it knew when the database is away", async () => {
    const its = await newTenant();
    await runInDurableObject(rateStub(its.tenantId), (desk: RateDesk) => {
      desk.control = { tenant: () => Promise.reject(new AppError("storage.unavailable")) };
    });
    expect((await freshWorker()("/v1/whoami", bearer(its.key))).status).toBe(200);
  });

  test("remembers the last use of no more keys than can be listed: the newest", async () => {
    const its = await newTenant();
    const used = (nth: number) =>
      ({ clientId: `key_${nth}`, bucket: "requests", needed: 1, ahead: 0, unused: 0 }) as const;
    await runInDurableObject(rateStub(its.tenantId), async (desk: RateDesk) => {
      let nowMs = 1_000_000_000_000;
      desk.clock = () => nowMs++;
      for (let nth = 0; nth < LIMITS.keyUsesKept + 5; nth++) await desk.lease(used(nth));
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const stored = await runInDurableObject(rateStub(its.tenantId), (_, state) =>
      state.storage.sql
        .exec("SELECT key_id FROM key_use")
        .toArray()
        .map(({ key_id }) => key_id),
    );
    expect(stored).toHaveLength(LIMITS.keyUsesKept);
    expect(stored).toContain(`key_${LIMITS.keyUsesKept + 4}`);
    expect(stored).not.toContain("key_4");
  });

  test("that was emptied with its tenant stores nothing again, though a warm key still asks", async () => {
    const its = await newTenant();
    await call("/v1/whoami", { key: its.key });
    await rateStub(its.tenantId).empty();
    await rateStub(its.tenantId).lease({ clientId: its.keyId, bucket: "requests", needed: 1, ahead: 0, unused: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const tables = await runInDurableObject(rateStub(its.tenantId), (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT GLOB '_cf_*'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
