/** A tenant's name, settings, tier and usage; what its tier refuses; and each change with its one entry, whatever fails. */
import { beforeAll, describe, expect, test } from "vitest";
import { limitsOf, tierLimits } from "../../src/services/tiers.ts";
import { call, env, event, jurisdiction, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { memberSession } from "../support/people.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import {
  deskOf,
  entriesOf,
  evictDesk,
  FORMS,
  type Form,
  failFrom,
  openJobs,
  recordWrites,
  runDeskAlarm,
} from "../support/tenancy.ts";

const BY = { type: "service", id: "operator" } as const;
const operator = () => env.OPERATOR_SECRET;

async function tenantOf(tier: string): Promise<TestTenant> {
  const tenant = await newTenant();
  await changeTier(tenant, tier);
  return tenant;
}
const pathOf = ({ tenantId }: TestTenant, rest = "") => `/v1/tenants/${tenantId}${rest}`;
const changeTier = (tenant: TestTenant, tier: string) =>
  call(pathOf(tenant, "/tier"), { method: "PUT", key: operator(), body: { tier } });
const update = (tenant: TestTenant, body: object) => call(pathOf(tenant), { method: "PATCH", key: tenant.key, body });
const read = async (tenant: TestTenant) =>
  (await (await call(pathOf(tenant), { key: tenant.key })).json()) as { name: string; tier: string; settings: object };
const told = async (tenant: TestTenant) =>
  (await entriesOf(tenant.tenantDomainId)).filter(({ action }) =>
    ["tenant.updated", "tenant.tier_changed"].includes(action),
  );

