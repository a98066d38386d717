/** S3-35: bringing back a tenant over HTTP: the operator's secret gets no key by it, and the tenant is told and can say no. */
import { beforeAll, describe, expect, test } from "vitest";
import { platformTenantId } from "../../src/core/ids.ts";
import { REASON, setDeskClock } from "../support/access.ts";
import { call, env, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import { acceptInvitation, linkTo, mailsTo, memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { runDeskAlarm } from "../support/tenancy.ts";

const operator = env.OPERATOR_SECRET;
const path = ({ tenantId }: TestTenant, rest = "") => `/v1/tenants/${tenantId}/recovery${rest}`;
const wish = (email: string) => ({ reason: REASON, owner: { email, name: "Boss" } });
let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("S3-35 a recovery", () => {
  test("ends with a new owner, whom the operator never was: the invitation goes to the address alone", async () => {
    const mine = await newTenant();
    const before = await memberSession("owner", { tenant: mine });
    const viewer = await memberSession("viewer", { tenant: mine });
    await setDeskClock(mine.tenantId, -24 * 3_600_000);
    const answer = await call(path(mine), { key: operator, body: wish("boss.a@example.org") });
    expect(answer.status, await answer.clone().text()).toBe(201);
    expect(JSON.stringify(await answer.json())).not.toMatch(/msk_|token/);
    // Those who are owners hear of it at once, and what they can do.
    expect((await mailsTo(before.email))[0]?.text).toContain(`${path(mine)}`);
    expect(await mailsTo(viewer.email)).toEqual([]);
    expect(await mailsTo("boss.a@example.org")).toEqual([]);
    await setDeskClock(mine.tenantId, null);
    await runDeskAlarm(mine.tenantId);
    const { token } = (await (await acceptInvitation(await linkTo("boss.a@example.org"))).json()) as { token: string };
    expect(await (await call("/v1/whoami", { key: token })).json()).toMatchObject({
      kind: "member",
      tenant_id: mine.tenantId,
      person: { role: "owner" },
    });
  });

  test("is stopped by the tenant, and shown to it with the address while it waits", async () => {
    await call(path(tenant), { key: operator, body: wish("boss.b@example.org") });
    const { recoveries } = (await (await call(path(tenant), { key: tenant.key })).json()) as { recoveries: object[] };
    expect(recoveries[0]).toMatchObject({ state: "waiting", reason: REASON, owner: { email: "boss.b@example.org" } });
    const stopped = await call(path(tenant, "/stop"), { key: tenant.key, method: "POST" });
    expect(await stopped.json()).toMatchObject({ state: "stopped", owner: null, closed_by: tenant.keyId });
    await problemOf(await call(path(tenant, "/stop"), { key: tenant.key, method: "POST" }), "access.not_open");
  });

  test("is the operator's to ask for and the tenant's to stop, not the other way round", async () => {
    const body = wish("boss.c@example.org");
    await problemOf(await call(path(tenant), { key: tenant.key, body }), "auth.forbidden");
    await problemOf(await call(path(tenant, "/stop"), { key: operator, method: "POST" }), "auth.forbidden");
    await problemOf(await call(path(tenant, "/withdraw"), { key: tenant.key, method: "POST" }), "auth.forbidden");
  });

  test("of the platform's own tenant, and of one that does not exist, is the same 404", async () => {
    const nobody = `tnt_${jurisdiction}_01jcy3x8e7f4s9m2k5n8q1r4tv`;
    for (const tenantId of [platformTenantId(jurisdiction), nobody]) {
      const body = wish("boss.d@example.org");
      await problemOf(await call(`/v1/tenants/${tenantId}/recovery`, { key: operator, body }), "resource.not_found");
    }
  });

  test.each<[string, object, string]>([
    ["without a reason", { ...wish("a@example.org"), reason: "short" }, "/reason"],
    ["to two addresses", wish("a@example.org, b@example.org"), "/owner/email"],
    ["with a line break in the address", wish("a@example.org\nBcc: b@example.org"), "/owner/email"],
    ["with another role", { ...wish("a@example.org"), role: "engineer" }, "/role"],
    ["without the wait", { ...wish("a@example.org"), works_at: "2020-01-01T00:00:00Z" }, "/works_at"],
  ])("is refused %s", async (_, body, pointer) => {
    const problem = await problemOf(await call(path(tenant), { key: operator, body }), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});
