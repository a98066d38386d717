/** How long things are kept: read, changed within the plan, told of. */
import { beforeAll, describe, expect, test } from "vitest";
import { setDeskClock } from "../support/access.ts";
import { append, call, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import { problemOf } from "../support/problems.ts";
import { dryRunLater, policyOf, readRetention, retentionPath, setRetention } from "../support/retention.ts";
import { deskOf, entriesOf, evictDesk, failFrom, runDeskAlarm } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

const toTier = (its: TestTenant, tier: string) =>
  call(`/v1/tenants/${its.tenantId}/tier`, { method: "PUT", key: env.OPERATOR_SECRET, body: { tier } });
const domainPath = (of = domainId, rest = "") => `/v1/domains/${of}/retention${rest}`;
const setDomain = (body: object, of = domainId, key = tenant.key) =>
  call(domainPath(of), { method: "PUT", key, body, headers: { "If-Match": "*" } });

describe("policies of a tenant", () => {
  test.each([
    ["free", "P90D", "P90D"],
    ["pro", "P1Y", "P365D"],
    ["team", "P1Y", "P365D"],
    ["enterprise", "P7Y", "forever"],
  ])(
    "S0-18, S1-5, S3-33 entries in the tier %s are kept for %s unless somebody decides, at most %s",
    async (tier, kept, most) => {
      const its = await newTenant();
      await toTier(its, tier);
      expect(await policyOf(its, "audit_entries")).toMatchObject({ duration: kept, source: "default", longest: most });
    },
  );

  test("S1-15, S1-18 every one that may be changed is changed, and is as the tier says again after a DELETE", async () => {
    const its = await newTenant();
    for (const resource of ["audit_entries", "sessions", "rejected_events", "retention_runs", "requests"]) {
      const before = await policyOf(its, resource);
      expect((await setRetention(its, resource, { duration: "P1Y" })).status).toBe(200);
      expect(await policyOf(its, resource)).toMatchObject({ duration: "P1Y", source: "tenant" });
      const headers = { "If-Match": "*" };
      await call(retentionPath(its, `/${resource}`), { method: "DELETE", key: its.key, headers });
      expect(await policyOf(its, resource)).toMatchObject({ duration: before.duration, source: "default" });
    }
  });

  test("S1-18 the change is an entry of the tenant's log that says who, what, from and to", async () => {
    const its = await newTenant();
    await setRetention(its, "audit_entries", { duration: "P2Y" });
    const told = (await entriesOf(its.tenantDomainId)).filter(({ action }) => action === "tenant.retention_changed");
    expect(told).toMatchObject([
      {
        actor: { id: its.keyId },
        metadata: { changes: [{ resource: "audit_entries", from: "P7Y", to: "P2Y" }], version: 1 },
      },
    ]);
  });

  test("needs the ETag of what was read: without it 428, with an old one 412; of two at once one is told", async () => {
    const its = await newTenant();
    const etag = (await readRetention(its)).headers.get("ETag");
    await problemOf(await setRetention(its, "sessions", { duration: "P30D" }, null), "precondition.required");
    const answers = await Promise.all(
      ["P30D", "P31D"].map((duration) => setRetention(its, "sessions", { duration }, etag)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    await problemOf(await setRetention(its, "sessions", { duration: "P32D" }, etag), "precondition.failed");
  });

  test("what is decided for later holds from then on, and a decision for now takes its place", async () => {
    const its = await newTenant();
    const later = new Date(Date.now() + 30 * 86_400_000).toISOString();
    await setRetention(its, "sessions", { duration: "P30D", effective_from: later });
    const scheduled = [{ duration: "P30D", effective_from: later, source: "tenant" }];
    expect(await policyOf(its, "sessions")).toMatchObject({ duration: "P7D", source: "default", scheduled });
    const past = new Date(Date.now() - 1000).toISOString();
    await problemOf(await setRetention(its, "sessions", { duration: "P9D", effective_from: past }), "request.invalid");
  });

  test.each([
    ["free", "audit_entries", "P91D", "pro"],
    ["free", "audit_entries", "forever", "enterprise"],
    ["pro", "audit_entries", "P2Y", "enterprise"],
  ])(
    "S0-19 in the tier %s %s for %s is a 422 that names the limit and the tier that has more",
    async (tier, resource, duration, needs) => {
      const its = await newTenant();
      await toTier(its, tier);
      const answer = await setRetention(its, resource, { duration });
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({
        code: "limit.reached",
        detail: expect.stringContaining("the limit retention_days is"),
        needs: { tier: needs, limit: "retention_days" },
      });
    },
  );

  test("S3-42, S2-28 cached answers never longer than 90 days, invoices never shorter than seven years", async () => {
    await problemOf(await setRetention(tenant, "connector_cache", { duration: "P91D" }), "limit.reached");
    await problemOf(await setRetention(tenant, "invoices", { duration: "P6Y" }), "request.invalid");
    await problemOf(await setRetention(tenant, "exports", { duration: "P1D" }), "request.invalid");
  });

  test.each([
    [{ duration: "7 years" }],
    [{ duration: "P0D" }],
    [{ duration: "P1Y", days: 1 }],
    [{}],
    [{ duration: "P101Y" }],
  ])("does not guess: %j", async (body) => {
    await problemOf(await setRetention(tenant, "audit_entries", body), "request.invalid");
  });

  test("keeps what was set as retention_days until somebody decides", async () => {
    const its = await newTenant();
    await call(`/v1/tenants/${its.tenantId}`, {
      method: "PATCH",
      key: its.key,
      body: { settings: { retention_days: 30 } },
    });
    expect(await policyOf(its, "audit_entries")).toMatchObject({ duration: "P30D", source: "settings" });
    await setRetention(its, "audit_entries", { duration: "P1Y" });
    expect(await policyOf(its, "audit_entries")).toMatchObject({ duration: "P1Y", source: "tenant" });
  });

  test("without retention.manage nothing is changed, and of somebody else's tenant it is a 404", async () => {
    const { key } = await storedKey(tenant.tenantId, ["retention.read"]);
    expect((await readRetention(tenant, key)).status).toBe(200);
    await problemOf(await setRetention(tenant, "sessions", { duration: "P1D" }, "*", key), "auth.forbidden");
    const other = await newTenant();
    await problemOf(await setRetention(tenant, "sessions", { duration: "P1D" }, "*", other.key), "resource.not_found");
  });

  test.each(["failed and not persisted", "failed but persisted"] as const)(
    "a change whose store %s is finished by the alarm: the policy and one entry",
    async (form) => {
      const its = await newTenant();
      await failFrom(its.tenantId, 0, form);
      expect((await setRetention(its, "sessions", { duration: "P30D" })).status).toBe(503);
      await evictDesk(its.tenantId);
      await runDeskAlarm(its.tenantId);
      expect(await policyOf(its, "sessions")).toMatchObject({ duration: "P30D", source: "tenant" });
      const told = (await entriesOf(its.tenantDomainId)).filter(({ action }) => action === "tenant.retention_changed");
      expect(told).toHaveLength(1);
    },
  );
});

describe("policies of a domain", () => {
  test("S4-1 a domain's own goes before the tenant's, and both logs tell of the change once", async () => {
    const own = await newDomain(tenant);
    expect((await setDomain({ policies: { audit_entries: "P3Y" } }, own)).status).toBe(200);
    const shown = (await (await call(domainPath(own), { key: tenant.key })).json()) as { policies: object[] };
    expect(shown).toMatchObject({ domain_id: own, confirmed: null });
    expect(shown.policies[0]).toMatchObject({ resource: "audit_entries", duration: "P3Y", source: "domain" });
    for (const log of [own, tenant.tenantDomainId]) {
      const told = (await entriesOf(log)).filter(
        ({ action, targets }) => action === "domain.retention_changed" && JSON.stringify(targets).includes(own),
      );
      expect(told).toHaveLength(1);
    }
    await setDomain({ policies: { audit_entries: null } }, own);
    const { policies } = (await (await call(domainPath(own), { key: tenant.key })).json()) as { policies: object[] };
    expect(policies[0]).toMatchObject({ duration: "P7Y", source: "default" });
  });

  test("S4-1 PATCH …/settings changes it, too, with retention.manage only, and changes nothing else when it is refused", async () => {
    const own = await newDomain(tenant);
    const patch = (body: object, key = tenant.key) =>
      call(`/v1/domains/${own}/settings`, { method: "PATCH", key, body, headers: { "If-Match": "*" } });
    const shown = async () =>
      ((await (await call(domainPath(own), { key: tenant.key })).json()) as { policies: object[] }).policies[0];
    expect((await patch({ retention: { audit_entries: "P2Y" }, require_schema: true })).status).toBe(200);
    expect(await shown()).toMatchObject({ duration: "P2Y", source: "domain" });
    const { key } = await storedKey(tenant.tenantId, ["domain.update", "domain.read"]);
    const refused = await patch({ retention: { audit_entries: "P3Y" }, require_schema: false }, key);
    await problemOf(refused, "auth.forbidden");
    expect(await shown()).toMatchObject({ duration: "P2Y" });
    const settings = await (await call(`/v1/domains/${own}/settings`, { key: tenant.key })).json();
    expect(settings).toMatchObject({ require_schema: true });
  });

  test("not of a reserved domain, and a 404 of somebody else's", async () => {
    const body = { policies: { audit_entries: "P1Y" } };
    await problemOf(await setDomain(body, tenant.tenantDomainId), "auth.forbidden");
    await problemOf(await setDomain(body, domainId, (await newTenant()).key), "resource.not_found");
  });
});

describe("S4-3 the dry run of a domain", () => {
  const confirm = (of: string, token: string | null) =>
    call(domainPath(of, "/confirm"), { key: tenant.key, body: { token: token ?? "none" } });
  /** Entries of today are older than a day then. */
  const LATER = 2 * 86_400_000;
  const oldDomain = async () => {
    const own = await newDomain(tenant);
    for (let i = 0; i < 5; i++) await append(own, event());
    await entriesOf(own);
    await setDomain({ policies: { audit_entries: "P1D" } }, own);
    // The entry that tells of the policy is copied, too.
    await entriesOf(own);
    return own;
  };

  test("names what is old and not held; nothing goes by it, and an empty range cannot be confirmed", async () => {
    const own = await oldDomain();
    expect(await dryRunLater(tenant, own, 0)).toMatchObject({
      ...{ from_seq: 0, to_seq: 0, entries: 0 },
      ...{ ends_because: "policy", token: null },
    });
    const run = await dryRunLater(tenant, own, LATER);
    // The newest entry stays.
    expect(run).toMatchObject({ from_seq: 0, to_seq: 6, entries: 6, ends_because: "newest", kept_for: "P1D" });
    const { id } = await placeHold(tenant, { ranges: [{ domain_id: own, from: 3, to: 4 }] });
    expect(await dryRunLater(tenant, own, LATER)).toMatchObject({ from_seq: 0, to_seq: 3, ends_because: "hold" });
    const people = await placeHold(tenant, { people: ["usr_42"] });
    expect(await dryRunLater(tenant, own, LATER)).toMatchObject({ to_seq: 0, ends_because: "hold", token: null });
    for (const hold of [id, people.id]) await releaseHold(tenant, hold);
    expect((await entriesOf(own)).length).toBeGreaterThan(7);
  });

  test("its token confirms it, of that domain only, and two logs tell of it", async () => {
    const own = await oldDomain();
    const { token } = await dryRunLater(tenant, own, LATER);
    await problemOf(await confirm(domainId, token), "precondition.failed");
    await problemOf(await confirm(own, "0".repeat(64)), "precondition.failed");
    expect(await deskOf(tenant.tenantId).retention.confirmation(own)).toBeNull();
    expect((await confirm(own, token)).status).toBe(200);
    expect(await deskOf(tenant.tenantId).retention.confirmation(own)).toMatchObject({
      duration: "P1D",
      keptFor: "P1D",
      toSeq: 6,
    });
    for (const log of [own, tenant.tenantDomainId]) {
      const told = (await entriesOf(log)).filter(
        ({ action, targets }) => action === "domain.retention_confirmed" && JSON.stringify(targets).includes(own),
      );
      expect(told).toHaveLength(1);
    }
  });

  test("does not confirm a policy that was shortened after it, nor a dry run of a week ago", async () => {
    const own = await newDomain(tenant);
    await append(own, event());
    const { token } = await dryRunLater(tenant, own, 8 * 366 * 86_400_000);
    expect(token).not.toBeNull();
    await setDomain({ policies: { audit_entries: "P1Y" } }, own);
    await problemOf(await confirm(own, token), "precondition.failed");
    const old = await oldDomain();
    const week = await dryRunLater(tenant, old, LATER);
    await setDeskClock(tenant.tenantId, LATER + 7 * 86_400_000 + 60_000);
    try {
      await problemOf(await confirm(old, week.token), "precondition.failed");
    } finally {
      await setDeskClock(tenant.tenantId, null);
    }
  });
});