describe("PATCH /v1/tenants/{tenantId}", () => {
  test("changes the name alone; the entry says that it changed, not to what", async () => {
    const tenant = await newTenant("Before");
    expect((await update(tenant, { name: "After & Sons" })).status).toBe(200);
    expect(await read(tenant)).toMatchObject({ name: "After & Sons", tier: "enterprise", settings: {} });
    expect(await told(tenant)).toMatchObject([
      {
        actor: { type: "service", id: tenant.keyId },
        targets: [{ id: tenant.tenantId }],
        metadata: { changed: ["name"] },
      },
    ]);
    expect(JSON.stringify(await entriesOf(tenant.tenantDomainId))).not.toContain("Sons");
  });

  test("sets what is given, keeps the rest, and null is the tier's again", async () => {
    const tenant = await newTenant();
    await update(tenant, { settings: { retention_days: 100, limits: { domains: 7, api_keys: 9 } } });
    await update(tenant, { settings: { residency_lock: true, limits: { domains: null } } });
    expect((await read(tenant)).settings).toEqual({
      limits: { api_keys: 9 },
      residency_lock: true,
      retention_days: 100,
    });
    await update(tenant, { settings: { retention_days: null, limits: { api_keys: null } } });
    expect((await read(tenant)).settings).toEqual({ residency_lock: true });
    expect((await told(tenant)).map(({ metadata }) => metadata)).toMatchObject([
      { changed: ["settings"], settings: { limits: { api_keys: 9, domains: 7 }, retention_days: 100 } },
      { changed: ["settings"], settings: { residency_lock: true } },
      { changed: ["settings"], settings: { residency_lock: true } },
    ]);
  });

  test("what changes nothing writes no entry", async () => {
    const tenant = await newTenant("Same");
    expect((await update(tenant, {})).status).toBe(200);
    expect((await update(tenant, { name: "Same", settings: {} })).status).toBe(200);
    expect((await update(tenant, { settings: { retention_days: null, limits: {} } })).status).toBe(200);
    expect(await told(tenant)).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["S0-22 another jurisdiction", { jurisdiction: "us" }, "/jurisdiction"],
    ["a tier", { tier: "enterprise" }, "/tier"],
    ["an unknown setting", { settings: { colour: "red" } }, "/settings/colour"],
    ["an unknown limit", { settings: { limits: { rows: 1 } } }, "/settings/limits/rows"],
    ["a lock that is taken back", { settings: { residency_lock: false } }, "/settings/residency_lock"],
    ["a limit of zero", { settings: { limits: { domains: 0 } } }, "/settings/limits/domains"],
    ["half a day", { settings: { retention_days: 0.5 } }, "/settings/retention_days"],
    ["an e-mail address as name", { name: "jo@example.org" }, "/name"],
    ["a name with a line break, for a log or a header", { name: "a\r\nSet-Cookie: b" }, "/name"],
  ])("T6 %s is refused, naming the field", async (_, body, pointer) => {
    const tenant = await newTenant();
    expect(pointersOf(await problemOf(await update(tenant, body), "request.invalid"))).toEqual([pointer]);
    expect(await told(tenant)).toEqual([]);
  });

  test("S0-12 an enterprise tenant past the product's limit is a 422 that names it", async () => {
    const tenant = await newTenant();
    const problem = await problemOf(await update(tenant, { settings: { limits: { domains: 1000 } } }), "limit.reached");
    expect(problem).toMatchObject({ status: 422, detail: "the limit domains may be at most 999" });
    expect(pointersOf(problem)).toEqual(["/settings/limits/domains"]);
    await problemOf(await update(tenant, { settings: { retention_days: 40_000 } }), "limit.reached");
    expect((await update(tenant, { settings: { limits: { domains: 999 } } })).status).toBe(200);
  });

  test("S1-24 a limit that the largest append does not fit into is refused: it would never be let through", async () => {
    const tenant = await newTenant();
    const limits = { events_per_minute: 999 };
    const problem = await problemOf(await update(tenant, { settings: { limits } }), "request.invalid");
    expect(pointersOf(problem)).toEqual(["/settings/limits/events_per_minute"]);
    expect((await update(tenant, { settings: { limits: { events_per_minute: 1000 } } })).status).toBe(200);
  });

  test.each(["free", "pro", "team"])("S0-38 %s cannot have what is enterprise's: 403 naming it", async (tier) => {
    const tenant = await tenantOf(tier);
    const cases: [object, object][] = [
      [{ residency_lock: true }, { feature: "residency_lock" }],
      [{ cross_region_prevention: true }, { feature: "cross_region_prevention" }],
      [{ retention_days: 2557 }, { limit: "retention_days" }],
      [{ limits: { domains: 4 } }, { feature: "limit_overrides" }],
    ];
    for (const [settings, needs] of cases) {
      const problem = await problemOf(await update(tenant, { settings }), "tier.required");
      expect(problem).toMatchObject({ status: 403, needs: { tier: "enterprise", ...needs } });
    }
    expect((await read(tenant)).settings).toEqual({});
    expect((await update(tenant, { settings: { retention_days: 30 } })).status).toBe(200);
  });
});

describe("limits of a tier", () => {
  let tenant: TestTenant;
  beforeAll(async () => {
    tenant = await tenantOf("free");
  });

  test("the last domain that fits is made, the next one is a 403 that names the tier with room", async () => {
    for (let nth = 0; nth < tierLimits("free").domains; nth++) await newDomain(tenant);
    const refused = await call(pathOf(tenant, "/domains"), { key: tenant.key, body: { name: "one too many" } });
    expect(await problemOf(refused, "tier.required")).toMatchObject({ needs: { tier: "pro", limit: "domains" } });
    await changeTier(tenant, "pro");
    await newDomain(tenant);
  });

  test("eight at once for the last place are one domain", async () => {
    const raced = await newTenant();
    await update(raced, { settings: { limits: { domains: 1 } } });
    const make = (nth: number) => call(pathOf(raced, "/domains"), { key: raced.key, body: { name: `nth ${nth}` } });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, nth) => make(nth)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(422)]);
  });

  test("keys that are revoked or expired take no room", async () => {
    const full = await newTenant();
    await update(full, { settings: { limits: { api_keys: 2 } } });
    const make = () => call(pathOf(full, "/keys"), { key: full.key, body: { name: "k", permissions: ["entry.read"] } });
    const { id } = (await (await make()).json()) as { id: string };
    await problemOf(await make(), "limit.reached");
    expect((await call(pathOf(full, `/keys/${id}`), { key: full.key, method: "DELETE" })).status).toBe(200);
    expect((await make()).status).toBe(201);
  });

  test.each([
    ["free", 403],
    ["pro", 403],
    ["team", 200],
  ] as const)("S0-21 an export bundle in %s is a %i", async (tier, status) => {
    const its = await newTenant();
    const domainId = await newDomain(its);
    await call(`/v1/domains/${domainId}/audit/entries`, { key: its.key, body: event() });
    await changeTier(its, tier);
    const answer = await call(`/v1/domains/${domainId}/audit/bundle`, { key: its.key });
    expect(answer.status).toBe(status);
    if (status === 403) {
      expect(await problemOf(answer, "tier.required")).toMatchObject({ needs: { tier: "team", feature: "exports" } });
    } else await answer.arrayBuffer();
  });

  test("S0-37 a free tenant appends, reads, proves and erases", async () => {
    const free = await tenantOf("free");
    const domainId = await newDomain(free);
    const at = `/v1/domains/${domainId}/audit/entries`;
    expect((await call(at, { key: free.key, body: event() })).status).toBe(201);
    expect((await call(`${at}/1`, { key: free.key })).status).toBe(200);
    const body = { identity_id: "usr_42" };
    const erased = await call(`/v1/domains/${domainId}/audit/erase-identity`, { key: free.key, body });
    expect([200, 201, 202]).toContain(erased.status);
  });
});

describe("PUT /v1/tenants/{tenantId}/tier", () => {
  test("is the operator's: a tenant's first key cannot raise its own tier", async () => {
    const tenant = await tenantOf("free");
    const own = await call(pathOf(tenant, "/tier"), { method: "PUT", key: tenant.key, body: { tier: "enterprise" } });
    await problemOf(own, "auth.forbidden");
    expect((await read(tenant)).tier).toBe("free");
  });

  test("writes what it was and what it is, once; the same tier again writes nothing", async () => {
    const tenant = await newTenant();
    expect((await changeTier(tenant, "team")).status).toBe(200);
    expect((await changeTier(tenant, "team")).status).toBe(200);
    expect(await told(tenant)).toMatchObject([
      { action: "tenant.tier_changed", actor: { id: "operator" }, metadata: { from: "enterprise", to: "team" } },
    ]);
  });

  test("to a tier without room for what is there is refused, naming all of it, and changes nothing", async () => {
    const tenant = await newTenant();
    for (let nth = 0; nth <= tierLimits("free").domains; nth++) await newDomain(tenant);
    await update(tenant, { settings: { retention_days: 2000, limits: { members: 9 } } });
    const problem = await problemOf(await changeTier(tenant, "free"), "limit.reached");
    expect(problem.detail).toBe(
      "domains: 4 are there, the tier free includes 3; limits of the tenant's own: members; " +
        "retention_days: 2000 is set, the tier free includes 90",
    );
    expect(pointersOf(problem)).toEqual(["/tier", "/tier", "/tier"]);
    expect((await read(tenant)).tier).toBe("enterprise");
    await update(tenant, { settings: { retention_days: null, limits: { members: null }, residency_lock: true } });
    expect((await changeTier(tenant, "pro")).status).toBe(200);
    // What was promised stays.
    expect((await read(tenant)).settings).toEqual({ residency_lock: true });
  });
});

test("members count: four of them have no room in free, and are counted in the usage", async () => {
  const tenant = await newTenant();
  for (const role of ["owner", "admin", "viewer", "viewer"] as const) await memberSession(role, { tenant });
  const problem = await problemOf(await changeTier(tenant, "free"), "limit.reached");
  expect(problem.detail).toBe("members: 4 are there, the tier free includes 3");
  const usage = (await (await call(pathOf(tenant, "/usage"), { key: tenant.key })).json()) as { limits: object[] };
  expect(usage.limits).toContainEqual({ limit: "members", used: 4, included: tierLimits("enterprise").members });
});

describe("GET /v1/tenants/{tenantId}/usage", () => {
  test("counts domains, keys and entries, and says what is included", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const at = `/v1/domains/${domainId}/audit/entries`;
    await call(at, { key: tenant.key, body: [event(), event()], headers: { Prefer: "wait=replicated" } });
    await entriesOf(tenant.tenantDomainId);
    const usage = (await (await call(pathOf(tenant, "/usage"), { key: tenant.key })).json()) as {
      entries: number;
      limits: { limit: string; used: number | null; included: number }[];
    };
    // Entry 0 and two events; and the reserved domain's: created, tenant, key, domain added.
    expect(usage).toMatchObject({ tenant_id: tenant.tenantId, tier: "enterprise", entries: 3 + 4 });
    const included = limitsOf({ tier: "enterprise", settings: {} });
    expect(usage.limits).toEqual([
      { limit: "domains", used: 1, included: included.domains },
      { limit: "api_keys", used: 1, included: included.api_keys },
      { limit: "members", used: 0, included: included.members },
      { limit: "requests_per_minute", used: null, included: included.requests_per_minute },
      { limit: "events_per_minute", used: null, included: included.events_per_minute },
      { limit: "retention_days", used: null, included: included.retention_days },
    ]);
  });
});

describe("a change of a tenant", () => {
  let tenant: TestTenant;
  beforeAll(async () => {
    tenant = await newTenant();
  });
  const rename = (name: string) => deskOf(tenant.tenantId).updateTenant({ name, settings: {}, by: BY });

  test("is these writes, in this order", async () => {
    const seen = await recordWrites(tenant.tenantId);
    await rename("clean");
    expect(seen).toEqual(["changeTenant", "record"]);
  });

  test.each(["changeTenant", "record"].flatMap((name, nth) => FORMS.map((form) => [name, form, nth] as const)))(
    "whose %s %s is made and told once, after an eviction and an alarm",
    async (name, form: Form, nth) => {
      const before = (await told(tenant)).length;
      await failFrom(tenant.tenantId, nth, form);
      await expect(rename(`${name} ${form}`)).rejects.toMatchObject({ code: "storage.unavailable" });
      await evictDesk(tenant.tenantId);
      expect(await runDeskAlarm(tenant.tenantId)).toBe(true);
      expect(await openJobs(tenant.tenantId)).toBe(0);
      expect((await read(tenant)).name).toBe(`${name} ${form}`);
      expect(await told(tenant)).toHaveLength(before + 1);
    },
  );

  test("that failed never undoes a newer one: it is finished first", async () => {
    await failFrom(tenant.tenantId, 0, "failed and not persisted");
    await expect(rename("older")).rejects.toMatchObject({ code: "storage.unavailable" });
    await evictDesk(tenant.tenantId);
    await Promise.all([rename("newer"), runDeskAlarm(tenant.tenantId)]);
    await runDeskAlarm(tenant.tenantId);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect((await read(tenant)).name).toBe("newer");
  });

  test("made by many at once leaves the last one, and an entry for each", async () => {
    const before = (await told(tenant)).length;
    await Promise.all(Array.from({ length: 6 }, (_, nth) => rename(`nth ${nth}`)));
    expect((await read(tenant)).name).toBe("nth 5");
    expect(await told(tenant)).toHaveLength(before + 6);
  });
});

test("a cell of the other jurisdiction knows no such tenant", async () => {
  const tenant = await newTenant();
  const other = jurisdiction === "eu" ? "us" : "eu";
  const path = pathOf(tenant, "/usage").replace(`_${jurisdiction}_`, `_${other}_`);
  await problemOf(await call(path, { key: tenant.key }), "resource.not_found");
});
